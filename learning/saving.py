"""Keras networks on disk, so that the same network is the same bytes.

Keras writes dates into an archive, and as the ids of what a network uses twice where that lies in
memory. Here dates are constant, and these ids are numbers in the order in which they come.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from pose_activity.artifacts import atomic

_METADATA, _CONFIG, _UNDATED = "metadata.json", "config.json", (1980, 1, 1, 0, 0, 0)
_ID = "shared_object_id"


def save(network: keras.Model, path: Path) -> None:
    """Writes a network as Keras does (`.keras`), whole or not at all."""
    with atomic.replacing(path) as draft:
        network.save(draft)
        draft.write_bytes(_canonical(draft))


def _canonical(archive: Path) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(archive) as found, zipfile.ZipFile(written, "w") as rewritten:
        for name in sorted(found.namelist()):
            content = found.read(name)
            if name == _METADATA:
                content = json.dumps(json.loads(content) | {"date_saved": ""}).encode()
            elif name == _CONFIG:
                content = json.dumps(_renumbered(json.loads(content), {})).encode()
            rewritten.writestr(zipfile.ZipInfo(name, _UNDATED), content)
    return written.getvalue()


def _renumbered(value: Any, numbers: dict[int, int]) -> Any:
    """Returns a configuration with other ids; `numbers` holds those that were given already."""
    if isinstance(value, list):
        return [_renumbered(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get(_ID) is not None:
        value = value | {_ID: numbers.setdefault(value[_ID], len(numbers) + 1)}
    return {key: _renumbered(item, numbers) for key, item in value.items()}
