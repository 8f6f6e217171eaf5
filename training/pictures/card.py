"""The card of a packaged model: `MODEL_CARD.md`, and the same as JSON for `model.json`.

Gathered from what a finished run left in its folder; nothing is measured here.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pose_activity.annotations.types import SPLITS
from pose_activity.cache.options import Style
from pose_activity.cache.planes import Recipe
from pose_activity.cache.store import Cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.inference import precision_records
from pose_activity.runtime.calibrate import NEVER_UNKNOWN
from pose_activity.stage2_classifier.predict import Classifier
from pose_activity.training.pictures import stage1_overlap
from pose_activity.training.pictures.report_labels import HEADS, balance_of
from pose_activity.training.pictures.report_poses import read_metrics, score_rows
from pose_activity.training.pictures.steps import step_names
from pose_activity.training.report_page import model_card
from pose_activity.training.report_page.facts import Block, Code, Prose
from pose_activity.training.runs import VERSIONS

_CONFIG = ("split", "stage1", "cache", "stage2", "seed")
_APACHE = "Apache-2.0"
_AND_JOINTS = ", and that person's joints as numbers"
_NETWORKS = {
    "imagenet": f"published ImageNet weights, {_APACHE}",
    "noisy_student": f"published noisy-student weights, {_APACHE}",
    "none": "random weights",
}


def about(run: PictureRun, cache: Cache) -> dict[str, Any]:
    """Returns the card's content as JSON values.

    Returns:
        `name`, `recipe` (sections of the configuration), `data`, `scores`, `pose_scores`,
        `seen_by_stage1` (a sentence or None), `precisions`, `licences`, `versions`.
    """
    found = _read(run, "report/metrics.json")
    scores = {"split": found["split"], "n": found["n"]}
    return {
        "name": run.run_dir.name,
        "recipe": {name: run.model_dump(mode="json")[name] for name in _CONFIG},
        "data": _data(run, cache),
        "scores": scores | model_card.figures_of(found),
        "pose_scores": dict(score_rows(read_metrics(run))),
        "seen_by_stage1": stage1_overlap.seen_note(run, found["split"]),
        "precisions": precision_records.records(run.run_dir),
        "licences": licences(run),
        "versions": _read(run, VERSIONS),
    }


def licences(run: PictureRun) -> dict[str, str]:
    """Returns part -> its terms in one line; those of the data are not known here."""
    start = run.classifier.weights
    terms = {
        "this project": "AGPL-3.0-or-later",
        "classifier": f"{run.classifier.model}, from "
        + _NETWORKS.get(start, f"the file {start}, under its own terms"),
        "pictures and labels": "the data set's own terms; they bind what is learnt from it, too",
    }
    if "stage1" in step_names(run):
        done = "trained and exported" if run.stage1.train else "exported"
        terms["pose graph"] = (
            f"{done} with ultralytics, AGPL-3.0, from {run.stage1.graph or run.stage1.weights}"
        )
    return terms


def write_card(facts: Mapping[str, Any], classifier: Classifier) -> str:
    """Returns the card as Markdown.

    Args:
        facts: See `about`.
        classifier: The run's.
    """
    recipe, classes = classifier.recipe, classifier.classes
    who = "each person in a picture" if recipe.one_by_one else "a picture"
    intro: list[Block] = [
        Prose(f"Names the activity of {who}, one of {len(classes)}. {_how(recipe)}"),
        Code("Command", "python infer.py photos/ --model THIS_FOLDER"),
        Prose(f"Activities: {', '.join(classes)}."),
        Prose(f"It always names one of them, whatever it is shown. {_unknown(classifier)}"),
    ]
    return model_card.write_card(facts, intro, _recipe_rows(facts["recipe"], classifier))


def _how(recipe: Recipe) -> str:
    size = f"{recipe.width}x{recipe.height} pixels"
    if not recipe.needs_poses:
        return f"The classifier sees {' + '.join(recipe.planes)} at {size}."
    view = recipe.person_view
    person = (
        f" and a square around the {view.people.replace('_', ' ')} person, "
        f"{' + '.join(view.planes)} at {view.size}x{view.size}; where nobody is found, the whole "
        f"picture again{_AND_JOINTS if view.joints else ''}"
        if view
        else ""
    )
    return (
        f"Stage 1 finds people and {recipe.pose.skeleton} joints at {recipe.pose.size} pixels; the "
        f"classifier sees {' + '.join(recipe.planes)} at {size}{person}."
    )


def _recipe_rows(config: Mapping[str, Any], classifier: Classifier) -> list[tuple[str, str]]:
    """Returns the card's first table; all of it is in model.json."""
    seen, stage2 = classifier.recipe, config["stage2"]
    epochs = stage2["epochs"] + stage2["fine_tune_epochs"]
    trained = f"up to {epochs} epochs"
    if linear := stage2["linear"]:
        trained = f"frozen; a linear classifier on its features' {' and '.join(linear['pooling'])}"
    rows = [
        ("classifier", f"{stage2['model']}, from {stage2['weights']}, {trained}"),
        ("its planes", f"{' + '.join(seen.planes)}, {seen.width}x{seen.height}, {seen.resize}"),
    ]
    if seen.needs_poses:
        stage1 = config["stage1"]
        trained = f"{sum(stage1['fit']['epochs'])} epochs" if stage1["train"] else "not trained"
        rows += [
            ("pose model", f"from {stage1['graph'] or stage1['weights']}, {trained}"),
            ("its input", f"{seen.pose.size} pixels on the longer side"),
            ("its people", f"score above {seen.pose.confidence:g}, at most {seen.pose.max_people}"),
        ]
        rows += _drawn_rows(seen)
    shares = ", ".join(f"{name} {share}" for name, share in _shares(config["split"]))
    return [*rows, ("split", shares), ("seed", str(config["seed"]))]


def _drawn_rows(seen: Recipe) -> list[tuple[str, str]]:
    """Returns who is shown, and how: in the picture, and in the person's view."""
    rows: list[tuple[str, str]] = []
    view = seen.person_view
    if seen.needs_parts:
        rows.append(("body parts", f"by the network with sha256 {seen.parts[:16]}, parts.onnx"))
    if seen.shows_people or not view:
        rows.append(("people shown", seen.people.replace("_", " ")))
    if "heatmap" in seen.planes or not (view or seen.needs_parts):
        rows.append(("heatmap", _style(seen.heatmap)))
    if view:
        what = f"{' + '.join(view.planes)}, {view.size}x{view.size}, margin {view.margin:g}"
        rows += [("person's view", what), ("its person", view.people.replace("_", " "))]
        rows += [("its joints", "as numbers, beside the pictures")] if view.joints else []
        rows += [("its heatmap", _style(view.heatmap))] if "heatmap" in view.planes else []
    return rows


def _style(heatmap: Style) -> str:
    return f"{heatmap.style}, joints above {heatmap.min_confidence:g}"


def _shares(split: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(split, dict):
        return [("as", split)]
    return [(name, split[name]) for name in SPLITS if name in split]


def _unknown(classifier: Classifier) -> str:
    if classifier.unknown_below is None:
        return NEVER_UNKNOWN
    kept = f"{classifier.unknown_coverage or 0:.0%}"
    return (
        f"Answers of a probability below {classifier.unknown_below:.3f} are called `unknown`; on "
        f"validation pictures {kept} are above."
    )


def _data(run: PictureRun, cache: Cache) -> dict[str, Any]:
    cleaning = _read(run, "annotations/cleaning.json")
    balance = balance_of(cache)
    return {
        "format": run.data.format,
        "unit": "persons" if cache.recipe.one_by_one else "pictures",
        "counts": {text: cleaning[key] for key, text in HEADS.items()},
        "splits": list(balance.splits),
        "classes": {name: list(counts) for name, counts in balance.rows},
    }


def _read(run: PictureRun, name: str) -> dict[str, Any]:
    return json.loads((run.run_dir / name).read_text(encoding="utf-8"))
