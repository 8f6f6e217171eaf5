"""The page's part about the data: what the cleaner did, how the classes are spread, the joints."""

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
from pose_activity.training.report_page.images import sheet_uri

MOST_CLASSES = 200  # rows of the table of classes
RULES = {
    "other_format": "pictures of a kind that is not read, left out",
    "negative": "joints with a negative coordinate, made missing",
    "no_annotations": "pictures without labelled joints, dropped",
    "empty_activity": "pictures without an activity, dropped",
    "missing_file": "pictures that are not there, dropped",
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


def gather(run: PictureRun, cache: Cache) -> dict[str, Any]:
    """Returns what the template shows of the labels.

    Returns:
        `counts` and `rules`: rows (text, number); `gallery`: a picture or None; `balance`: see
        `class_balance`; `unmatched`: labels whose person stage 1 did not find; `joints`: see
        `joint_counts`, or None.
    """
    folder = run.run_dir / "annotations"
    cleaning = json.loads((folder / "cleaning.json").read_text(encoding="utf-8"))
    rules = [
        (RULES.get(rule, rule.replace("_", " ")), count)
        for rule, count in cleaning["rules"].items()
    ]
    touched = any(isinstance(count, int) and count for _, count in rules)
    return {
        "counts": [(text, cleaning[key]) for key, text in HEADS.items()],
        "rules": rules,
        "gallery": sheet_uri(folder / "cleaning.png", _SHEET) if touched else None,
        "balance": class_balance(cache),
        "unmatched": (manifest.read(cache.folder) or {"counts": {}})["counts"].get("unmatched", 0),
        "joints": joint_counts(read_samples(folder / "samples.jsonl")),
    }


def class_balance(cache: Cache) -> dict[str, Any]:
    """Counts tensors per class and split.

    Returns:
        `splits`: names; `totals`: a count per split; `rows`: (class, a count per split), the most
        frequent first, at most `MOST_CLASSES`; `most`: tensors of the most frequent class;
        `classes`: how many there are.
    """
    splits = [name for name in SPLITS if cache.of_split(name)]
    counts = Counter((str(entry.target), entry.split) for entry in cache.entries)
    per_class = {name: [counts[name, split] for split in splits] for name in cache.classes}
    ranked = sorted(per_class.items(), key=lambda item: -sum(item[1]))
    return {
        "splits": splits,
        "rows": ranked[:MOST_CLASSES],
        "most": sum(ranked[0][1]),
        "totals": [len(cache.of_split(split)) for split in splits],
        "classes": len(cache.classes),
    }


def joint_counts(samples: Sequence[Sample]) -> dict[str, Any] | None:
    """Counts labelled joints; None where no label has any.

    Returns:
        `chart`: pictures by their number of labelled joints, all people together; `splits` and
        `rows`: average joints per picture, by joint. Without one common skeleton, no rows.
    """
    used = [sample for sample in samples if sample.split]
    numbers = {
        split: Counter(int((s.keypoints[..., 2] > 0).sum()) for s in used if s.split == split)
        for split in SPLITS
    }
    numbers = {split: dict(sorted(count.items())) for split, count in numbers.items() if count}
    if not any(n for count in numbers.values() for n in count):
        return None
    one_skeleton = len({sample.skeleton.name for sample in used}) == 1
    rows = average_joints(used) if one_skeleton else []
    return {
        "chart": charts.bar_chart(
            numbers, title="Pictures by number of labelled joints", x_label="joints in the picture"
        ),
        "splits": list(numbers),
        "rows": [(row["joint"], [row[split] for split in numbers]) for row in rows],
    }
