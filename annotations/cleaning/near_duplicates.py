"""Pictures that look nearly alike: shots of one burst, other sizes or compressions of one picture.

Two perceptual hashes of 64 bits each, pHash (low frequencies) and dHash (brighter than the
neighbour), must agree but for a few bits. Of the 1,999,000 pairs among 2,000 photos of Stanford-40
one does, two shots of one moment, so no false alarm was seen. Of copies that are smaller, squashed,
brighter or compressed anew all were found, of those that lost 3 % at each edge 96 %, of those that
lost 5 % half (`python benchmarks/near_duplicates.py stanford40/train`). Source: Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, as in imagehash.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from pose_activity.annotations.images import ImageError, load_small_grey
from pose_activity.annotations.label_table import LabelTable
from pose_activity.annotations.text import preview
from pose_activity.artifacts.ordered import in_order
from pose_activity.artifacts.progress import ProgressCallback

MOST_PHASH, MOST_DHASH = 12, 12  # bits of 64 that may differ
_SHORTER = 64  # pixels of the shorter side that is hashed
_FLAT = 4.0  # a picture whose grey values deviate less shows nothing that could be compared
_ROWS = 512  # pictures that are compared with all others at once

Hashes = tuple[int, int]  # pHash and dHash, 64 bits each


def hash_picture(path: Path) -> Hashes | None:
    """Returns pHash and dHash of a picture, 64 bits each; None where it shows nothing."""
    try:
        grey = load_small_grey(path, _SHORTER)
    except ImageError:
        return None
    if grey.std() < _FLAT:
        return None
    picture = Image.fromarray(grey)
    both = imagehash.phash(picture), imagehash.dhash(picture)
    high, low = (int("".join("01"[int(bit)] for bit in found.hash.flat), 2) for found in both)
    return high, low


def find_near_duplicates(
    images: Iterable[Path],
    *,
    hash_of: Callable[[Path], Hashes | None] = hash_picture,
    threads: int = 1,
    on_progress: ProgressCallback | None = None,
) -> list[list[Path]]:
    """Returns the sets of pictures that look nearly alike, each sorted, in order of their first.

    A is in the set of C also where both only look like B, as in a burst.

    Args:
        images: Paths; files that cannot be read, and plain areas of one grey, are passed over.
        hash_of: Returns a picture's hashes; None where it shows nothing.
        threads: Over how many threads they are decoded; the result does not depend on it.
        on_progress: Called with (pictures read, pictures to read, name).
    """
    paths = sorted(set(images))
    read: list[Path] = []
    hashes: list[Hashes] = []
    for done, (path, found) in enumerate(
        zip(paths, in_order(hash_of, paths, workers=threads), strict=True), 1
    ):
        if found is not None:
            read.append(path)
            hashes.append(found)
        if on_progress:
            on_progress(done, len(paths), path.name)
    sets: dict[int, list[Path]] = {}
    for row, first in enumerate(_first_of_set(np.array(hashes, np.uint64).reshape(-1, 2))):
        sets.setdefault(first, []).append(read[row])
    return [same for same in sets.values() if len(same) > 1]


def near_pairs(hashes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yields (i, j), i < j, of rows of `(N, 2)` uint64 pHashes and dHashes that nearly agree."""
    for start in range(0, len(hashes), _ROWS):
        rows = hashes[start : start + _ROWS, None]
        differ = np.bitwise_count(rows[..., 0] ^ hashes[:, 0])
        for i, j in zip(*np.nonzero(differ <= MOST_PHASH), strict=True):
            i = int(i) + start
            if i < j and np.bitwise_count(hashes[i, 1] ^ hashes[j, 1]) <= MOST_DHASH:
                yield i, int(j)


def _first_of_set(hashes: np.ndarray) -> list[int]:
    """Returns for each row the first row of its set."""
    first = [*range(len(hashes))]

    def root(row: int) -> int:
        while first[row] != row:
            first[row] = first[first[row]]
            row = first[row]
        return row

    for pair in near_pairs(hashes):
        low, high = sorted(map(root, pair))
        first[high] = low
    return [root(row) for row in range(len(hashes))]


def describe_counts(copies: Sequence[Sequence[Path]], near: Sequence[Sequence[Path]] | None) -> str:
    """Returns a sentence: how many pictures are copies, and how many look nearly alike.

    Args:
        copies: Sets of pictures with the same content.
        near: Sets that look nearly alike, copies among them; None: nobody looked.
    """
    same = sum(map(len, copies)) - len(copies)
    text = f"copies of other pictures: {same:,}"
    if near is None:
        return f"{text}; those that look nearly alike were not looked for (data.near_duplicates)."
    alike = sum(map(len, near))
    if not alike:
        return f"{text}; none look nearly alike."
    return (
        f"{text}; pictures that look nearly like another one (bursts, copies of another size): "
        f"{alike:,} ({preview([' = '.join(p.name for p in group) for group in near], 3)}). "
        "Each set is on one side of the split. See near_duplicates.csv."
    )


def crossing_notes(near: Sequence[Sequence[Path]], items: LabelTable) -> list[str]:
    """Returns a warning where a split that the labels name parts pictures that look nearly alike.

    Args:
        near: Sets of pictures.
        items: In their final split.
    """
    split_of = dict(zip(items.names, items.splits, strict=True))
    crossing = [same for same in near if len({split_of[p] for p in same if split_of[p]}) > 1]
    if not crossing:
        return []
    names = [" = ".join(f"{p.name} ({split_of[p]})" for p in same) for same in crossing]
    return [
        f"WARNING: {len(crossing):,} sets of pictures that look nearly alike are in more than one "
        f"split: {preview(names, 3)}. Scores will look better than they are: the model has seen "
        "nearly these. Give sizes instead of split: given, or move them to one split."
    ]
