"""Why a classifier of pictures fails: where, on whom, and which labels to look at.

In come predictions of held-out pictures with the poses that stage 1 found, out come blocks of the
page, pictures, and rows of `label_suspects.csv`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.types import Poses
from pose_activity.artifacts import atomic, csv_text
from pose_activity.artifacts.names import shown
from pose_activity.cache.people import POLICIES
from pose_activity.cache.record import by_name, stack
from pose_activity.cache.store import Cache
from pose_activity.inference.pictures.explain import overlay, split_planes
from pose_activity.stage2_classifier.predict import Classifier
from pose_activity.stage2_classifier.scores.label_noise import find_suspects
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.stage2_classifier.scores.resampling import wilson
from pose_activity.training.report_page.facts import (
    Block,
    Column,
    Heading,
    Prose,
    Section,
    Table,
    Tiles,
)
from pose_activity.training.report_page.images import Tile

SUSPECTS = "label_suspects.csv"
_CROWD = 3  # people from which a picture counts as crowded
_EDGES = (0.25, 0.5, 0.75)  # of heights and confidences
_SHOWN = 16  # suspects on the page
_HEIGHT = 280  # pixels of a picture beside others

Row = tuple[str, int, float, str]  # text, pictures, accuracy, its 95 % interval


@dataclass(frozen=True)
class LabelSuspect:
    """A picture whose label is likely to be wrong; see `scores.label_noise.Suspect`."""

    image: Path
    person: int
    split: str
    label: str
    probability: float
    suggested: str
    suggested_probability: float


def label_suspects(held_out: Sequence[Predictions]) -> list[LabelSuspect]:
    """Returns the suspects among pictures that the classifier did not learn from, the worst first.

    Args:
        held_out: Of several splits, all with the same classes.
    """
    rows = [(part, i) for part in held_out for i in range(len(part.labels))]
    probabilities = np.concatenate([part.probabilities for part in held_out])
    labels = np.concatenate([part.labels for part in held_out])
    found = []
    for suspect in find_suspects(probabilities, labels):
        part, i = rows[suspect.row]
        found.append(
            LabelSuspect(
                image=part.images[i],
                person=int(part.persons[i]),
                split=part.split,
                label=part.classes[suspect.label],
                probability=suspect.probability,
                suggested=part.classes[suspect.suggested],
                suggested_probability=suspect.suggested_probability,
            )
        )
    return found


def write_suspects(path: Path, suspects: Sequence[LabelSuspect]) -> None:
    """Writes a CSV, a row for each."""
    heads = ("image", "person", "split", "label", "probability", "suggested", "its probability")
    rows = [
        (
            shown(s.image.as_posix()),
            s.person,
            s.split,
            s.label,
            f"{s.probability:.4f}",
            s.suggested,
            f"{s.suggested_probability:.4f}",
        )
        for s in suspects
    ]
    atomic.write_text(path, csv_text.as_text([heads, *rows]))


def suspects_section(
    suspects: Sequence[LabelSuspect], of: int, picture_of: Callable[[Path, int], str | None]
) -> Section:
    """Returns the labels that a person should look at.

    Args:
        suspects: The worst first.
        of: Among how many pictures they were found.
        picture_of: Returns a picture of a file and a person in it, see `mistakes_section`.
    """
    title = "Labels to look at"
    about = (
        f"{len(suspects)} of {of} held-out labels may be wrong: the picture looks like a confident "
        "example of another class (confident learning). The surest are first; all are in "
        f"`{SUSPECTS}`. Some are only hard."
    )
    tiles = [
        Tile(
            source=picture_of(one.image, one.person),
            title=f"{one.label}, or {one.suggested}?",
            details=(
                f"label {one.probability:.2f}, {one.suggested} {one.suggested_probability:.2f}",
                one.split,
            ),
            file=one.image.name,
        )
        for one in suspects[:_SHOWN]
    ]
    blocks: list[Block] = [Prose(about), Tiles(tiles)] if tiles else [Prose("None was found.")]
    return Section("labels", "Labels", title, blocks)


def breakdown_blocks(predictions: Predictions, poses: Mapping[Path, Poses]) -> list[Block]:
    """Returns the accuracy by how many people were found, how sure, and how large."""
    tables: list[tuple[str, list[Row]]] = [
        ("Accuracy by the height of the person", by_height(predictions, poses)),
        ("Accuracy by the confidence of the pose", by_confidence(predictions, poses)),
    ]
    if not predictions.of_people:
        found = "Accuracy by the number of people found"
        tables.insert(0, (found, by_people(predictions, poses)))
    columns = (
        Column("found"),
        Column("pictures", "count"),
        Column("accuracy", "share"),
        Column("95 % interval"),
    )
    return [
        block
        for title, rows in tables
        if rows
        for block in (Heading(title), Table(title, columns, rows))
    ]


def by_people(predictions: Predictions, poses: Mapping[Path, Poses]) -> list[Row]:
    """Returns rows for nobody, one, two, and three or more people found."""
    people = np.array([len(poses[i].boxes) if i in poses else -1 for i in predictions.images])
    texts = ("nobody", "one person", "two people", "three or more")
    return _rows(predictions, np.minimum(people, _CROWD), texts)


def by_height(predictions: Predictions, poses: Mapping[Path, Poses]) -> list[Row]:
    """Returns rows for the height of the person, or of the most prominent one, in the picture's."""
    shares = _measured(predictions, poses, _height)
    texts = ("below a quarter of the picture", "a quarter to half", "half to three quarters")
    return _rows(predictions, _binned(shares), (*texts, "above three quarters"))


def by_confidence(predictions: Predictions, poses: Mapping[Path, Poses]) -> list[Row]:
    """Returns rows for the mean confidence of that person's joints."""
    shares = _measured(predictions, poses, _confidence)
    return _rows(
        predictions, _binned(shares), ("below 0.25", "0.25 to 0.5", "0.5 to 0.75", "above")
    )


def _measured(
    predictions: Predictions,
    poses: Mapping[Path, Poses],
    measure: Callable[[Poses, int], float],
) -> list[float]:
    """Returns a figure of the person in each row; NaN where there is nobody."""
    values = []
    for image, person in zip(predictions.images, predictions.persons.tolist(), strict=True):
        found = poses.get(image)
        if person < 0 and found is not None:
            person = next(iter(POLICIES["most_prominent"](found).tolist()), -1)
        values.append(np.nan if found is None or person < 0 else measure(found, person))
    return values


def _height(poses: Poses, person: int) -> float:
    box = poses.boxes[person]
    return float((box[3] - box[1]) / poses.size[1])


def _confidence(poses: Poses, person: int) -> float:
    return float(poses.keypoints[person, :, 2].mean())


def _binned(shares: Sequence[float]) -> np.ndarray:
    """Returns the part of [0, 1] that each is in; -1 for NaN."""
    values = np.array(shares, float)
    return np.where(np.isnan(values), -1, np.digitize(values, _EDGES))


def _rows(predictions: Predictions, bins: np.ndarray, texts: Sequence[str]) -> list[Row]:
    """Returns a row for each bin that holds a picture; -1 is in none."""
    right = predictions.guesses == predictions.labels
    rows = []
    for number, text in enumerate(texts):
        which = bins == number
        if count := int(which.sum()):
            low, high = wilson(int(right[which].sum()), count)
            interval = f"{100 * low:.0f} % to {100 * high:.0f} %"
            rows.append((text, count, float(right[which].mean()), interval))
    return rows


def maps_of(classifier: Classifier, cache: Cache, row: int, split: str) -> list[np.ndarray]:
    """Returns where the classifier looked in one picture: each view with its activation map.

    Args:
        classifier: The run's; without maps nothing is returned.
        cache: The run's.
        row: Number of the picture in its split.
        split: "val" or "test".

    Returns:
        `(h, w, 3)` uint8 RGB pictures of one height.
    """
    if not classifier.has_maps:
        return []
    x = cache.load(cache.of_split(split)[row]).x
    heat = {name: own[0] for name, own in by_name(classifier.explain(stack([x]))[1]).items()}
    strongest = max(float(own.max()) for own in heat.values())
    pictures = []
    for name, view in cache.recipe.views.items():
        planes = split_planes(by_name(x)[name], view)
        pixels = planes.get("rgb", next(iter(planes.values())))
        pictures.append(_scaled(overlay(pixels, heat[name], strongest=strongest)))
    return pictures


def with_maps(drawn: np.ndarray, maps: Sequence[np.ndarray]) -> np.ndarray:
    """Returns a drawn picture with its maps: one beside it, several in a row below it."""
    if len(maps) == 1:
        return np.concatenate([_scaled(drawn), _scaled(maps[0])], axis=1)
    below = np.concatenate([_scaled(picture) for picture in maps], axis=1)
    height = max(1, round(drawn.shape[0] * below.shape[1] / drawn.shape[1]))
    above = cv2.resize(drawn, (below.shape[1], height), interpolation=cv2.INTER_AREA)
    return np.concatenate([above, below])


def _scaled(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    size = max(1, round(width * _HEIGHT / height)), _HEIGHT
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
