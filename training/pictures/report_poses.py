"""The report's section about stage 1: curves, PCKh per joint, best and worst pictures."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pose_activity.annotations.derived_joints import derived_joints
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.types import Poses, Sample
from pose_activity.configs.pictures import PictureRun
from pose_activity.stage1_pose.draw_comparison import draw_comparison
from pose_activity.stage1_pose.evaluate import PictureScore, as_skeleton, score_pictures
from pose_activity.stage1_pose.regression import FIGURES
from pose_activity.training.pictures.poses import FROM_LABELS
from pose_activity.training.pictures.seen_poses import seen_note, seen_rows
from pose_activity.training.pictures.stage1 import judged_poses
from pose_activity.training.pictures.steps import stage1_samples, step_names
from pose_activity.training.report_page import charts
from pose_activity.training.report_page.facts import (
    Block,
    Charts,
    Column,
    Heading,
    Prose,
    Section,
    SideBySide,
    Table,
    Tiles,
    pairs,
)
from pose_activity.training.report_page.images import Tile, data_uri, try_load, without_faces

SHOWN = 6  # pictures of each kind, best and worst
_OF_LABELS = (
    f"Poses: {FROM_LABELS}. No stage 1 was trained or asked, so the scores are those of a "
    "classifier whose poses are right, and it cannot be used on new pictures."
)
_TILE = 560  # pixels: longer side of two halves
_SCORES = {
    "pckh50": "PCKh@0.5",
    "oks_map": "OKS mAP",
    "pose_map50": "pose mAP50",
    "pose_map50_95": "pose mAP50-95",
    "box_map50": "box mAP50",
    "box_map50_95": "box mAP50-95",
}
# Columns of ultralytics' results.csv: chart -> line -> column. (B) is boxes, (P) poses.
_CURVES = {
    "Pose loss": {"training": "train/pose_loss", "validation": "val/pose_loss"},
    "Box loss": {"training": "train/box_loss", "validation": "val/box_loss"},
    "On the validation pictures": {
        "pose mAP50": "metrics/mAP50(P)",
        "pose mAP50-95": "metrics/mAP50-95(P)",
        "box mAP50": "metrics/mAP50(B)",
    },
}


def poses_section(run: PictureRun) -> Section:
    """Returns how stage 1 was trained and how good its poses are; what was not made is left out."""
    heading = "Poses", "Stage 1: poses"
    if run.cache.poses == "labels":
        return Section("poses", *heading, [Prose(_OF_LABELS)])
    folder = run.run_dir / "stage1"
    metrics = read_metrics(run)
    best, worst = extremes(run) if metrics else ([], [])
    drawn = curves(sorted(folder.glob("round*/results.csv"))) if run.stage1.train else []
    blocks: list[Block] = [Prose(_how(run, metrics))]
    blocks += [Heading("Training"), Charts(drawn)] if drawn else []
    scores, joints = score_rows(metrics), joint_rows(metrics)
    groups: list[list[Block]] = []
    if scores:
        groups.append([Heading("Scores"), pairs("Scores", scores, "share")])
    if joints:
        title = "PCKh@0.5 per joint"
        columns = (Column(), Column(form="share"), Column(form="bars"))
        rows = [(name.replace("_", " "), share, [share]) for name, share in joints]
        groups.append([Heading(title), Table(title, columns, rows)])
    blocks += [SideBySide(groups)] if groups else []
    blocks += compared_blocks(metrics) + seen_blocks(run, metrics)
    if best:
        about = (
            "Labelled people left, found people right. OKS is the mean over the labelled people; "
            "a person who was not found counts 0."
        )
        blocks += [Heading("Best pictures"), Prose(about, "soft"), Tiles(best, "pair")]
    blocks += [Heading("Worst pictures"), Tiles(worst, "pair")] if worst else []
    return Section("poses", *heading, blocks)


def read_metrics(run: PictureRun) -> dict[str, Any]:
    """Returns stage 1's figures; none if it was not measured."""
    path = run.run_dir / "stage1" / "metrics.json"
    if "stage1" not in step_names(run) or not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def _how(run: PictureRun, metrics: dict[str, Any]) -> str:
    weights = run.stage1.graph or run.stage1.weights
    text = (
        f"Trained from `{weights}`. "
        if run.stage1.train
        else f"`{weights}` was taken as it is, not trained. "
    )
    if not metrics:
        return text + "The labels have no joints to measure the poses with."
    return text + (
        f"Measured on {metrics.get('n')} pictures of {metrics.get('split')}, with "
        f"{metrics.get('n_people')} people and {metrics.get('n_joints')} joints."
    )


def compared_blocks(metrics: dict[str, Any]) -> list[Block]:
    """Shows the trained model beside the one that training started from."""
    found = metrics.get("compared")
    if not found:
        return []
    title = "Before and after training"
    about = (
        f"Both found the people of the same {found['images']:,} pictures of {found['split']}, on "
        f"the {len(found['joints'])} joints that both know. The epoch was chosen there, too."
    )
    rows = [
        (text, found["start"][name], found["result"][name])
        for name, text in FIGURES.items()
        if found["start"][name] is not None
    ]
    columns = (Column(), Column("start", "share"), Column("result", "share"))
    worse = f"Training made the poses worse: {', '.join(found['falls'])}."
    notes: list[Block] = [Prose(worse, "strong")] if found["falls"] else []
    return [Heading(title), Prose(about, "soft"), *notes, Table(title, columns, rows)]


def seen_blocks(run: PictureRun, metrics: dict[str, Any]) -> list[Block]:
    """Shows how much better poses are on pictures that stage 1 was trained on."""
    rows = seen_rows(metrics)
    if not rows:
        return []
    title = "Poses of pictures that stage 1 was trained on"
    note = seen_note(metrics) if run.stage2 else None
    columns = (Column(), Column("train", "share"), Column(str(metrics.get("split")), "share"))
    notes: list[Block] = [Prose(note, "strong")] if note else []
    return [Heading(title), *notes, Table(title, columns, rows)]


def joint_rows(metrics: dict[str, Any]) -> list[tuple[str, float]]:
    """Returns (joint, PCKh@0.5), the best first; derived joints say so."""
    derived = metrics.get("pckh50_derived_per_joint", {})
    rows = metrics.get("pckh50_per_joint", {}) | {f"{j} (derived)": v for j, v in derived.items()}
    return sorted(rows.items(), key=lambda item: -item[1])


def score_rows(metrics: dict[str, Any]) -> list[tuple[str, float]]:
    """Returns (name for people, value) of the figures in stage 1's metrics.json."""
    return [(text, metrics[key]) for key, text in _SCORES.items() if metrics.get(key) is not None]


def curves(tables: Sequence[Path]) -> list[str]:
    """Draws what ultralytics wrote down.

    Args:
        tables: `results.csv` of each round, in order; their epochs are counted on.

    Returns:
        A chart per group of columns that are there; none without an epoch.
    """
    rows = [row for table in tables for row in _read_table(table)]
    epochs = list(range(1, len(rows) + 1))
    drawn = []
    for title, lines in _CURVES.items():
        series = {
            name: (epochs, [float(row[column]) for row in rows])
            for name, column in lines.items()
            if rows and all(column in row for row in rows)
        }
        if series:
            share = title not in ("Pose loss", "Box loss")
            drawn.append(charts.line_chart(series, title=title, x_label="epoch", share=share))
    return drawn


def _read_table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        # Older versions of ultralytics pad names and values with spaces.
        return [
            {name.strip(): value.strip() for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def extremes(run: PictureRun) -> tuple[list[Tile], list[Tile]]:
    """Returns tiles of the best and of the worst pictures; none is in both."""
    samples = read_samples(run.run_dir / stage1_samples(run))
    poses, labels = judged_poses(run, samples, run.run_dir / "stage1")
    pairs = {
        label.image: (label, _in_labels(pose, label))
        for label, pose in zip(labels, poses, strict=True)
    }
    found = {label.image: pose for label, pose in zip(labels, poses, strict=True)}
    ranking = score_pictures(poses, labels)
    best = ranking[: min(SHOWN, (len(ranking) + 1) // 2)]
    worst = ranking[len(best) :][::-1][:SHOWN]
    threshold = run.cache.heatmap.min_confidence

    def tile(score: PictureScore) -> Tile:
        image, head = try_load(score.image), score.pckh50
        drawn = None
        if image is not None:
            if run.report.hide_faces:
                image = without_faces(image, found[score.image])
            drawn = draw_comparison(image, *pairs[score.image], threshold=threshold)
        return Tile(
            source=None if drawn is None else data_uri(drawn, _TILE),
            title=f"OKS {score.oks:.2f}" + ("" if head is None else f", PCKh {head:.2f}"),
            details=(),
            file=score.image.name,
        )

    return [tile(score) for score in best], [tile(score) for score in worst]


def _in_labels(pose: Poses, label: Sample) -> Poses:
    """Returns poses in the labels' skeleton where joints of it can be derived, for drawing."""
    can = derived_joints(pose.skeleton, label.skeleton)
    return as_skeleton(pose, label.skeleton) if can else pose
