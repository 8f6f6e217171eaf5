"""What a report asks a network, item by item: all of it here, or a share of it in each shard.

    PART/NAME.npy    the answers to a shard's share of one question's items, one after another

Put together, parts are what asking all items gives. Knows no kind of run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.artifacts import atomic
from pose_activity.artifacts.shards import UNDIVIDED, Shard
from pose_activity.runtime.progress import progress_bar
from pose_activity.training.console import console


@dataclass(frozen=True)
class Question:
    """A question about many items that know nothing of each other.

    Attributes:
        title: For a progress bar.
        items: In order.
        answer: Returns the rows of one item, `(n, ...)`; the shape of a row is that of every other.
    """

    title: str
    items: Sequence[Any]
    answer: Callable[[Any], np.ndarray]

    def ask(self, shard: Shard = UNDIVIDED) -> list[np.ndarray]:
        """Returns the rows of each of a shard's items."""
        found, items = [], shard.take(self.items)
        with progress_bar(self.title, console) as show:
            for done, item in enumerate(items, 1):
                found.append(self.answer(item))
                show(done, len(items), "")
        return found


def keep(questions: Mapping[str, Question], shard: Shard, folder: Path) -> None:
    """Asks a shard's share of each question, and leaves the answers in its part's folder."""
    for name, question in questions.items():
        found = question.ask(shard)
        if not found:
            (folder / f"{name}.npy").unlink(missing_ok=True)  # of other items
            continue
        with atomic.replacing(folder / f"{name}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, np.concatenate(found), allow_pickle=False)


def answers(name: str, question: Question, parts: Sequence[Path] = ()) -> np.ndarray:
    """Returns the rows of all items of a question.

    Args:
        name: Of the question.
        question: With one item at least.
        parts: Folders of `keep` of all shards, in order; none: all items are asked here.

    Raises:
        ValueError: the question has no item.
    """
    if not question.items:
        raise ValueError(f"{question.title}: there must be something to ask about. Received: none.")
    if not parts:
        return np.concatenate(question.ask())
    paths = [part / f"{name}.npy" for part in parts]
    return np.concatenate([np.load(path, allow_pickle=False) for path in paths if path.exists()])
