"""Whether a model may be used: its run's steps are finished, fit each other, and draw as today.

Of a run folder only what is inside is compared: labels, pictures and weights may be gone. A folder
that holds stages 1 and 2 alone, copied from a run, is judged by those. Knows no configuration: a
step is compared with the files that it was made from, as its manifest remembers them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pose_activity.annotations.sample_files import digest_of_roles
from pose_activity.annotations.types import LEARNED_FROM
from pose_activity.artifacts import manifest
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.cache import fingerprint
from pose_activity.cache.planes import LABELS
from pose_activity.cache.record import INDEX

_STEPS = ("annotations", "stage1", "cache", "stage2")
_TABLES = {  # its name among a step's inputs -> where it may be
    "samples": ("annotations/samples.jsonl", "annotations/stage1.jsonl"),
    "clips": ("annotations/clips.parquet", "annotations/features.parquet"),
}
_LEARNED = _TABLES["samples"]  # where stage 1's samples may be


class UnfinishedError(ValueError):
    """A run's steps are unfinished, or were made from other files than those there now."""


class LabelsOnlyError(ValueError):
    """A model learned from labelled joints, not from a stage 1's: it is of no use elsewhere."""


def check_model(folder: Path, recipe: Any, *, packaged: bool) -> tuple[str, ...]:
    """Refuses a model whose answers would differ from those that were evaluated.

    Args:
        folder: A run folder or a packaged model.
        recipe: Of the classifier's tensors, of any kind.
        packaged: Whether it is a package, which has no steps.

    Returns:
        Sentences for a person: what could not be checked.

    Raises:
        LabelsOnlyError: it was trained on labelled joints, without a stage 1.
        UnfinishedError: a step of the run is not finished, or does not fit an earlier one.
        FingerprintError: see `cache.fingerprint.require`.
        ValueError: a manifest is damaged.
    """
    if recipe.pose.sha256 == LABELS:
        raise LabelsOnlyError(
            f"{folder}: its classifier knows the labels' own joints, which new pictures do not "
            "have. Set cache.poses: stage1 and let `train.py all` run again: that adds a pose "
            "model, and with stage2.linear the classifier is fitted anew in a minute or two, "
            "because its backbone is not trained."
        )
    if not packaged:
        for step in _STEPS:
            _check_step(folder, step, recipe)
    note = fingerprint.require(recipe)
    return (f"{folder}: {note}",) if note else ()


def _check_step(run: Path, step: str, recipe: Any) -> None:
    if step == "stage1" and not recipe.pose.sha256:  # not what the classifier learned from
        return
    if step in ("annotations", "cache") and not (run / step).is_dir():
        return
    found = manifest.read(run / step)
    if found is None:
        raise UnfinishedError(
            f"{run}: a model is used once all its steps are finished. Received: {step!r}, which is "
            "not. Let `train.py all` finish it."
        )
    lines = manifest.altered(run / step, found)
    if step != "annotations":  # what that is made from lies outside the run: labels, clips
        lines += _changed(run, found["inputs"], recipe)
    if lines:
        raise UnfinishedError(
            f"{run}: the steps of a model must fit each other. Received: {step!r}, which does not: "
            f"{'; '.join(lines)}. Let `train.py all` bring it up to date."
        )


def _changed(run: Path, inputs: dict[str, str], recipe: Any) -> Iterator[str]:
    """Yields one line per thing inside the run that has changed since a step was made from it."""
    for name, places in _TABLES.items():
        there = [run / place for place in places if (run / place).is_file()]
        if name in inputs and there and inputs[name] not in map(sha256_file, there):
            yield f"{name} were changed since"
    learned = [run / place for place in _LEARNED if (run / place).is_file()]
    if "learned" in inputs and learned:
        if inputs["learned"] not in (digest_of_roles(path, LEARNED_FROM) for path in learned):
            yield "the samples that it learned from were changed since"
    if (cache := manifest.read(run / "cache")) is None:
        if "cache" in inputs and (run / "cache").is_dir():
            yield "the cache is not finished"
        return
    remembered = {"tensors": cache["counts"].get("learned"), "cache": cache["outputs"].get(INDEX)}
    for name, rows in remembered.items():
        if name in inputs and inputs[name] != _cache_digest(rows, cache, recipe):
            yield "the cache was made again since"


def _cache_digest(rows: str | None, cache: dict[str, Any], recipe: Any) -> str:
    """Returns what a step that reads the cache remembers of it.

    Args:
        rows: Digest of the tensors that it reads.
        cache: The cache's manifest.
        recipe: Of the classifier's tensors; only its class matters.
    """
    asked = {name: value for name, value in cache["recipe"].items() if name != "tensors"}
    # Through a recipe, which knows what an older version left out.
    whole = type(recipe).from_json(asked).as_json()
    return sha256_json([rows, whole, list(cache["counts"]["classes"])])
