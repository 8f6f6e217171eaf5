"""The cleaner: raw Samples in; fixed Samples, Rejections and a count of every change out.

Nothing is dropped in silence: each dropped image or person is a `Rejection`. Coordinates are
pixels of the upright picture; each is decoded once, since what is cut off or damaged keeps a good
header. The rules' arithmetic is in `rules.py`; they apply in this order:

| rule | counts | what happens |
|---|---|---|
| negative | joints with x < 0 or y < 0 | become missing |
| no_annotations | images without a person with joints | dropped |
| empty_activity | images without an activity | dropped |
| other_format | pictures of a kind that is not read | named, not read |
| missing_file, unreadable, damaged | images | dropped |
| other_size | images with people, whose labels state another size than the file has | dropped |
| outside | joints with x >= width or y >= height | become missing |
| box_outside | persons whose given box leaves the picture | box cut at the edge |
| duplicate | persons with all numbers of an earlier one, listed twice | dropped |
| no_visible_joints | persons without a joint or a box | dropped, and the image if all are |
| box_from_joints | persons without a box | box from the joints' minimum and maximum |
| head_padding | such boxes without a head top | upper edge raised |
| ankle_padding | such boxes without both ankles | lower edge lowered |
| several_pictures | files with more pictures than one | the first is taken, and noted |
| single_image_activity | activities with one image | kept, and noted |
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pose_activity.annotations.cleaning.options import CleanOptions
from pose_activity.annotations.cleaning.rules import (
    Reason,
    boxes_from_joints,
    check_file,
    clip_boxes,
    drop_negative,
    drop_outside,
    find_repeated,
    why_drop,
)
from pose_activity.annotations.images import check_image, holds_several
from pose_activity.annotations.media import describe_unread
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import Rejection, Sample
from pose_activity.artifacts.ordered import in_order
from pose_activity.artifacts.progress import ProgressCallback

RULES = (
    "other_format",
    "negative",
    "no_annotations",
    "empty_activity",
    "missing_file",
    "unreadable",
    "damaged",
    "other_size",
    "outside",
    "box_outside",
    "duplicate",
    "no_visible_joints",
    "box_from_joints",
    "head_padding",
    "ankle_padding",
    "several_pictures",
    "single_image_activity",
)
NOT_CHECKED = "not checked"
_NEED_FILES = ("missing_file", "unreadable", "damaged", "other_size", "several_pictures")
_NEED_SIZES = ("outside", "box_outside")
_MOST_NOTES = 5


@dataclass(frozen=True, eq=False)
class Case:
    """One example of a rule at work, for a gallery.

    Attributes:
        rule: Name of the rule.
        before: The image as it was read, with the one person concerned where the rule is about
            persons.
        after: The same after the rule; None if the image or the person was dropped. Before
            and after, a person without a box has the bare one of its joints.
    """

    rule: str
    before: Sample
    after: Sample | None


@dataclass(frozen=True, eq=False)
class Cleaned:
    """What the cleaner made of a data set.

    Attributes:
        kept: Clean samples, in the order they came.
        rejected: Every dropped image or person.
        report: JSON values: `entries`, `with_keypoints`, `with_activity` (an activity and, where
            they are needed, joints), `kept`; `rules` (rule -> number of things touched, or "not
            checked"); `touched` (rule -> names of the images).
        cases: Examples, a few per rule.
        notes: Sentences for a person about what was kept but is likely to disappoint.
    """

    kept: list[Sample]
    rejected: list[Rejection]
    report: dict[str, Any]
    cases: list[Case]
    notes: list[str]


def clean(
    samples: Iterable[Sample],
    *,
    padding: float = CleanOptions.padding,
    need_keypoints: bool = True,
    need_activity: Literal["picture", "person", "none"] = "picture",
    check_images: bool = True,
    root: Path | None = None,
    read_size: Callable[[Path], tuple[int, int]] = check_image,
    unread: Sequence[Path] = (),
    cases_per_rule: int = 4,
    threads: int = 1,
    on_progress: ProgressCallback | None = None,
) -> Cleaned:
    """Applies every rule to every sample, in one pass.

    Args:
        samples: As a reader gives them.
        padding: See `CleanOptions`; 0 or more.
        need_keypoints: Whether an image without people is dropped.
        need_activity: What must have one: the picture; it or a person in it; or nothing.
        check_images: Whether files are looked at. Without (a dry run) the rules that need them are
            reported as "not checked"; `Sample.size` stays as the reader gave it, and where that
            is None, boxes are not clipped.
        root: Names in the report are relative to this folder.
        read_size: Returns an image's upright (width, height); raises ImageError, and DamagedError
            where a part of it is lost.
        unread: Pictures of a kind that no reader takes, which are among the others.
        cases_per_rule: The most examples that are kept of each rule.
        threads: Over how many threads files are checked; the result does not depend on it.
        on_progress: Called with (images done, 0, image name): the total is unknown.

    Raises:
        ValueError: padding is negative.
    """
    if not padding >= 0:
        raise ValueError(f"padding must be a fraction of the box height, >= 0. Received: {padding}")
    log = _Log(root, cases_per_rule, check_images)
    log.reject_unread(unread)
    kept = []

    def check(raw: Sample) -> tuple[Sample, bool, tuple[int, int] | None, Reason | None]:
        reason = why_drop(raw, need_keypoints=need_keypoints, need_activity=need_activity)
        if reason is not None or not check_images:
            return raw, reason is None, raw.size, reason
        return raw, True, *check_file(raw, read_size)

    for raw, is_labelled, size, reason in in_order(check, samples, workers=threads):
        log.count_entry(raw, is_labelled)
        keypoints, negative = drop_negative(raw.keypoints)
        fixed = replace(raw, keypoints=keypoints, size=size)
        log.people(raw, fixed, {"negative": negative})
        if reason is None and len(keypoints):
            fixed, reason = _fix_people(raw, fixed, padding, log)
        if reason is None:
            kept.append(fixed)
        else:
            log.reject(raw, *reason)
        if on_progress:
            on_progress(log.entries, 0, raw.image.name)
    notes = [describe_unread(unread)] if unread else []
    if check_images:
        notes += _note_several_pictures(kept, log)
    notes += _note_single_images(kept, log)
    return Cleaned(kept, log.rejected, log.report(len(kept)), log.all_cases(), notes)


def _fix_people(
    raw: Sample, sample: Sample, padding: float, log: "_Log"
) -> tuple[Sample, Reason | None]:
    """Applies the rules about persons; returns the sample, or the (rule, sentence) to drop it."""
    keypoints, outside = sample.keypoints, np.zeros(len(sample.boxes), int)
    given, cut = sample.boxes, np.zeros(len(sample.boxes), bool)
    if sample.size is None:
        log.sizes_known = False
    else:
        keypoints, outside = drop_outside(keypoints, sample.size)
        given, cut = clip_boxes(given, sample.size)
    has_joint = np.asarray(keypoints[..., 2].any(axis=1))
    has_box = np.asarray(given.any(axis=1))
    alive = np.logical_or(has_joint, has_box)
    repeated = find_repeated(raw) & alive
    boxes, no_head, no_ankle = boxes_from_joints(
        keypoints, sample.skeleton, padding=padding, size=sample.size
    )
    boxless = has_joint & ~has_box & ~repeated
    boxes = np.where(boxless[:, None], boxes, given)
    fixed = replace(sample, keypoints=keypoints, boxes=boxes)
    counts = {
        "outside": outside * ~repeated,
        "box_outside": cut & ~repeated,
        "duplicate": repeated,
        "no_visible_joints": ~alive,
        "box_from_joints": boxless,
        "head_padding": boxless & no_head,
        "ankle_padding": boxless & no_ankle,
    }
    log.people(raw, fixed, counts)
    if not alive.any():
        return fixed, ("no_visible_joints", "nobody in it has a joint left")
    log.reject_people(raw, "no_visible_joints", "has no joint left", ~alive)
    log.reject_people(raw, "duplicate", "is listed twice, with the same numbers", repeated)
    return fixed.take(alive & ~repeated), None


def _note_several_pictures(kept: list[Sample], log: "_Log") -> list[str]:
    files = [image for image in dict.fromkeys(s.image for s in kept) if holds_several(image)]
    for image in files:
        log.touch("several_pictures", image, 1)
    if not files:
        return []
    names = preview([image.name for image in files])
    what = "file holds" if len(files) == 1 else "files hold"
    return [f"{len(files):,} {what} several pictures, of which the first is taken: {names}."]


def _note_single_images(kept: list[Sample], log: "_Log") -> list[str]:
    count = Counter(sample.activity for sample in kept)
    lonely = [s for s in kept if s.activity is not None and count[s.activity] == 1]
    for sample in lonely:
        log.touch("single_image_activity", sample.image, 1)
    if len(lonely) > _MOST_NOTES:
        names = preview([repr(sample.activity) for sample in lonely])
        return [
            f"{len(lonely):,} activities have one image each: {names}. They can be trained on but "
            "not tested. Add images or remove the activities."
        ]
    return [
        f"The activity {sample.activity!r} has one image ({sample.image}): it can be trained on "
        "but not tested. Add images or remove the activity."
        for sample in lonely
    ]


@dataclass
class _Log:
    """Collects what the rules did."""

    root: Path | None
    cases_per_rule: int
    check_images: bool
    sizes_known: bool = True
    entries: int = 0
    with_keypoints: int = 0
    with_activity: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    touched: dict[str, list[str]] = field(default_factory=lambda: {rule: [] for rule in RULES})
    cases: dict[str, list[Case]] = field(default_factory=lambda: {rule: [] for rule in RULES})

    def count_entry(self, sample: Sample, of_use: bool) -> None:
        self.entries += 1
        self.with_keypoints += len(sample.boxes) > 0
        self.with_activity += of_use

    def touch(self, rule: str, image: Path, count: int) -> None:
        self.counts[rule] += count
        if self.root is not None and image.is_relative_to(self.root):
            image = image.relative_to(self.root)
        self.touched[rule].append(image.as_posix())

    def reject(self, sample: Sample, rule: str, detail: str) -> None:
        self.rejected.append(Rejection(sample.image, rule, detail))
        if rule == "no_visible_joints":  # Already counted, by persons.
            return
        self.touch(rule, sample.image, 1)
        self._add_case(Case(rule, sample.take(slice(0)), None))

    def reject_unread(self, unread: Sequence[Path]) -> None:
        for image in unread:
            kind = image.suffix.lower() or "without an ending"
            detail = f"pictures of this kind ({kind}) are not read. Convert it to JPEG"
            self.rejected.append(Rejection(image, "other_format", detail))
            self.touch("other_format", image, 1)

    def reject_people(self, sample: Sample, rule: str, why: str, people: np.ndarray) -> None:
        """Notes the dropped ones of an image's people, a bool mask `(N,)`."""
        self.rejected += [
            Rejection(sample.image, rule, f"person {person} {why}")
            for person in np.flatnonzero(people)
        ]

    def people(self, raw: Sample, fixed: Sample, counts: Mapping[str, np.ndarray]) -> None:
        """Records what rules did to persons; `counts` is rule -> `(N,)`, bool or int."""
        for rule, per_person in counts.items():
            if not np.any(per_person):
                continue
            self.touch(rule, raw.image, int(per_person.sum()))
            if len(self.cases[rule]) < self.cases_per_rule:
                self._add_case(_make_case(rule, raw, fixed, int(np.argmax(per_person))))

    def _add_case(self, case: Case) -> None:
        if len(self.cases[case.rule]) < self.cases_per_rule:
            self.cases[case.rule].append(case)

    def report(self, kept: int) -> dict[str, Any]:
        unchecked = set() if self.check_images else {*_NEED_FILES}
        if not self.sizes_known:
            unchecked |= {*_NEED_SIZES}
        return {
            "entries": self.entries,
            "with_keypoints": self.with_keypoints,
            "with_activity": self.with_activity,
            "kept": kept,
            "rules": {r: NOT_CHECKED if r in unchecked else self.counts[r] for r in RULES},
            "touched": self.touched,
        }

    def all_cases(self) -> list[Case]:
        return [case for rule in RULES for case in self.cases[rule]]


def _make_case(rule: str, raw: Sample, fixed: Sample, person: int) -> Case:
    before, after = raw.take([person]), fixed.take([person])
    stays = rule != "duplicate" and (after.keypoints.any() or after.boxes.any())
    return Case(rule, _with_box(before), _with_box(after) if stays else None)


def _with_box(sample: Sample) -> Sample:
    if sample.boxes.any():
        return sample
    box, _, _ = boxes_from_joints(sample.keypoints, sample.skeleton, padding=0)
    return replace(sample, boxes=box)
