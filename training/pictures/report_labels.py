"""The report's section about the data: what the cleaner did, the classes, the joints."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.splitting.split import average_joints
from pose_activity.annotations.types import SPLITS, Sample
from pose_activity.artifacts import manifest
from pose_activity.cache.store import Cache
from pose_activity.configs.pictures import PictureRun
from pose_activity.training.report_page import charts
from pose_activity.training.report_page.classes import ClassBalance, class_balance, class_blocks
from pose_activity.training.report_page.facts import (
    Block,
    Charts,
    Column,
    Heading,
    Prose,
    Section,
    Sheet,
    SideBySide,
    Table,
    pairs,
)
from pose_activity.training.report_page.images import sheet_uri

RULES = {
    "other_format": "pictures of a format that is not read, left out",
    "negative": "joints with a negative coordinate, made missing",
    "no_annotations": "pictures without labelled joints, dropped",
    "empty_activity": "pictures without an activity, dropped",
    "missing_file": "pictures that are missing, dropped",
    "unreadable": "pictures that cannot be read, dropped",
    "damaged": "pictures of which a part is lost, dropped",
    "other_size": "pictures of another size than their labels say, dropped",
    "outside": "joints outside the picture, made missing",
    "box_outside": "boxes that leave the picture, cut at its edge",
    "duplicate": "persons listed twice, of whom the second was dropped",
    "no_visible_joints": "persons without a joint or a box, dropped",
    "box_from_joints": "persons without a box, given one around their joints",
    "head_padding": "of these, without a head top: upper edge raised",
    "ankle_padding": "of these, without both ankles: lower edge lowered",
    "several_pictures": "files with several pictures, of which the first is taken",
    "single_image_activity": "activities with one picture, kept",
}
HEADS = {
    "entries": "pictures in the labels",
    "with_keypoints": "with labelled joints",
    "with_activity": "with all labels that a run needs",
    "kept": "kept",
}
_SHEET = 1400  # pixels: the longer side of the cleaner's gallery on the page


def data_section(run: PictureRun, cache: Cache, unit: str) -> Section:
    """Returns what a run's labels hold, and what the cleaner made of them."""
    folder = run.run_dir / "annotations"
    cleaning = json.loads((folder / "cleaning.json").read_text(encoding="utf-8"))
    rules = [
        (RULES.get(rule) or rule.replace("_", " "), count)
        for rule, count in cleaning["rules"].items()
    ]
    counts = [(text, cleaning[key]) for key, text in HEADS.items()]
    fixed = any(isinstance(count, int) and count for _, count in rules)
    sheet = None
    if fixed and not run.report.hide_faces:
        sheet = sheet_uri(folder / "cleaning.png", _SHEET)
    read, cleaned = "What was read", "What the cleaner did"
    blocks: list[Block] = [
        SideBySide(
            [
                [Heading(read), pairs(read, counts, "count")],
                [Heading(cleaned), *_cleaner_blocks(rules, cleaned)],
            ]
        )
    ]
    if sheet:
        alt = "Pictures that the cleaner fixed or dropped, a few of each rule"
        blocks.append(Sheet("Examples of what was fixed or dropped", sheet, alt))
    blocks += class_blocks(balance_of(cache), unit, *_unmatched(cache))
    blocks += joint_blocks(read_samples(folder / "samples.jsonl"))
    return Section("data", "Data", "Data", blocks)


def _cleaner_blocks(rules: Sequence[tuple[str, Any]], title: str) -> list[Block]:
    """Returns what was found; all that is looked for is behind a line to open."""
    found = [(text, count) for text, count in rules if count]
    everything = Table(
        f"{title}: all rules", (Column(), Column(form="count")), rules, summary="All rules"
    )
    if not found:
        return [Prose("Nothing had to be fixed or dropped."), everything]
    return [pairs(title, found, "count"), everything]


def balance_of(cache: Cache) -> ClassBalance:
    """Counts a cache's tensors per class and split."""
    return class_balance(
        ((str(entry.target), entry.split) for entry in cache.entries), cache.classes
    )


def _unmatched(cache: Cache) -> list[str]:
    """Returns how many labelled people stage 1 did not find; nothing if it found all."""
    count = (manifest.read(cache.folder) or {"counts": {}})["counts"].get("unmatched", 0)
    if not count:
        return []
    return [
        f"{count} labels are left out, because stage 1 did not find their person "
        "(`cache/unmatched.csv`)."
    ]


def joint_blocks(samples: Sequence[Sample]) -> list[Block]:
    """Returns how many joints are labelled, per picture and by joint.

    Without one common skeleton, not by joint.
    """
    used = [sample for sample in samples if sample.split]
    numbers = {
        split: Counter(int((s.keypoints[..., 2] > 0).sum()) for s in used if s.split == split)
        for split in SPLITS
    }
    numbers = {split: dict(sorted(count.items())) for split, count in numbers.items() if count}
    if not any(n for count in numbers.values() for n in count):
        return [Heading("Joints"), Prose("The labels have no joints.")]
    chart = charts.bar_chart(
        numbers, title="Pictures by number of labelled joints", x_label="joints in the picture"
    )
    groups: list[list[Block]] = [[Charts([chart])]]
    if len({sample.skeleton.name for sample in used}) == 1:
        title = "Average joints per picture, by joint"
        columns = (Column("joint"), *(Column(split, "count") for split in numbers))
        rows = [
            (str(row["joint"]).replace("_", " "), *(f"{row[split]:.2f}" for split in numbers))
            for row in average_joints(used)
        ]
        groups.append([Table(title, columns, rows, summary=title)])
    return [Heading("Joints"), SideBySide(groups)]
