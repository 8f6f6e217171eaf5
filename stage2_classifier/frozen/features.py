"""Vectors of pictures by a frozen backbone, each computed once and kept by content.

In come entries of a cache, out goes one float32 row per entry, see `layout`. A parquet file keeps
them by the digest of the entry's arrays, with the backbone and the layout in its metadata: twenty
pictures more are twenty rows more, a renamed picture keeps its row, and rows of another backbone
are not read. One picture is worked on by one thread, so that a row is the same bits on any number
of cores.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.ordered import in_order
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.planes import FOUND, JOINTS, picture_of
from pose_activity.cache.record import Arrays, Entry, by_name
from pose_activity.cache.store import Cache
from pose_activity.runtime import graph
from pose_activity.stage2_classifier.frozen.layout import Layout, Look

FILE = "features.parquet"
SAVE_EVERY = 1000  # rows; what a kill can cost
_SOURCE = b"source"
_DIGEST = 64  # characters of a sha256, with which a key begins


@dataclass(frozen=True)
class Wanted:
    """One row.

    Attributes:
        entry: Of the cache.
        mirrored: Whether of its mirror image.
    """

    entry: Entry
    mirrored: bool = False

    @property
    def key(self) -> str:
        """Its name in the file."""
        return f"{self.entry.sha256}{'-mirrored' if self.mirrored else ''}"


def find(
    path: Path,
    cache: Cache,
    wanted: Sequence[Wanted],
    *,
    backbone: Path,
    threads: int,
    on_progress: ProgressCallback | None = None,
) -> np.ndarray:
    """Returns the vectors of a cache's entries; computes those that the file does not have.

    Args:
        path: The parquet file; made, or added to.
        cache: Of pictures.
        wanted: Which rows.
        backbone: A graph from "image" float32 `(B, H, W, 3)` in 0..255, H and W free, to "features"
            `(B, h, w, D)`.
        threads: Pictures worked on side by side.
        on_progress: Told (rows there, rows, name).

    Returns:
        `(N, layout.size(D))` float32.

    Raises:
        ValueError: the file is damaged, or the graph is none of these.
        CacheError: see `Cache.load`.
    """
    layout, source = Layout.of(cache.recipe), _source_of(cache, backbone)
    present = {entry.sha256 for entry in cache.entries}  # pictures that were taken away may go
    rows = {key: row for key, row in _read(path, source).items() if key[:_DIGEST] in present}
    missing = {one.key: one for one in wanted if one.key not in rows}
    if missing:
        run = graph.load(backbone, engine="onnxruntime", threads=threads, streams=threads)

        def work(one: Wanted) -> np.ndarray:
            arrays = by_name(cache.load(one.entry, verify=True).x)
            return vector(mirror(arrays) if one.mirrored else arrays, run, layout)

        there = len(wanted) - len(missing)
        vectors = in_order(work, missing.values(), workers=threads)
        for done, (key, found) in enumerate(zip(missing, vectors, strict=True), 1):
            rows[key] = found
            if done % SAVE_EVERY == 0:
                _write(path, rows, source)
            if on_progress:
                on_progress(there + done, len(wanted), missing[key].entry.source.name)
        _write(path, rows, source)
    return np.stack([rows[one.key] for one in wanted])


def unknown(path: Path, cache: Cache, wanted: Sequence[Wanted], *, backbone: Path) -> list[Wanted]:
    """Returns the rows that the file does not have; see `find`."""
    rows = _read(path, _source_of(cache, backbone))
    return [one for one in wanted if one.key not in rows]


def merge(path: Path, parts: Sequence[Path], cache: Cache, *, backbone: Path) -> None:
    """Adds to a file what files of other shards hold; absent ones are left out.

    Args:
        path: The file; see `find`.
        parts: Files of `find` with the same cache and backbone, in order.
        cache: See `find`.
        backbone: See `find`.
    """
    source = _source_of(cache, backbone)
    rows = _read(path, source)
    for part in parts:
        rows |= _read(part, source)
    if rows:
        _write(path, rows, source)


def mirror(arrays: Arrays) -> Arrays:
    """Returns the views, and the joints, with left and right exchanged."""
    turned = {JOINTS: lambda rows: rows[::-1], FOUND: lambda flag: flag}
    return {
        name: turned[name](array) if name in turned else array[:, ::-1]
        for name, array in arrays.items()
    }


def vector(arrays: Arrays, run: graph.Graph, layout: Layout) -> np.ndarray:
    """Returns a picture's whole vector.

    Args:
        arrays: `(H, W, C)` uint8 by the views' names, and "found" `(1,)` and "joints" `(2, D)`
            where there are such.
        run: The backbone.
        layout: Of the vector.

    Returns:
        `(layout.size(D),)` float32.
    """
    blocks = []
    for look in layout.looks:
        features = run(image_of(arrays, look)[None])[0][0]
        blocks += [features.mean((0, 1)), features.max((0, 1))]
    if layout.found:
        blocks.append(arrays[FOUND].astype(np.float32))
    if layout.joints:
        blocks.append(arrays[JOINTS].ravel())
    return np.concatenate(blocks)


def image_of(arrays: Arrays, look: Look) -> np.ndarray:
    """Returns what the backbone sees of a plane: `(H, W, 3)` float32."""
    return picture_of(look.plane, arrays[look.view][..., look.channels])


def _source_of(cache: Cache, backbone: Path) -> dict[str, Any]:
    """Returns what decides the rows beside the pictures."""
    layout = Layout.of(cache.recipe).as_json()
    return {"backbone": sha256_file(backbone), "layout": layout}


def _read(path: Path, source: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Returns the file's rows by key; none if it is absent or of another backbone or layout."""
    if not path.exists():
        return {}
    try:
        table = pq.ParquetFile(path).read()
        if json.loads((table.schema.metadata or {}).get(_SOURCE, b"null")) != source:
            return {}
        keys = table["key"].to_pylist()
        values = [chunk.flatten().to_numpy() for chunk in table["vector"].chunks]
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} is damaged ({error}). Delete it; it is made again.") from None
    if not keys:
        return {}
    return dict(zip(keys, np.concatenate(values).reshape(len(keys), -1), strict=True))


def _write(path: Path, rows: Mapping[str, np.ndarray], source: Mapping[str, Any]) -> None:
    vectors = np.stack([*rows.values()])
    column = pa.FixedSizeListArray.from_arrays(vectors.ravel(), vectors.shape[1])
    table = pa.table({"key": [*rows], "vector": column})
    table = table.replace_schema_metadata({_SOURCE: json.dumps(dict(source)).encode()})
    with atomic.replacing(path) as temporary:
        pq.write_table(table, temporary, compression="none", use_dictionary=False)
