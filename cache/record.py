"""What a cache says about one tensor: the row of its index and the text beside its numbers.

Knows nothing of pixels, and not where tensors lie.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

INDEX = "index.parquet"  # a cache's entries
WHOLE = -1  # the person of a tensor that shows the whole picture
NO_CLIP = -1  # the window of a tensor of a picture


class CacheError(ValueError):
    """A cache is unfinished, stale or damaged; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One tensor.

    Attributes:
        key: Its name in the cache: the stem of its files, where it has files of its own.
        image: The picture it was made from; of a clip, its name as a path.
        label: Activity, or person.
        split: "train", "val" or "test".
        person: Which of the found people it shows, an index into their `Poses`; -1: the whole
            picture.
        sha256: Of the tensor's raw bytes, in C order; the same wherever the tensor lies.
        window: Which window of its clip it is, from 0; -1: it is of no clip.
    """

    key: str
    image: Path
    label: str
    split: str
    person: int
    sha256: str
    window: int = NO_CLIP

    @property
    def text(self) -> str:
        """What the text file says: `name: value` a line, without the key."""
        values = {
            "label": self.label,
            "image": self.image.as_posix(),
            "split": self.split,
            "person": str(self.person),
            **({} if self.window == NO_CLIP else {"window": str(self.window)}),
            "sha256": self.sha256,
        }
        # A line break in a name must not begin a line of its own.
        return "".join(name + ": " + v.replace("\n", "\\n") + "\n" for name, v in values.items())


def digest_of(tensor: np.ndarray) -> str:
    """Returns the sha256 of a tensor's raw bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(tensor).data).hexdigest()


def key_of(image: Path, person: int = WHOLE, window: int = NO_CLIP) -> str:
    """Returns a file stem for a picture, a person in it or a window of a clip.

    Readable, and different for other paths. The path may hold bytes that are no UTF-8.
    """
    readable = re.sub(r"[^A-Za-z0-9]+", "_", image.stem).strip("_")[:40]
    path = image.as_posix().encode("utf-8", "surrogatepass")
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


def changed(entry: Entry) -> str:
    """Returns how an error begins that says so."""
    return f"{entry.image} changed since the cache was built"
