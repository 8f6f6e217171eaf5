"""The step `report` of a run on clips: the exported classifier is judged on held-out clips.

A clip's probabilities are the mean over its windows. People whom training never saw are identified
by the network's vectors: who in the gallery is nearest?

    report/metrics.json, predictions.parquet, report.html, report.md, per_class.csv, confusion.png
    report/curves.png       if a network was trained here
    report/retrieval.json   for people never seen: rank-1, rank-5, mean average precision

For people never seen, the accuracy is that of a linear support vector machine trained on the
gallery's vectors (without a gallery: from other scenes than the probe's own).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.readers.feature_table import read_features
from pose_activity.annotations.text import preview
from pose_activity.artifacts.atomic import write_json
from pose_activity.artifacts.shards import Shard
from pose_activity.cache.record import Entry
from pose_activity.cache.store import open_cache
from pose_activity.cache.windows import CLIPS
from pose_activity.configs.clips import ClipRun
from pose_activity.learning.history import History, early_end
from pose_activity.stage2_classifier import predict_sequences
from pose_activity.stage2_classifier.options import MONITORS
from pose_activity.stage2_classifier.scores import retrieval, score_files
from pose_activity.stage2_classifier.scores.evaluate import (
    Report,
    evaluate,
    with_intervals,
    with_unknown,
)
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.stage2_classifier.vectors import linear
from pose_activity.training import questions
from pose_activity.training.clips import steps
from pose_activity.training.clips.embeddings import WINDOWS, rows_of_clips, windows_of
from pose_activity.training.clips.report_clips import data_section, poses_section, strip_uri
from pose_activity.training.clips.unseen_identities import look_up
from pose_activity.training.console import say, say_rows
from pose_activity.training.lost_images import count_missing
from pose_activity.training.report_page import origin
from pose_activity.training.report_page.classifier import classifier_section
from pose_activity.training.report_page.facts import Facts, Prose, Section, pairs
from pose_activity.training.report_page.headline import headline_section
from pose_activity.training.report_page.html import write_page
from pose_activity.training.report_page.mistakes import mistakes_section
from pose_activity.training.report_page.text import write_sections
from pose_activity.training.steps import Counts, MadeFrom

RETRIEVAL = "retrieval.json"
SVM = "a linear SVM on vectors of people never seen"


def make_report(run: ClipRun, folder: Path, parts: Sequence[Path] = ()) -> Counts:
    """Judges the held-out clips; writes the files above.

    Args:
        run: The whole configuration.
        folder: Of the report.
        parts: What `part_maker` made of all shards, in order; none: the windows are looked at
            here.
    """
    (folder / RETRIEVAL).unlink(missing_ok=True)  # of an earlier configuration
    rows, found = dict[str, str](), None
    if run.has_features:
        predictions = of_features(run, run.report.split)
    elif run.open_set:
        predictions, found = look_up(run, parts)
        write_json(folder / RETRIEVAL, _figures(found))
        rows = {name: f"{value:.4f}" for name, value in _figures(found).items()}
        rows["figures above the rank are of"] = SVM
    else:
        predictions = of_clips(run, run.report.split, parts)
    predictions = _with_groups(predictions, run)
    judged = evaluate(
        predictions.probabilities,
        predictions.labels,
        classes=predictions.classes,
        split=predictions.split,
    )
    judged = with_intervals(
        judged, predictions.probabilities, predictions.labels, clusters=predictions.clusters
    )
    judged = with_unknown(
        judged, predictions.probabilities, predictions.labels, below=_unknown_below(run)
    )
    predictions.write(folder / "predictions.parquet")
    facts = page_facts(run, predictions, judged, found)
    write_page(folder / "report.html", facts)
    score_files.write(
        judged,
        _history(run),
        folder,
        title=f"Clips: {run.run_dir.name}",
        facts=rows | _rows(run),
        unit=_unit(run),
        appendix=write_sections(facts.sections[-1:]),
    )
    counts = {"split": judged.split, "accuracy": judged.accuracy}
    return counts | count_missing(steps.shown_videos(run))


def part_maker(run: ClipRun) -> Callable[[Path, MadeFrom, Shard], Counts]:
    """Returns what looks at one shard of the windows; the network is loaded once."""
    cache = open_cache(run.run_dir / "cache")
    classifier = predict_sequences.load(run.run_dir / "stage2", threads=run.threads)
    network = classifier.embed if run.open_set or run.stage2.linear else classifier
    asked_of_network = {WINDOWS: windows_of(network, cache, run.report.split)}

    def make(folder: Path, asked: MadeFrom, shard: Shard) -> Counts:
        questions.keep(asked_of_network, shard, folder)
        return {}

    return make


def page_facts(
    run: ClipRun, predictions: Predictions, judged: Report, found: retrieval.Retrieval | None
) -> Facts:
    """Returns what the page says.

    Args:
        run: Whose folder is shown; every step but the report is finished.
        predictions: Of the reported split.
        judged: Their scores.
        found: How well people never seen are found again; None: they were all seen.
    """
    unit, clips = _unit(run), dict[Path, Clip]()
    if not run.has_features:
        clips = {Path(clip.name): clip for clip in read_clips(run.run_dir / "cache" / CLIPS)}

    def strip_of(row: int) -> str | None:
        return strip_uri(
            clips.get(predictions.images[row]),
            of_video=run.has_videos,
            threshold=run.sequence.min_confidence,
            hide_faces=run.report.hide_faces,
        )

    sections: list[Section] = [
        headline_section(
            judged,
            unit=unit,
            together="clips of one group, such as a person or a scene",
            figures=[] if found is None else _retrieval_rows(found),
            notes=[] if found is None else [Prose(f"The accuracy is that of {SVM}.", "strong")],
        ),
        *([] if found is None else [_retrieval_section(run, found)]),
        data_section(run, unit, left_out(run)),
        *([poses_section(run, list(clips.values()))] if run.has_videos else []),
        classifier_section(predictions, judged, _history(run), unit=unit),
        mistakes_section(
            predictions,
            None if run.has_features else strip_of,
            shape="strip",
            shown="frames of the clip and the joints that stage 2 was shown"
            if run.has_videos
            else "the joints of some frames",
        ),
        origin.origin_section(run.run_dir, steps.step_names(run)[:-1]),
    ]
    return Facts(run.run_dir.name, f"Classifier of clips: {run.classifier_name}", sections)


def _retrieval_rows(found: retrieval.Retrieval) -> list[tuple[str, float]]:
    return [
        ("rank-1: the nearest clip shows the same person", found.rank1),
        ("rank-5: one of the five nearest does", found.rank5),
        ("mean average precision", found.mean_ap),
    ]


def _retrieval_section(run: ClipRun, found: retrieval.Retrieval) -> Section:
    """Returns how the people whom training never saw were looked up."""
    gallery, chosen = run.report.gallery, run.report.probes
    probes = "the others" if chosen is None else f"those of the others that match `{chosen}`"
    about = (
        f"The gallery is the clips of {run.report.split} whose names match `{gallery}`; {probes} "
        "are the probes."
        if gallery
        else "Each clip is a probe; its gallery is all clips of other scenes."
    )
    also = (
        f" {found.left_out} probes count nowhere, because the gallery does not hold their person "
        f"({preview([*found.absent])})."
        if found.left_out
        else ""
    )
    text = f"None of these people is in the training clips. {about}{also}"
    blocks = [
        Prose(text),
        pairs("Gallery and probes", [("probes", found.probes)], "count"),
        pairs("Rank", _retrieval_rows(found), "share"),
    ]
    return Section("unseen", "People never seen", "People never seen in training", blocks)


def _unit(run: ClipRun) -> str:
    return "vectors" if run.has_features else "clips"


def say_scores(run: ClipRun) -> None:
    """Prints the headline figures and where the report is."""
    folder = run.run_dir / "report"
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    rows = score_files.headline_table(Report.from_json(metrics))
    if (folder / RETRIEVAL).exists():
        found = json.loads((folder / RETRIEVAL).read_text(encoding="utf-8"))
        for name, value in found.items():
            text = name.replace("_", " ")
            rows.append({"figure": text, metrics["split"]: f"{value:.4f}", "95 % interval": ""})
    say_rows(f"{run.run_dir.name}: {metrics['n']} clips", rows)
    say(f"report: {folder / 'report.html'}")


def of_clips(run: ClipRun, split: str, parts: Sequence[Path] = ()) -> Predictions:
    """Classifies each clip of a split: the mean over its windows; see `make_report`."""
    cache = open_cache(run.run_dir / "cache")
    folder = run.run_dir / "stage2"
    classifier = predict_sequences.load(folder, threads=run.threads)
    head = linear.load(folder) if run.stage2.linear else None
    entries = cache.of_split(split)
    network = classifier.embed if head else classifier
    shares = questions.answers(WINDOWS, windows_of(network, cache, split), parts)
    if head:
        return _by_clip(entries, head(shares), head.classes, split, predict_sequences.of_clip)
    return _by_clip(entries, shares, cache.classes, split, classifier.of_clip)


def _by_clip(
    entries: Sequence[Entry],
    shares: np.ndarray,
    classes: tuple[str, ...],
    split: str,
    together: Callable[[np.ndarray], np.ndarray],
) -> Predictions:
    """Returns what each clip's windows say `together`."""
    rows = rows_of_clips(entries)
    labels = [str(entries[of_clip[0]].target) for of_clip in rows.values()]
    return Predictions(
        split=split,
        classes=classes,
        images=tuple(rows),
        persons=np.full(len(rows), -1),
        labels=np.array([classes.index(label) for label in labels], int),
        probabilities=np.stack([together(shares[of_clip]) for of_clip in rows.values()]),
    )


def _unknown_below(run: ClipRun) -> float | None:
    """Returns below which probability a clip's answer is called unknown, if any is."""
    if run.has_features or run.open_set or run.stage2.linear:
        return None
    return predict_sequences.load(run.run_dir / "stage2", threads=1).of_clips.unknown_below


def _with_groups(predictions: Predictions, run: ClipRun) -> Predictions:
    """Returns the predictions with the group (person, scene) of each clip."""
    folder = run.run_dir / "annotations"
    if run.has_features:
        table = read_features(folder / steps.FEATURES)
        names = table.names or tuple(f"{i:06d}" for i in range(len(table.labels)))
        group_of = dict(zip(names, table.groups or names, strict=True))
    else:
        group_of = {clip.name: clip.group for clip in read_clips(folder / steps.CLIPS)}
    found = (image.as_posix() for image in predictions.images)
    return replace(predictions, groups=tuple(group_of.get(name) or name for name in found))


def of_features(run: ClipRun, split: str) -> Predictions:
    """Classifies each vector of a split."""
    table = read_features(run.run_dir / "annotations" / steps.FEATURES)
    classifier = linear.load(run.run_dir / "stage2")
    rows = [i for i, its in enumerate(table.splits or ()) if its == split]
    names = table.names or tuple(f"{i:06d}" for i in range(len(table.labels)))
    return Predictions(
        split=split,
        classes=classifier.classes,
        images=tuple(Path(names[i]) for i in rows),
        persons=np.full(len(rows), -1),
        labels=classifier.ids([table.labels[i] for i in rows]),
        probabilities=classifier(table.vectors[rows]),
    )


def _figures(found: retrieval.Retrieval) -> dict[str, float]:
    """Returns the figures by the names that `compare` looks for."""
    return {"rank1": found.rank1, "rank5": found.rank5, "mean_average_precision": found.mean_ap}


def left_out(run: ClipRun) -> int:
    """Returns how many clips of the judged split became no sequence, and so count nowhere."""
    if run.has_features:
        return 0
    asked = read_clips(run.run_dir / "annotations" / steps.CLIPS)
    names = {clip.name for clip in asked if clip.split == run.report.split}
    entries = open_cache(run.run_dir / "cache").of_split(run.report.split)
    return len(names - {entry.source.as_posix() for entry in entries})


def _history(run: ClipRun) -> History:
    """Returns the network's training history; nothing if it was not trained here."""
    if run.has_features or run.stage2.encoder:
        return History()
    return History.read(
        run.run_dir / "stage2" / "history.csv",
        checkpoint=run.stage2.checkpoint,
        monitor=MONITORS[run.stage2.monitor],
    )


def _rows(run: ClipRun) -> dict[str, str]:
    """Returns rows for the first table of report.md: the model, and what each step took."""
    rows = {"classifier": run.classifier_name}
    if missing := left_out(run):
        rows["clips of this split left out, see cache/left_out.csv"] = str(missing)
    rows |= early_end(run.run_dir / "stage2")
    return rows | origin.minutes(run.run_dir, steps.step_names(run)[:-1])


def comparison(run: ClipRun) -> dict[str, Any]:
    """Returns what `train.py compare` shows about a finished run beside its figures."""
    videos = str(run.stage1.graph or run.stage1.weights)
    path = run.run_dir / "report" / RETRIEVAL
    figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return figures | {
        "model": run.classifier_name,
        "poses": videos if run.has_videos else f"{run.clips.format}: {run.clips.path.name}",
        "left_out": left_out(run),
    }
