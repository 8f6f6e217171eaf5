"""The step `report`: the exported classifier is judged on held-out pictures.

report/metrics.json         scores of the reported split
report/metrics_val.json     of val, where choices were made, if that is another split
report/predictions.parquet  every prediction
report/label_suspects.csv   held-out labels that may be wrong
report/report.html          all of it for people; in short in report.md, with per_class.csv,
                            confusion.png and curves.png
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.artifacts.atomic import write_json
from pose_activity.artifacts.shards import Shard
from pose_activity.cache.planes import Recipe
from pose_activity.cache.store import Cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.learning.history import History, early_end
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.draw_inputs import draw_seen
from pose_activity.stage2_classifier.options import MONITORS
from pose_activity.stage2_classifier.scores import score_files
from pose_activity.stage2_classifier.scores.evaluate import (
    Report,
)
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.console import say, say_notes, say_rows
from pose_activity.training.lost_images import count_missing
from pose_activity.training.pictures import stage1_overlap
from pose_activity.training.pictures.answers import Answers
from pose_activity.training.pictures.files import HELD_OUT, LEARNING_CURVE
from pose_activity.training.pictures.judge import score, with_groups
from pose_activity.training.pictures.poses import FROM_LABELS, poses_of
from pose_activity.training.pictures.report_errors import (
    SUSPECTS,
    LabelSuspect,
    breakdown_blocks,
    label_suspects,
    maps_of,
    suspects_section,
    with_maps,
    write_suspects,
)
from pose_activity.training.pictures.report_labels import data_section
from pose_activity.training.pictures.report_poses import poses_section, read_metrics, score_rows
from pose_activity.training.pictures.steps import shown_images, step_names
from pose_activity.training.report_page import origin
from pose_activity.training.report_page.classifier import classifier_section
from pose_activity.training.report_page.facts import (
    Block,
    Facts,
    Prose,
    Section,
    Sheet,
)
from pose_activity.training.report_page.headline import headline_section
from pose_activity.training.report_page.html import write_page
from pose_activity.training.report_page.images import (
    data_uri,
    sheet_uri,
    try_load,
    without_faces,
)
from pose_activity.training.report_page.input_worth import ignored_note, worth_section
from pose_activity.training.report_page.learning_curve import curve_blocks
from pose_activity.training.report_page.mistakes import mistakes_section
from pose_activity.training.report_page.text import write_sections
from pose_activity.training.steps import Counts, MadeFrom

VAL = "metrics_val.json"
_TILE, _TILE_ROW, _SHEET = 420, 840, 1400  # pixels: the longer side of a picture on the page
_IN_SHORT = ("inputs", "origin")  # sections of the page that report.md has too


def make_report(run: PictureRun, folder: Path, parts: Sequence[Path] = ()) -> Counts:
    """Classifies the held-out pictures with the exported classifier; writes the files above.

    Args:
        run: The whole configuration.
        folder: Of the report.
        parts: What `part_maker` made of all shards, in order; none: the pictures are classified
            here.
    """
    (folder / VAL).unlink(missing_ok=True)  # of an earlier classifier
    answers = Answers(run, parts)
    cache, classifier = answers.cache, answers.classifier
    predictions = answers.predictions()
    fitted = classifier.temperature, classifier.unknown_below
    headline, chosen_on, rows = score(predictions, *fitted), None, {}
    headline = replace(headline, inputs=answers.inputs(predictions))
    by_folds = _by_folds(run, classifier)  # of train and val
    held_out = [by_folds or predictions]
    if run.report.split == "test":
        on_val = _val(by_folds, cache) if by_folds else answers.on_val()
        held_out = [predictions, by_folds or on_val]
        chosen_on = score(with_groups(on_val, run), *fitted)
        write_json(folder / VAL, chosen_on.as_json())
        rows["accuracy on val (choices were made there)"] = f"{chosen_on.accuracy:.4f}"
    predictions.write(folder / "predictions.parquet")
    suspects = label_suspects(held_out)
    write_suspects(folder / SUSPECTS, suspects)
    facts = page_facts(
        run,
        cache,
        predictions,
        headline,
        chosen_on,
        maps_of=lambda row: maps_of(classifier, cache, row, predictions.split),
        suspects=suspects,
        asked=sum(len(part.labels) for part in held_out),
    )
    write_page(folder / "report.html", facts)
    score_files.write(
        headline,
        history_of(run),
        folder,
        title=f"Activity classifier: {run.run_dir.name}",
        facts=rows | _rows(run),
        unit="people" if predictions.of_people else "images",
        appendix=write_sections([s for s in facts.sections if s.anchor in _IN_SHORT]),
    )
    counts = {"split": headline.split, "accuracy": headline.accuracy}
    return counts | count_missing(shown_images(run))


def part_maker(run: PictureRun) -> Callable[[Path, MadeFrom, Shard], Counts]:
    """Returns what classifies one shard of the pictures; the classifier is loaded once."""
    answers = Answers(run)

    def make(folder: Path, asked: MadeFrom, shard: Shard) -> Counts:
        answers.keep(folder, shard)
        return {}

    return make


def _by_folds(run: PictureRun, classifier: predict.Classifier) -> Predictions | None:
    """Returns the answers of linear heads to what they did not learn from, where there are."""
    path = run.run_dir / "stage2" / HELD_OUT
    if not path.exists():
        return None
    found = Predictions.read(path)
    calibrated = calibrate.apply(found.probabilities, classifier.temperature)
    return replace(found, probabilities=calibrated)


def _val(found: Predictions, cache: Cache) -> Predictions:
    """Returns the answers to the pictures of val."""
    val = {(entry.source.as_posix(), entry.person) for entry in cache.of_split("val")}
    keys = zip((image.as_posix() for image in found.images), found.persons.tolist(), strict=True)
    rows = [i for i, key in enumerate(keys) if key in val]
    return Predictions(
        split="val",
        classes=found.classes,
        images=tuple(found.images[i] for i in rows),
        persons=found.persons[rows],
        labels=found.labels[rows],
        probabilities=found.probabilities[rows],
    )


def history_of(run: PictureRun) -> History:
    """Returns the history of the classifier's training."""
    monitor = MONITORS[run.classifier.monitor]
    return History.read(run.run_dir / "stage2" / "history.csv", monitor=monitor)


def page_facts(
    run: PictureRun,
    cache: Cache,
    predictions: Predictions,
    headline: Report,
    chosen_on: Report | None,
    *,
    maps_of: Callable[[int], Sequence[np.ndarray]] = lambda row: (),
    suspects: Sequence[LabelSuspect] = (),
    asked: int = 0,
) -> Facts:
    """Returns what the page says.

    Args:
        run: Whose folder is shown; every step but the report is finished.
        cache: The run's.
        predictions: Of the reported split.
        headline: Their scores.
        chosen_on: Scores of the split where choices were made; None where that is the reported one.
        maps_of: Returns pictures of where the classifier looked, given a row of the predictions.
        suspects: Labels to look at, the worst first.
        asked: Among how many they were found.
    """
    unit = "persons" if predictions.of_people else "pictures"
    has_poses = cache.recipe.needs_poses or "stage1" in step_names(run)
    seen = stage1_overlap.seen_note(run, headline.split)
    metrics = read_metrics(run)
    found = _find_poses(run, cache.recipe, predictions)

    def draw(path: Path, person: int) -> np.ndarray | None:
        image = try_load(path)
        if image is None:
            return None
        if run.report.hide_faces:
            image = without_faces(image, found.get(path))
        return draw_seen(image, found.get(path), cache.recipe, person)

    def picture_of(row: int) -> str | None:
        drawn = draw(predictions.images[row], int(predictions.persons[row]))
        if drawn is None:
            return None
        maps = () if run.report.hide_faces else maps_of(row)
        return data_uri(with_maps(drawn, maps), _TILE_ROW) if maps else data_uri(drawn, _TILE)

    def suspect_of(path: Path, person: int) -> str | None:
        drawn = draw(path, person)
        return None if drawn is None else data_uri(drawn, _TILE)

    sections: list[Section] = [
        headline_section(
            headline,
            unit=unit,
            chosen_on=chosen_on,
            together="pictures of one scene, people in one picture",
            figures=[
                (f"stage 1: {text} ({metrics.get('split')})", value)
                for text, value in score_rows(metrics)[:2]
            ],
            notes=[Prose(seen, "strong")] if seen else [],
        ),
        *([worth_section(headline.inputs, unit)] if headline.inputs else []),
        data_section(run, cache, unit),
        *([poses_section(run)] if has_poses else []),
        classifier_section(
            predictions,
            headline,
            history_of(run),
            unit=unit,
            inputs=[*_augmentations(run), *_learning_curve(run, cache, unit)],
            beside=breakdown_blocks(predictions, found) if cache.recipe.needs_poses else [],
        ),
        mistakes_section(
            predictions,
            picture_of,
            shape="pair",
            shown=_shown(cache.recipe) if has_poses else "",
        ),
        suspects_section(suspects, asked, suspect_of),
        origin.origin_section(run.run_dir, step_names(run)[:-1]),
    ]
    subtitle = f"Activity classifier: {_name(run)}"
    return Facts(run.run_dir.name, subtitle, sections)


def _name(run: PictureRun) -> str:
    view = run.cache.person_view
    person = f", the person's {' + '.join(view.planes)} at {view.size} pixels" if view else ""
    person += " and joints" if view and view.joints else ""
    frozen = " (frozen) + linear" if run.classifier.linear else ""
    return f"{run.classifier.model}{frozen}, planes {' + '.join(run.cache.planes)}{person}"


def _shown(recipe: Recipe) -> str:
    if recipe.person_view is None:
        return "the poses that the classifier was shown"
    return "the people that the classifier was shown, and the person's view beside the picture"


def _augmentations(run: PictureRun) -> list[Block]:
    if run.report.hide_faces:
        return []
    sheet = sheet_uri(run.run_dir / "stage2" / "augmentations.png", _SHEET)
    summary = "What the network sees in training (augmentations)"
    return [Sheet(summary, sheet, "Training tensors after augmentation")] if sheet else []


def _learning_curve(run: PictureRun, cache: Cache, unit: str) -> list[Block]:
    path = run.run_dir / "stage2" / LEARNING_CURVE
    if not path.exists():
        return []
    points = json.loads(path.read_text(encoding="utf-8"))
    return curve_blocks(points, unit, "val", len(cache.of_split("val")))


def _find_poses(run: PictureRun, recipe: Recipe, predictions: Predictions) -> Mapping[Path, Poses]:
    """Returns the poses that the cache's planes were drawn from, of pictures that are there."""
    if not recipe.needs_poses:
        return {}
    images = list(dict.fromkeys(predictions.images))
    return poses_of(run, images, run.run_dir / "cache").poses


def _rows(run: PictureRun) -> dict[str, str]:
    """Returns rows for the first table of report.md: stage 1's figures and what each step took."""
    rows = {"classifier": _name(run)}
    rows |= {"poses": FROM_LABELS} if run.cache.poses == "labels" else {}
    rows |= {f"stage 1 {text}": f"{value:.4f}" for text, value in _pose_scores(run).items()}
    seen = stage1_overlap.seen_note(run, run.report.split)
    rows |= {"pictures that stage 1 has seen": seen} if seen else {}
    rows |= early_end(run.run_dir / "stage2")
    return rows | origin.minutes(run.run_dir, step_names(run)[:-1])


def _pose_scores(run: PictureRun) -> dict[str, float]:
    """Returns stage 1's figures by their readable names; none if it was not measured."""
    metrics = read_metrics(run)
    return {f"{text} ({metrics.get('split')})": value for text, value in score_rows(metrics)}


def say_scores(run: PictureRun) -> None:
    """Prints the headline figures and where the report is."""
    folder = run.run_dir / "report"
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    judged = Report.from_json(metrics)
    rows = score_files.headline_table(judged)
    for text, value in _pose_scores(run).items():
        rows.append(
            {"figure": f"stage 1 {text}", judged.split: f"{value:.4f}", "95 % interval": ""}
        )
    counted = "people" if run.cache.people == "each" else "pictures"
    say_rows(f"{run.run_dir.name}: {metrics['n']} {counted}", rows)
    seen = stage1_overlap.seen_note(run, metrics["split"])
    labels = f"poses: {FROM_LABELS}" if run.cache.poses == "labels" else None
    say_notes(filter(None, [labels, seen, ignored_note(judged.inputs)]))
    say(f"report: {folder / 'report.html'}")


def comparison(run: PictureRun) -> dict[str, Any]:
    """Returns what `train.py compare` shows about a finished run beside its figures."""
    return {"model": run.classifier.model, "poses": _whose_poses(run)}


def _whose_poses(run: PictureRun) -> str:
    if not run.cache.needs_poses:
        return "none"
    model = run.stage1.graph or run.stage1.weights
    return str(model) if run.cache.poses == "stage1" else FROM_LABELS
