"""The step `report` of a run on body parts: the exported network is judged on held-out images.

report/metrics.json   scores of the reported split
report/images.csv     a row for each image: its mIoU and its body recall
report/per_class.csv  IoU, precision and recall of each part
report/report.html    all of it for people; in short in report.md
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.part_files import load_image, load_mask
from pose_activity.annotations.parts import PartScheme, merge
from pose_activity.annotations.types import PartSample
from pose_activity.artifacts import atomic, csv_text
from pose_activity.artifacts.names import shown
from pose_activity.cache.parts import make_input
from pose_activity.configs.parts import PartsRun
from pose_activity.inference.parts.paint import draw_legend, paint_mask, paint_over
from pose_activity.learning.history import TRAINING_FILES, History, early_end
from pose_activity.stage1_parts import predict
from pose_activity.stage1_parts.options import PARTS_MONITORS
from pose_activity.stage1_parts.predict import PartsNetwork
from pose_activity.stage1_parts.scores import PartsReport
from pose_activity.training.console import say, say_rows
from pose_activity.training.parts.feature_maps import draw_maps, feature_maps
from pose_activity.training.parts.files import IMAGES
from pose_activity.training.parts.judge import ImageScore, judge, mask_of, poses_of
from pose_activity.training.parts.steps import samples_of, step_names
from pose_activity.training.report_page import origin
from pose_activity.training.report_page.classifier import training_blocks
from pose_activity.training.report_page.facts import (
    Block,
    Cards,
    Column,
    Facts,
    Heading,
    Matrix,
    Prose,
    Section,
    Sheet,
    Table,
    Tiles,
)
from pose_activity.training.report_page.html import write_page
from pose_activity.training.report_page.images import Tile, data_uri, sheet_uri
from pose_activity.training.report_page.text import write_sections
from pose_activity.training.steps import Counts

FIGURES = {
    "miou": "mean IoU of the classes",
    "miou_without_background": "mean IoU of the parts, without the background",
    "body_recall": "body recall: correct pixels of parts / all pixels of parts",
    "sides_right": "left or right is correct, where the limb is",
    "boundary_f": "boundary F of the parts",
    "pixel_accuracy": "pixel accuracy, background included",
}
_HEIGHT, _SHEET = 240, 1400  # pixels of a tile's pictures, and of a sheet's longer side
_IN_SHORT = ("scores", "parts", "origin")  # sections of the page that report.md has too


def make_report(run: PartsRun, folder: Path) -> Counts:
    """Judges the exported graph; writes the files above."""
    network = predict.load(run.run_dir / "stage2", threads=run.threads)
    found, rows, scheme = judge(run, network, run.report.split)
    about = {"split": run.report.split, "n": found.images, "model": run.stage2.model}
    atomic.write_json(
        folder / "metrics.json", {**about, "scheme": scheme.as_json(), **found.as_json()}
    )
    _write_images(folder / IMAGES, rows)
    _write_classes(folder / "per_class.csv", found)
    facts = page_facts(run, network, found, rows, scheme)
    write_page(folder / "report.html", facts)
    short = write_sections([s for s in facts.sections if s.anchor in _IN_SHORT])
    atomic.write_text(folder / "report.md", f"# {facts.subtitle}: {facts.title}\n\n{short}")
    return {"split": run.report.split, "miou": found.miou}


def history_of(run: PartsRun) -> History:
    """Returns the history of the training."""
    path = run.run_dir / "stage2" / TRAINING_FILES[2]
    return History.read(path, monitor=PARTS_MONITORS[run.stage2.monitor])


def page_facts(
    run: PartsRun,
    network: PartsNetwork,
    found: PartsReport,
    rows: Sequence[ImageScore],
    scheme: PartScheme,
) -> Facts:
    """Returns what the page says.

    Args:
        run: Whose folder is shown; every step but the report is finished.
        network: The run's.
        found: Its figures.
        rows: Of each image.
        scheme: Of the figures.
    """
    sections = [
        _scores(run, found),
        _examples(run, network, rows, scheme),
        _parts(found),
        _network(run, network, rows),
        _data(run),
        origin.origin_section(run.run_dir, step_names(run)[:-1]),
    ]
    subtitle = f"Body parts ({len(network.classes)} classes): {run.stage2.model}"
    return Facts(run.run_dir.name, subtitle, sections)


def _scores(run: PartsRun, found: PartsReport) -> Section:
    cards = []
    for name, text in FIGURES.items():
        value = getattr(found, name)
        if value is not None:
            ends = found.intervals.get(name)
            interval = (
                f"; 95 % interval {100 * ends[0]:.1f} % to {100 * ends[1]:.1f} %" if ends else ""
            )
            cards.append((f"{text}{interval}", value))
    about = (
        f"On {found.images} images of the split {run.report.split}, at their own size; over the "
        "pixels of all images together. For the intervals (bootstrap), images were drawn anew a "
        "thousand times."
    )
    early = early_end(run.run_dir / "stage2")
    notes = [Prose(f"Training was finished early {early['finished_early']}.")] if early else []
    return Section("scores", "Scores", "", [Cards(cards), Prose(about, "soft"), *notes])


def _examples(
    run: PartsRun, network: PartsNetwork, rows: Sequence[ImageScore], scheme: PartScheme
) -> Section:
    with_body = sorted((row for row in rows if row.body > 0), key=lambda row: row.miou)
    worst = with_body[: run.report.shown]
    best = with_body[::-1][: min(run.report.shown, len(with_body) - len(worst))]
    samples = [row.sample for row in (*best, *worst)]
    poses = poses_of(run, network, samples)

    def tile(row: ImageScore) -> Tile:
        sample = row.sample
        said = mask_of(network, sample, poses.get(sample.source), scheme)
        recall = "" if row.body_recall is None else f"body recall {row.body_recall:.2f}"
        picture = data_uri(triple(sample, said, scheme), 3 * _HEIGHT * 2)
        return Tile(picture, f"mean IoU {row.miou:.2f}", (recall,), sample.source.name)

    blocks: list[Block] = [Prose("Each time: the image, its mask, and what the network says.")]
    for title, some in (("Best", best), ("Worst", worst)):
        if some:
            blocks += [Heading(f"{title} images"), Tiles([tile(row) for row in some], "pair")]
    blocks.append(Sheet("The colours", _legend(scheme), "Names and colours of the parts"))
    return Section("examples", "Examples", "Best and worst images", blocks)


def triple(sample: PartSample, said: np.ndarray, scheme: PartScheme) -> np.ndarray:
    """Returns image, mask and answer side by side, `(h, w, 3)` uint8 RGB."""
    image = load_image(sample)
    truth = merge(load_mask(sample), sample.scheme, scheme)
    panels = [image, paint_mask(truth, scheme), paint_over(image, said, scheme)]
    gap = np.full((image.shape[0], max(2, image.shape[1] // 60), 3), 255, np.uint8)
    return np.hstack([panels[0], gap, panels[1], gap, panels[2]])


def _legend(scheme: PartScheme) -> str:
    return data_uri(draw_legend(scheme, range(1, len(scheme)), 23), _SHEET)


def _parts(found: PartsReport) -> Section:
    columns = (
        Column("part", "name"),
        *(Column(name, "figure") for name in ("IoU", "precision", "recall")),
        Column("of all pixels", "share"),
    )
    table = Table("Per part", columns, class_rows(found), sortable=True)
    counts = np.array(found.confusion)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    cells = [
        (int(row), int(column), int(counts[row, column]), float(share[row, column]))
        for row, column in zip(*counts.nonzero(), strict=True)
    ]
    about = (
        "A row is the true part, a column the predicted one; darker is more of the row's pixels."
    )
    return Section(
        "parts",
        "Parts",
        "Per part",
        [table, Heading("Confusion between parts"), Prose(about), Matrix(found.classes, cells)],
    )


def class_rows(found: PartsReport) -> list[tuple[Any, ...]]:
    """Returns (name, IoU, precision, recall, share of pixels) of each class that occurs."""
    counts = np.array(found.confusion, np.float64)
    right, there, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    return [
        (
            name,
            found.iou[i] or 0.0,
            float(right[i] / max(said[i], 1)),
            float(right[i] / max(there[i], 1)),
            float(there[i] / max(counts.sum(), 1)),
        )
        for i, name in enumerate(found.classes)
        if found.iou[i] is not None
    ]


def _network(run: PartsRun, network: PartsNetwork, rows: Sequence[ImageScore]) -> Section:
    about = json.loads((run.run_dir / "stage2" / predict.SIDECAR).read_text(encoding="utf-8"))
    error = about.get("calibration_error") or {}
    texts = [
        f"Input: {' + '.join(network.recipe.planes)} at {network.recipe.width}x"
        f"{network.recipe.height} pixels. The exported graph differs from Keras by "
        f"{about['parity']:.1g} at most."
    ]
    if error.get("after") is not None:
        texts.append(
            f"Calibrated on pixels of val (temperature {about['temperature']:.2f}): the expected "
            f"calibration error was {error['before']:.3f}, and is {error['after']:.3f}."
        )
    maps = _feature_maps(run, network, rows)
    return Section(
        "network",
        "Network",
        "The network",
        [*map(Prose, texts), *training_blocks(history_of(run)), *maps],
    )


def _feature_maps(run: PartsRun, network: PartsNetwork, rows: Sequence[ImageScore]) -> list[Block]:
    with_body = [row.sample for row in rows if row.body > 0]
    if not run.report.layers or not with_body:
        return []
    sample = with_body[len(with_body) // 2]
    poses = poses_of(run, network, [sample]).get(sample.source)
    planes = make_input(load_image(sample), poses, network.recipe)
    found = feature_maps(run.run_dir / "stage2" / predict.GRAPH, planes, run.report.layers)
    about = (
        f"What convolutions make of {sample.source.name}, from the picture to the answer: of each "
        "the channels that vary the most, each from its least value (dark) to its largest."
    )
    tiles = [
        Tile(data_uri(draw_maps(channels), _SHEET), name, (_size(channels),), sample.source.name)
        for name, channels in found
    ]
    return [Heading("Feature maps"), Prose(about), Tiles(tiles, "strip")]


def _size(channels: np.ndarray) -> str:
    count, height, width = channels.shape
    return f"{count} channels of {width}x{height}"


def _data(run: PartsRun) -> Section:
    samples = samples_of(run)
    names = [s for s in ("train", "val", "test") if any(sample.split == s for sample in samples)]
    schemes = list(dict.fromkeys(sample.scheme.name for sample in samples))
    cells = [
        (name, *(sum(s.scheme.name == name and s.split == n for s in samples) for n in names))
        for name in schemes
    ]
    columns = (Column("labelled as", "name"), *(Column(name, "count") for name in names))
    blocks: list[Block] = [Table("Images", columns, cells), *_cleaning(run)]
    return Section("data", "Data", "Images and masks", blocks)


def _cleaning(run: PartsRun) -> list[Block]:
    folder = run.run_dir / "annotations"
    rules = json.loads((folder / "cleaning.json").read_text(encoding="utf-8"))["rules"]
    used = [(name.replace("_", " "), count) for name, count in rules.items() if count]
    if not used:
        return [Prose("The cleaner changed nothing.")]
    sheet = sheet_uri(folder / "cleaning.png", _SHEET)
    table = Table("Cleaning", (Column("rule", "name"), Column("touched", "count")), used)
    shown = [Sheet("Examples of what the cleaner did", sheet, "Masks, cleaned")] if sheet else []
    return [Heading("Cleaning"), table, *shown]


def _write_images(path: Path, rows: Sequence[ImageScore]) -> None:
    cells = [
        (
            shown(row.sample.source),
            f"{row.miou:.4f}",
            "" if row.body_recall is None else f"{row.body_recall:.4f}",
            f"{row.body:.4f}",
        )
        for row in rows
    ]
    atomic.write_text(path, csv_text.as_text([("image", "miou", "body_recall", "body"), *cells]))


def _write_classes(path: Path, found: PartsReport) -> None:
    heads = ("part", "iou", "precision", "recall", "share_of_pixels")
    rows = [(name, *(f"{value:.4f}" for value in rest)) for name, *rest in class_rows(found)]
    atomic.write_text(path, csv_text.as_text([heads, *rows]))


def say_scores(run: PartsRun) -> None:
    """Prints the headline figures and where the report is."""
    folder = run.run_dir / "report"
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    rows = []
    for name, text in FIGURES.items():
        if metrics[name] is not None:
            ends = metrics["intervals"].get(name)
            interval = "{:.4f} to {:.4f}".format(*ends) if ends else ""
            rows.append(
                {
                    "figure": text,
                    metrics["split"]: f"{metrics[name]:.4f}",
                    "95 % interval": interval,
                }
            )
    say_rows(f"{run.run_dir.name}: {metrics['n']} images", rows)
    say(f"report: {folder / 'report.html'}")


def comparison(run: PartsRun) -> dict[str, Any]:
    """Returns what `train.py compare` shows about a finished run beside the common facts."""
    path = run.run_dir / "report" / "metrics.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    poses = "none"
    if run.cache.needs_poses:
        poses = str(run.pose_model.graph or run.pose_model.weights)
    settings = {"optimizer": run.stage2.optimizer, "loss": run.stage2.loss}
    return {"model": run.stage2.model, "poses": poses, **settings} | {n: found[n] for n in FIGURES}
