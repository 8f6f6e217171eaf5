"""How many there are of each class in each split, as a table for the page and as numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pose_activity.annotations.types import SPLITS
from pose_activity.training.report_page.facts import Block, Column, Heading, Prose, Table

MOST_CLASSES = 200  # rows of the table
_FOLDED = 12  # a longer table is folded away


@dataclass(frozen=True)
class ClassBalance:
    """Counts of a classifier's data.

    Attributes:
        splits: The ones that hold anything.
        totals: A count per split.
        rows: (class, a count per split), the most frequent first, at most `MOST_CLASSES`.
        classes: How many there are.
    """

    splits: tuple[str, ...]
    totals: tuple[int, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    classes: int


def class_balance(labels: Iterable[tuple[str, str]], classes: Sequence[str]) -> ClassBalance:
    """Counts (class, split) pairs; `classes` names all that are to be listed."""
    counts = Counter(labels)
    totals = {split: sum(n for (_, s), n in counts.items() if s == split) for split in SPLITS}
    splits = tuple(split for split in SPLITS if totals[split])
    rows = [(name, tuple(counts[name, split] for split in splits)) for name in classes]
    ranked = sorted(rows, key=lambda row: -sum(row[1]))
    return ClassBalance(
        splits, tuple(totals[split] for split in splits), tuple(ranked[:MOST_CLASSES]), len(classes)
    )


def class_blocks(balance: ClassBalance, unit: str, *notes: str) -> list[Block]:
    """Returns the counts as blocks, with further sentences below the heading."""
    rows, splits = balance.rows, balance.splits
    of_splits = zip(balance.totals, splits, strict=True)
    texts = [
        f"{balance.classes} classes; {', '.join(f'{n} {unit} in {s}' for n, s in of_splits)}.",
        *notes,
    ]
    if len(rows) < balance.classes:
        texts.append(f"The {len(rows)} most frequent are shown.")
    most = max((sum(counts) for _, counts in rows), default=0) or 1
    columns = (
        Column("class", "name"),
        *(Column(split, "count", keyed=True) for split in splits),
        Column(form="bars"),
    )
    cells = [(name, *counts, [count / most for count in counts]) for name, counts in rows]
    summary = f"{len(rows)} rows" if len(rows) > _FOLDED else ""
    table = Table("Classes", columns, cells, sortable=True, summary=summary)
    return [Heading("Classes"), Prose(" ".join(texts)), table]
