"""What looking at image files found out, kept by content: whole or not, size, perceptual hashes.

Decoding thousands of images to check and compare them is most of what reading their labels costs.
The next time, only those that are new or changed are looked at. Nothing is kept of files that are
unreadable, which somebody may want to see again; a renamed file keeps its row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pose_activity.annotations.cleaning.near_duplicates import Hashes, hash_picture
from pose_activity.annotations.images import check_image, check_name
from pose_activity.artifacts import atomic

_VERSION = b"1"  # another one where the same files would be judged in another way
_KEY = b"version"
_SCHEMA = pa.schema(
    [
        ("sha256", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("hashed", pa.bool_()),
        ("phash", pa.uint64()),
        ("dhash", pa.uint64()),
    ]
)


@dataclass(frozen=True, eq=False)
class Inspected:
    """Looks at image files, each content once; may be called from several threads.

    Attributes:
        digest: Returns the sha256 of a file's content.
        sizes: Digest -> (width, height) of an upright image that is whole.
        hashes: Digest -> `hash_picture` of it.
        asked: Digests that were asked for; only these are written.
    """

    digest: Callable[[Path], str]
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    hashes: dict[str, Hashes | None] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def size(self, path: Path) -> tuple[int, int]:
        """Returns what `check_image` returns, and raises what it raises."""
        key = self._key(path)
        if key not in self.sizes:
            size = check_image(path)
            if key:
                self.sizes[key] = size
            return size
        check_name(path)  # which is not of the content
        return self.sizes[key]

    def hash(self, path: Path) -> Hashes | None:
        """Returns what `hash_picture` returns."""
        key = self._key(path)
        if key not in self.hashes:
            found = hash_picture(path)
            if key not in self.sizes:  # perhaps a file that cannot be read
                return found
            self.hashes[key] = found
        return self.hashes[key]

    def write(self, path: Path) -> None:
        """Writes what was asked for, in the order of the digests."""
        rows = [self._row(key) for key in sorted(self.asked & {*self.sizes})]
        table = pa.Table.from_pylist(rows, schema=_SCHEMA.with_metadata({_KEY: _VERSION}))
        with atomic.replacing(path) as temporary:
            pq.write_table(table, temporary)

    def _row(self, key: str) -> dict[str, Any]:
        phash, dhash = self.hashes.get(key) or (None, None)
        values = (key, *self.sizes[key], key in self.hashes, phash, dhash)
        return dict(zip(_SCHEMA.names, values, strict=True))

    def _key(self, path: Path) -> str:
        """Returns the digest of a file; "" where it is none, which whoever reads it reports."""
        try:
            key = self.digest(path) if path.is_file() else ""
        except OSError:
            key = ""
        if key:
            self.asked.add(key)
        return key


def read(path: Path, digest: Callable[[Path], str]) -> Inspected:
    """Returns what was found out before; nothing where there is no such file, or a damaged one.

    Args:
        path: Of `Inspected.write`.
        digest: Returns the sha256 of a file's content.
    """
    found = Inspected(digest)
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError):
        return found
    if (
        table.schema.with_metadata(None) != _SCHEMA
        or (table.schema.metadata or {}).get(_KEY) != _VERSION
    ):
        return found
    for row in table.to_pylist():
        found.sizes[row["sha256"]] = (row["width"], row["height"])
        if row["hashed"]:
            plain = row["phash"] is None
            found.hashes[row["sha256"]] = None if plain else (row["phash"], row["dhash"])
    return found
