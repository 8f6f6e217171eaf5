"""Which precisions a run may be used with: what `train.py precision` measured, read before use.

RUN/precision.json holds a record per precision and engine: how much it changed the answers of f32
on validation pictures, and whether that is little enough. It counts for the graphs it was made
with.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_activity.artifacts.atomic import write_json
from pose_activity.artifacts.commands import command
from pose_activity.runtime.graph import PRECISIONS

NAME = "precision.json"


class PrecisionError(ValueError):
    """A precision changes the answers too much, or that was never measured."""


@dataclass(frozen=True)
class Precision:
    """What the two stages calculate in, each one of `runtime.graph.PRECISIONS`."""

    stage1: str = "f32"
    stage2: str = "f32"

    def __post_init__(self) -> None:
        if self.stage1 not in PRECISIONS or self.stage2 not in PRECISIONS:
            raise ValueError(
                f"precision must be one of {', '.join(PRECISIONS)}, or stage 1's and stage 2's "
                f"joined by a slash, like f32/int8. Received: {self}"
            )

    @classmethod
    def parse(cls, text: str) -> "Precision":
        """Reads "int8" (both stages) or "f32/int8" (stage 1's / stage 2's)."""
        first, _, second = text.partition("/")
        return cls(first, second or first)

    def __str__(self) -> str:
        return self.stage1 if self.stage1 == self.stage2 else f"{self.stage1}/{self.stage2}"


def keep(folder: Path, record: dict[str, Any]) -> None:
    """Writes a record to `folder`, in place of an older one of this precision and engine.

    Args:
        folder: A run folder.
        record: `precision`, `engine`, `graphs` (stage -> sha256), `twins` (the same of int8 graphs'
            descriptions), `passes`, `text`, and figures.
    """
    others = [old for old in records(folder) if _key(old) != _key(record)]
    write_json(folder / NAME, [*others, record])


def require(
    folder: Path,
    precision: Precision,
    *,
    engine: str,
    graphs: dict[str, str],
    twins: dict[str, str],
) -> None:
    """Refuses a precision that was not found good enough for these very graphs.

    Args:
        folder: A run folder or a packaged model.
        precision: Asked for; f32 needs no record.
        engine: That is to run the graphs.
        graphs: Stage -> sha256 of its f32 graph.
        twins: Stage -> sha256 of the description of its int8 graph, where it runs one.

    Raises:
        PrecisionError: it changes the answers too much, or was not measured with these graphs.
    """
    if precision == Precision():
        return
    for record in records(folder):
        known = record["graphs"], record.get("twins", {})
        if _key(record) == (str(precision), engine) and known == (graphs, twins):
            if record["passes"]:
                return
            raise PrecisionError(
                f"{folder}: precision {precision} changes the answers too much on {engine}: "
                f"{record['text']}. Take f32."
            )
    raise PrecisionError(
        f"{folder}: nobody has compared precision {precision} on {engine} with f32 for these "
        f"graphs. Measure it: {command('train', f'precision {precision}')} with this run and engine"
    )


def _key(record: dict[str, Any]) -> tuple[str, str]:
    return record["precision"], record["engine"]


def records(folder: Path) -> list[dict[str, Any]]:
    """Returns what was measured; nothing if nothing was.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return [record for record in found if _key(record) and "passes" in record]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}). Delete it and measure again.") from None
