"""`manifest.json`, written last: what a folder was made from, so that a stale one is recognised.

A manifest is plain JSON: `recipe` (what was asked), `inputs` (name -> sha256 of what was read),
`outputs` (relative path -> sha256 of what was written), `counts`, `seconds`. Knows nothing of
images or models.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pose_activity.artifacts import renamed
from pose_activity.artifacts.atomic import write_json

NAME = "manifest.json"
NOT_FINISHED = "not finished"


class StaleError(ValueError):
    """A folder was made from something other than what is asked for now."""


def write(
    folder: Path,
    *,
    recipe: Mapping[str, Any],
    inputs: Mapping[str, str],
    outputs: Iterable[Path] = (),
    counts: Mapping[str, Any] | None = None,
    seconds: float = 0.0,
) -> None:
    """Writes the manifest that marks `folder` as finished. Call it after everything else.

    Args:
        folder: The finished folder.
        recipe: JSON values: everything that was asked for and changes the result.
        inputs: Name -> sha256 of each thing that was read.
        outputs: Files inside `folder` whose checksums are stored.
        counts: Numbers to report to the user.
        seconds: Wall time the step took.
    """
    write_json(
        folder / NAME,
        {
            "recipe": dict(recipe),
            "inputs": dict(inputs),
            "outputs": {path.relative_to(folder).as_posix(): sha256_file(path) for path in outputs},
            "counts": dict(counts or {}),
            "seconds": round(seconds, 3),
        },
    )


def read(folder: Path) -> dict[str, Any] | None:
    """Returns the manifest of `folder`, or None if the folder was never finished.

    Raises:
        ValueError: the file is there but is not a manifest.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        _ = value["recipe"], value["inputs"], value["outputs"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a manifest ({error}). Delete {folder}.") from None
    return value


def read_finished(folder: Path) -> dict[str, Any]:
    """Returns the manifest of a finished folder.

    Raises:
        ValueError: the folder was never finished, or its manifest is damaged.
    """
    found = read(folder)
    if found is None:
        raise ValueError(f"{folder} must be a finished folder. Received: no {NAME} in it.")
    return found


def differences(before: Any, now: Any, prefix: str = "") -> list[str]:
    """Returns one `key: before -> now` line for each leaf in which two JSON values differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            line
            for key in sorted({*before, *now})
            for line in differences(
                before.get(key, "(absent)"), now.get(key, "(absent)"), f"{prefix}{key}."
            )
        ]
    return [] if before == now else [f"{prefix.rstrip('.')}: {before!r} -> {now!r}"]


def recipe_changes(before: Any, now: Any, prefix: str = "") -> list[str]:
    """Returns the `differences` of two recipes.

    That of the fingerprint is left out where there are others, since these explain it.
    """
    lines = differences(before, now, prefix)
    return [line for line in lines if not line.startswith(f"{prefix}fingerprint:")] or lines


def why_stale(
    folder: Path, *, recipe: Mapping[str, Any], inputs: Mapping[str, str], step: str = ""
) -> list[str]:
    """Returns why `folder` cannot be used as it is; an empty list means that it is up to date.

    Recipe, inputs and the checksums of the outputs are compared; see `changes`.
    """
    manifest = read(folder)
    if manifest is None:
        return [NOT_FINISHED]
    asked = changes(manifest, recipe=recipe, inputs=inputs, step=step)
    return asked + altered(folder, manifest)


def changes(
    manifest: Mapping[str, Any],
    *,
    recipe: Mapping[str, Any],
    inputs: Mapping[str, str],
    step: str = "",
) -> list[str]:
    """Returns a line for each way in which what is asked for now is not what a manifest says.

    Args:
        manifest: Of a finished folder.
        recipe: What is asked for now.
        inputs: Name -> sha256 of each thing that would be read now.
        step: The step whose recipe it is, for keys that had another name; see `renamed`.
    """
    before = renamed.with_added(renamed.translate(manifest["recipe"], step), recipe, step)
    # Through JSON, so that a tuple equals the list it was stored as.
    now = json.loads(json.dumps(dict(recipe)))
    return [
        *differences(manifest["inputs"], dict(inputs), "inputs."),
        *recipe_changes(before, now, "recipe."),
    ]


def begun(note: Path, asked: Mapping[str, Any], *, section: str = "") -> list[str] | None:
    """Compares what unfinished work was asked for with what is asked for now.

    Args:
        note: JSON that was written when the work started: what was asked for then.
        asked: What is asked for now.
        section: The section that `asked` is of, for keys that had another name; see `renamed`.

    Returns:
        One line per difference, none if the work can be resumed; None if nothing was started.
    """
    if not note.exists():
        return None
    try:
        before = renamed.translate(json.loads(note.read_text(encoding="utf-8")), section)
    except (ValueError, AttributeError):
        return [f"{note.name}: damaged"]
    before = renamed.with_added(before, asked, section)
    return differences(before, json.loads(json.dumps(dict(asked))))


def altered(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Returns one line per output of `manifest` that is missing or has another checksum now."""
    lines = []
    for name, digest in manifest["outputs"].items():
        path = folder / name
        if not path.is_file():
            lines.append(f"{name}: missing")
        elif sha256_file(path) != digest:
            lines.append(f"{name}: altered since it was written")
    return lines


def sha256_file(path: Path) -> str:
    """Returns the hex sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_json(value: Any) -> str:
    """Returns the hex sha256 of a JSON value, independent of the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
