"""Tensors on disk: `.npy` + `.txt` per image, the manifest last, and a reader that trusts nothing.

    cache/tensors/KEY.npy    (H, W, C) uint8
    cache/tensors/KEY.txt    label, source image, split: one `name: value` a line
    cache/index.parquet      key, image, label, split, sha256 of each tensor file
    cache/recipe.json        what the tensors that are there were made by
    cache/manifest.json      recipe, inputs, classes, counts; written when all is there

KEY is made from the image's path, so one image has one key in every run. Without the manifest a
cache is unfinished; tensors that are already there are then reused if their recipe is the same.
"""

import hashlib
import io
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from annotations.images import ImageError, load_rgb
from annotations.types import Poses
from artifacts import atomic, manifest
from cache.planes import Recipe, make

TENSORS, INDEX, STARTED = "tensors", "index.parquet", "recipe.json"


class CacheError(ValueError):
    """A cache is unfinished, stale or damaged; the message says what to do."""


@dataclass(frozen=True)
class Entry:
    """One tensor.

    Attributes:
        key: Stem of the two files.
        image: The picture it was made from.
        label: Activity.
        split: "train", "val" or "test".
        sha256: Of the `.npy` file's bytes.
    """

    key: str
    image: Path
    label: str
    split: str
    sha256: str


@dataclass(frozen=True)
class Cache:
    """A finished cache.

    Attributes:
        folder: Where it lies.
        recipe: What its tensors are.
        classes: All activities; a label's position is its class id.
        entries: In a fixed order.
    """

    folder: Path
    recipe: Recipe
    classes: tuple[str, ...]
    entries: tuple[Entry, ...]

    def of_split(self, split: str) -> list[Entry]:
        """Returns the entries of one split."""
        return [entry for entry in self.entries if entry.split == split]

    def class_id(self, entry: Entry) -> int:
        """Returns the position of the entry's label in `classes`."""
        return self.classes.index(entry.label)

    def load(self, entry: Entry, *, dtype: type = np.uint8, verify: bool = False) -> np.ndarray:
        """Reads one tensor.

        Args:
            entry: One of `entries`.
            dtype: `np.uint8`, or `np.float32` with the same values 0..255.
            verify: Whether the file's checksum is compared too.

        Returns:
            `(H, W, C)`.

        Raises:
            CacheError: the file is missing, truncated, of another shape or altered.
        """
        path = tensor_path(self.folder, entry.key)
        fix = f"Delete it and run the cache step again: {path}"
        try:
            data = path.read_bytes()
            tensor = np.load(io.BytesIO(data), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise CacheError(
                f"The tensor of {entry.image} cannot be read ({error}). {fix}"
            ) from None
        shape = (self.recipe.height, self.recipe.width, self.recipe.channels)
        if tensor.shape != shape or tensor.dtype != np.uint8:
            raise CacheError(
                f"The tensor of {entry.image} should be uint8 {shape}. "
                f"Received: {tensor.dtype} {tensor.shape}. {fix}"
            )
        if verify and hashlib.sha256(data).hexdigest() != entry.sha256:
            raise CacheError(f"The tensor of {entry.image} was altered after it was written. {fix}")
        return tensor.astype(dtype, copy=False)


@dataclass(frozen=True)
class Source:
    """What `build` makes one tensor of.

    Attributes:
        image: The picture.
        label: Activity.
        split: "train", "val" or "test".
        poses: Stage 1's answer; None where no plane needs poses.
    """

    image: Path
    label: str
    split: str
    poses: Poses | None


def build(
    folder: Path,
    sources: Sequence[Source],
    *,
    recipe: Recipe,
    classes: Sequence[str],
    inputs: Mapping[str, str],
    threads: int = 2,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> tuple[Cache, dict[Path, str]]:
    """Writes all tensors, then the index, then the manifest.

    A run that was killed goes on where it stopped: a tensor whose `.npy` and `.txt` are both there
    was made by the same recipe and inputs (anything else is wiped first) and is kept. So is one of
    a finished cache in which others are missing.

    Args:
        folder: Where the cache is to lie.
        sources: One a tensor.
        recipe: What the tensors are.
        classes: All activities, in the order of their ids.
        inputs: Name -> sha256 of what the sources were made from.
        threads: Pictures decoded at the same time.
        on_progress: Called with (done, total, name).

    Returns:
        The cache, and the pictures that could not be decoded with the reason; they are not in it.

    Raises:
        CacheError: a picture comes twice, or there is none at all.
    """
    started = time.monotonic()
    _begin(folder, {"recipe": recipe.as_json(), "inputs": dict(inputs)})
    twice = [str(image) for image, n in Counter(s.image for s in sources).items() if n > 1]
    if twice:
        raise CacheError(f"A picture must come once. Received twice: {', '.join(twice)}")
    entries, unreadable = [], {}
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(lambda source: _write_tensor(folder, source, recipe), sources)
        for done, (source, result) in enumerate(zip(sources, results, strict=True), 1):
            if isinstance(result, Entry):
                entries.append(result)
            else:
                unreadable[source.image] = str(result)
            if on_progress:
                on_progress(done, len(sources), source.image.name)
    if not entries:
        raise CacheError(f"{folder}: not one of {len(sources)} pictures could be read.")
    _write_index(folder, entries)
    counts = {"classes": list(classes), "images": len(entries)}
    manifest.write(
        folder,
        recipe=recipe.as_json(),
        inputs=inputs,
        outputs=[folder / INDEX],
        counts=counts,
        seconds=time.monotonic() - started,
    )
    return open_cache(folder), unreadable


def open_cache(folder: Path) -> Cache:
    """Opens a finished cache.

    Raises:
        CacheError: unfinished, or its index was altered.
    """
    found = manifest.read(folder)
    if found is None:
        raise CacheError(f"{folder} is no finished cache. Run: python train.py cache --config ...")
    changed = manifest.altered(folder, found)
    if changed:
        raise CacheError(
            f"{folder} is damaged ({'; '.join(changed)}). Delete it and build it again."
        )
    rows = pq.read_table(folder / INDEX).to_pylist()
    return Cache(
        folder=folder,
        recipe=Recipe.from_json(found["recipe"]),
        classes=tuple(found["counts"]["classes"]),
        entries=tuple(Entry(**{**row, "image": Path(row["image"])}) for row in rows),
    )


def missing_tensors(folder: Path) -> list[str]:
    """Returns a line for each file of a finished cache that is gone."""
    cache = open_cache(folder)
    files = (tensor_path(folder, entry.key) for entry in cache.entries)
    pairs = (file for path in files for file in (path, path.with_suffix(".txt")))
    return [f"{path.name}: missing" for path in pairs if not path.exists()]


def key_of(image: Path) -> str:
    """Returns a file stem for a picture: readable, and different for different paths."""
    readable = re.sub(r"[^A-Za-z0-9]+", "_", image.stem).strip("_")[:40]
    return f"{readable}-{hashlib.sha256(image.as_posix().encode()).hexdigest()[:12]}"


def tensor_path(folder: Path, key: str) -> Path:
    """Returns where the tensor of a key lies."""
    return folder / TENSORS / f"{key}.npy"


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Leaves in `folder` only tensors that were made by this very plan."""
    note = folder / STARTED
    if note.exists() and json.loads(note.read_text()) == json.loads(json.dumps(plan)):
        return
    shutil.rmtree(folder / TENSORS, ignore_errors=True)
    for name in (manifest.NAME, INDEX):
        (folder / name).unlink(missing_ok=True)
    atomic.write_json(note, plan)


def _write_tensor(folder: Path, source: Source, recipe: Recipe) -> Entry | ImageError:
    key = key_of(source.image)
    path = tensor_path(folder, key)
    text = f"label: {source.label}\nimage: {source.image.as_posix()}\nsplit: {source.split}\n"
    described = path.with_suffix(".txt")
    if not (path.exists() and described.exists() and described.read_text() == text):
        buffer = io.BytesIO()
        try:
            pixels = load_rgb(source.image)
        except ImageError as error:
            return error
        np.save(buffer, make(pixels, source.poses, recipe), allow_pickle=False)
        atomic.write_bytes(path, buffer.getvalue())
        atomic.write_text(described, text)
    digest = manifest.sha256_file(path)
    return Entry(key, source.image, source.label, source.split, digest)


def _write_index(folder: Path, entries: Sequence[Entry]) -> None:
    rows = [{**asdict(entry), "image": entry.image.as_posix()} for entry in entries]
    columns = {field: pa.string() for field in ("key", "image", "label", "split", "sha256")}
    with atomic.replacing(folder / INDEX) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(columns)), temporary)
