"""What a cache says about one example: its row in the index and the text beside its arrays.

Knows nothing of pixels, and not where arrays are stored.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

INDEX = "index.parquet"  # a cache's entries
WHOLE = -1  # the person of an entry that shows the whole image
NO_CLIP = -1  # the window of an entry of an image
X, Y = "x", "y"  # names of the one input, and of a target that is an array

Arrays = Mapping[str, np.ndarray]  # by their names in the recipe, in its order
Input = np.ndarray | Arrays  # what a network sees: its one array, or several by their names


class CacheError(ValueError):
    """A cache is unfinished, stale or damaged; the message says what to do."""


@dataclass(frozen=True)
class ArraySpec:
    """How one array of every entry is laid out."""

    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True, eq=False)
class Example:
    """What a network sees of an entry, and its target.

    Attributes:
        x: The array of a recipe with one input; of several inputs, an array by each name.
        y: A class id as int32 `()`, the array "y" of a recipe that has one (a class map), or None,
            as where the target is none of the cache's classes.
    """

    x: Any  # an `Input`
    y: np.ndarray | None


@dataclass(frozen=True)
class Entry:
    """One example in a cache.

    Attributes:
        key: Its name in the cache: the stem of its files, if it has files of its own.
        source: The image it was made from; of a clip, its name as a path.
        target: Class name: an activity, or a person. None where the target is an array, or where
            there is none.
        split: "train", "val" or "test".
        person: Which of the found people it shows, an index into their `Poses`; -1: the whole
            image.
        sha256: Of its arrays' raw bytes, in C order; the same wherever they are stored.
        window: Which window of its clip it is, from 0; -1: it is of no clip.
        made_from: Digest of all that its arrays were drawn from beside the recipe; empty where an
            older version did not write it down.
    """

    key: str
    source: Path
    target: str | None
    split: str
    person: int
    sha256: str
    window: int = NO_CLIP
    made_from: str = ""

    @property
    def text(self) -> str:
        """What the text file says: `name: value` a line, without the key."""
        values = {
            **({} if self.target is None else {"label": self.target}),
            "image": self.source.as_posix(),
            "split": self.split,
            "person": str(self.person),
            **({} if self.window == NO_CLIP else {"window": str(self.window)}),
            **({"made_from": self.made_from} if self.made_from else {}),
            "sha256": self.sha256,
        }
        # A line break in a name must not begin a line of its own.
        return "".join(name + ": " + v.replace("\n", "\\n") + "\n" for name, v in values.items())


def by_name(x: Input) -> Arrays:
    """Returns a network's input as arrays by their names in the recipe."""
    return x if isinstance(x, Mapping) else {X: x}


def as_input(arrays: Arrays) -> Input:
    """Returns arrays as a network takes them; the inverse of `by_name`."""
    return arrays[X] if [*arrays] == [X] else arrays


def stack(inputs: Sequence[Input]) -> Input:
    """Returns inputs as one batch, with a first axis for them."""
    some = [by_name(x) for x in inputs]
    return as_input({name: np.stack([arrays[name] for arrays in some]) for name in some[0]})


def as_float(batch: Input) -> Input:
    """Returns the same values as float32, which is what graphs take."""
    return as_input({name: array.astype(np.float32) for name, array in by_name(batch).items()})


def digest_of(arrays: Arrays) -> str:
    """Returns the sha256 of the arrays' raw bytes in C order, one array after the other."""
    digest = hashlib.sha256()
    for array in arrays.values():
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def key_of(source: Path, person: int = WHOLE, window: int = NO_CLIP) -> str:
    """Returns a file stem for an image, a person in it or a window of a clip.

    Readable, and different for other paths. The path may hold bytes that are not UTF-8.
    """
    readable = re.sub(r"[^A-Za-z0-9]+", "_", source.stem).strip("_")[:40]
    path = source.as_posix().encode("utf-8", "surrogatepass")
    key = f"{readable}-{hashlib.sha256(path).hexdigest()[:12]}"
    key += "" if person == WHOLE else f"-p{person}"
    return key if window == NO_CLIP else f"{key}-w{window}"


def blocks_of(text: str) -> Iterator[tuple[str, str]]:
    """Yields (key, text of the entry) of each whole block `key: ...` + text + empty line."""
    *blocks, _torn = text.split("\n\n")
    for block in blocks:
        head, _, rest = block.partition("\n")
        yield head.removeprefix("key: "), f"{rest}\n"


def block_of(entry: Entry) -> str:
    """Returns an entry as a block; `blocks_of` is the inverse."""
    return f"key: {entry.key}\n{entry.text}\n"
