"""The section of examples: the most confident mistakes and the least confident hits.

In come predictions, out come facts. Which pictures explain an answer is the caller's business.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from pose_activity.stage2_classifier.scores.predictions import Predictions
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

_MISTAKES, _HITS = 16, 8  # that are shown


def mistakes_section(
    predictions: Predictions,
    picture_of: Callable[[int], str | None] | None,
    *,
    shape: Literal["single", "pair", "strip"] = "single",
    shown: str = "",
) -> Section:
    """Returns the most confident mistakes, the surest first, and the least confident hits.

    Args:
        predictions: Of the reported split.
        picture_of: Returns a picture of a row as a `data:` URI, None where it cannot be read. None:
            there are no pictures, and a table names the mistakes.
        shape: See `facts.Tiles`.
        shown: What the pictures show, after "with ".
    """
    title, hits_title = "Most confident mistakes", "Least confident hits"
    also = f", with {shown}" * bool(shown)

    def examples(found: np.ndarray, name: str) -> Block:
        rows = [int(row) for row in found]
        if picture_of is None:
            return _examples_table(predictions, rows, name)
        return Tiles([_tile(predictions, row, picture_of(row)) for row in rows], shape)

    wrong = int((predictions.guesses != predictions.labels).sum())
    mistakes = predictions.confident_mistakes(_MISTAKES)
    blocks: list[Block] = [Prose("No prediction was wrong.")]
    if wrong:
        about = f"{len(mistakes)} of {wrong} wrong predictions, the most confident first{also}."
        blocks = [Prose(about), examples(mistakes, title)]
    hits, right = predictions.unsure_hits(_HITS), len(predictions.labels) - wrong
    if right:
        about = f"{len(hits)} of {right} right predictions, the least confident first{also}."
        blocks += [Heading(hits_title), Prose(about), examples(hits, hits_title)]
    return Section("mistakes", "Mistakes", title, blocks)


def _tile(predictions: Predictions, row: int, source: str | None) -> Tile:
    person = int(predictions.persons[row])
    guess, truth = _guess_and_truth(predictions, row)
    return Tile(
        source=source,
        title="{} ({:.2f})".format(*guess),
        details=(
            "true class: {} ({:.2f})".format(*truth),
            *((f"person {person + 1} in the picture",) if person >= 0 else ()),
        ),
        file=predictions.images[row].name,
    )


def _examples_table(predictions: Predictions, rows: Sequence[int], title: str) -> Table:
    heads = ("name", "predicted", "true")
    columns = [Column(heads[0], "name")]
    columns += [c for h in heads[1:] for c in (Column(h, "name"), Column("probability", "figure"))]
    cells = [
        (
            predictions.images[row].as_posix(),
            *(cell for pair in _guess_and_truth(predictions, row) for cell in pair),
        )
        for row in rows
    ]
    return Table(title, columns, cells)


def _guess_and_truth(
    predictions: Predictions, row: int
) -> tuple[tuple[str, float], tuple[str, float]]:
    """Returns the predicted class and the true one, each with its probability."""
    shares = predictions.probabilities[row]
    guess, truth = int(predictions.guesses[row]), int(predictions.labels[row])
    names = predictions.classes
    return (names[guess], float(shares[guess])), (names[truth], float(shares[truth]))
