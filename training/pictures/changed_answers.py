"""Which answers to held-out pictures are other ones than those of the classifier before.

Two sets of predictions in, rows out: pictures that both answered, by their path. Both must be of
pictures that were not learned from, such as the answers of inner folds.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from pose_activity.artifacts import atomic, csv_text, manifest
from pose_activity.artifacts.names import shown
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.console import say
from pose_activity.training.pictures.files import HELD_OUT

FILE = "changed_answers.csv"
_SHOWN = 5  # changes that are printed; all are in the file


@dataclass(frozen=True)
class Change:
    """One picture, or person in it, that is answered otherwise now.

    Attributes:
        image: The picture.
        person: Its number in the picture; -1: the whole picture.
        label: The truth.
        before: The answer that was given.
        after: The answer now.
    """

    image: str
    person: int
    label: str
    before: str
    after: str


def changes(before: Predictions, after: Predictions) -> tuple[list[Change], int]:
    """Returns the changes, and how many pictures both answered."""
    found, both = [], 0
    guesses = {
        (image, int(person)): before.classes[guess]
        for image, person, guess in zip(before.images, before.persons, before.guesses, strict=True)
    }
    rows = zip(after.images, after.persons, after.labels, after.guesses, strict=True)
    for image, person, label, guess in rows:
        earlier, now = guesses.get((image, int(person))), after.classes[guess]
        both += earlier is not None
        if earlier not in (None, now):
            name = shown(image)
            found.append(Change(name, int(person), after.classes[label], str(earlier), now))
    return found, both


def list_changes(earlier: Path, after: Predictions, folder: Path) -> None:
    """Writes `changed_answers.csv` and prints how many there are, and some of them.

    Args:
        earlier: Folder of the result before. Where it has no manifest (there is none, or it is what
            a killed attempt left) or its predictions cannot be read, nothing is compared.
        after: The predictions now.
        folder: Where the file goes.
    """
    (folder / FILE).unlink(missing_ok=True)
    if not (earlier / manifest.NAME).exists():
        return
    try:
        found, both = changes(Predictions.read(earlier / HELD_OUT), after)
    except ValueError:  # none, or an older version's
        return
    names = [field.name for field in fields(Change)]
    atomic.write_text(folder / FILE, csv_text.as_text([names, *(astuple(one) for one in found)]))
    say(_summary(found, both))
    for change in found[:_SHOWN]:
        say(f"  {change.image}: {change.before} -> {change.after} (label: {change.label})")
    if len(found) > _SHOWN:
        say(f"  and {len(found) - _SHOWN:,} more: stage2/{FILE}")


def _summary(found: Sequence[Change], both: int) -> str:
    better = sum(change.after == change.label for change in found)
    worse = sum(change.before == change.label for change in found)
    return (
        f"Since the last training, {len(found):,} of {both:,} answers to held-out pictures "
        f"changed: {better:,} are right now, {worse:,} were right before."
    )
