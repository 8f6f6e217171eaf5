"""A cache of examples: the manifest last, and a reader that trusts nothing.

    cache/index.parquet      key, image, label, split, person, sha256 of the bytes, window, and the
                             digest of what it was made from
    cache/tensors/           the arrays, as `tensors` says: see `STORES`
    cache/recipe.json        what the arrays that are there were made by
    cache/manifest.json      recipe, tensors, inputs, classes, counts; written when all is there

A key is made from the image's path (and the person), or from the clip's name and the window: one
image has one key in every run. Without the manifest a cache is unfinished. Arrays that are there
are reused wherever recipe, image and poses are the same: another label or split draws nothing,
another image one entry. The index is the same for every kind of `tensors`, and so is what `load`
returns. Knows no kind of recipe: a recipe says its unit and its arrays, and `cache.recipes` how it
is read.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np

from pose_activity.annotations.images import ImageError
from pose_activity.annotations.types import LEARNED_FROM
from pose_activity.artifacts import atomic, manifest
from pose_activity.artifacts.commands import command
from pose_activity.artifacts.ordered import in_order
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.removal import remove_tree
from pose_activity.cache import index, space
from pose_activity.cache.memory_map import MemmapFiles
from pose_activity.cache.recipes import AnyRecipe, recipe_of
from pose_activity.cache.record import (
    INDEX,
    Arrays,
    CacheError,
    Entry,
    Example,
    Y,
    as_input,
    digest_of,
)
from pose_activity.cache.storage import FOLDER, Layout, NpyFiles, TensorStore

STARTED = "recipe.json"
Drawn = tuple[Entry, Arrays | None] | ImageError  # no arrays: the store has kept them
Tensors = Literal["disk", "memory_map"]
STORES: dict[Tensors, Callable[[Path, Layout], TensorStore]] = {
    "disk": NpyFiles,
    "memory_map": MemmapFiles,
}


R = TypeVar("R", bound=AnyRecipe)


@dataclass(frozen=True)
class StoredTensors(Generic[R]):
    """What a cache is to hold.

    Attributes:
        recipe: What its arrays are.
        tensors: How they are stored, a key of `STORES`.
    """

    recipe: R
    tensors: Tensors = "disk"

    def as_json(self) -> dict[str, Any]:
        """Returns what the cache's manifest says of it."""
        return {**self.recipe.as_json(), "tensors": self.tensors}


@dataclass(frozen=True)
class Cache(Generic[R]):
    """A finished cache.

    Attributes:
        folder: Where it is.
        recipe: What its arrays are.
        classes: All class names; a name's position is its class id.
        entries: In a fixed order.
        tensors: How they are stored, a key of `STORES`.
    """

    folder: Path
    recipe: R
    classes: tuple[str, ...]
    entries: tuple[Entry, ...]
    tensors: Tensors = "disk"

    def of_split(self, split: str) -> list[Entry]:
        """Returns the entries of one split."""
        return [entry for entry in self.entries if entry.split == split]

    def class_id(self, entry: Entry) -> int:
        """Returns the position of the entry's target in `classes`; it must be a class name."""
        return self._ids[str(entry.target)]

    def digest(self, splits: Iterable[str]) -> str:
        """Returns what changes with any array or target of these splits, and with nothing else."""
        rows = self.rows_digest(splits)
        return manifest.sha256_json([rows, self.recipe.as_json(), self.classes])

    def rows_digest(self, splits: Iterable[str]) -> str:
        """Returns the part of `digest` that the index alone says: arrays and targets."""
        wanted = {*splits}
        rows = [
            [entry.key, entry.target, entry.split, entry.sha256]
            for entry in self.entries
            if entry.split in wanted
        ]
        return manifest.sha256_json(rows)

    def load(self, entry: Entry, *, verify: bool = False) -> Example:
        """Reads one example.

        Args:
            entry: One of `entries`.
            verify: Whether the checksum of its bytes is compared too.

        Raises:
            CacheError: an array is missing, truncated, of another shape or altered.
        """
        fix = f"Delete {self.folder / manifest.NAME} and run the cache step again."
        try:
            arrays = self._store.get(entry)
        except CacheError as error:
            raise CacheError(f"{error} {fix}") from None
        if verify and digest_of(arrays) != entry.sha256:
            raise CacheError(
                f"The tensor of {entry.source} was altered after it was written. {fix}"
            )
        inputs = {name: array for name, array in arrays.items() if name != Y}
        y = arrays.get(Y)
        if y is None and entry.target in self._ids:  # people of test alone are no classes
            y = np.array(self.class_id(entry), np.int32)
        return Example(as_input(inputs), y)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    @cached_property
    def _store(self) -> TensorStore:
        return STORES[self.tensors](self.folder, self.recipe)


class Drawable(Protocol):
    """What `build` makes one entry of, such as `cache.tensor_spec.TensorSpec`."""

    @property
    def entry(self) -> Entry:
        """The entry, while its digests are unknown."""
        ...

    @property
    def made_from(self) -> str:
        """A digest of all that `draw` reads beside the recipe."""
        ...

    def draw(self, recipe: Any) -> Arrays:
        """Returns the recipe's arrays; raises ImageError where its image cannot be read."""
        ...


def build(
    folder: Path,
    sources: Sequence[Drawable],
    *,
    recipe: R,
    classes: Sequence[str],
    inputs: Mapping[str, str],
    tensors: Tensors = "disk",
    threads: int = 2,
    on_size: Callable[[str], None] | None = None,
    may_be_empty: bool = False,
    on_progress: ProgressCallback | None = None,
) -> tuple[Cache[R], dict[Path, str]]:
    """Draws all entries, then writes the index, then the manifest.

    An entry that is there, whole, and was made by the same recipe from the same image and poses is
    kept: of a run that was killed, of a cache in which others are missing or damaged, and of one
    with other images, labels or splits. What is there ends as if all had been drawn anew.

    Args:
        folder: Where the cache is to be.
        sources: One per entry.
        recipe: What the arrays are.
        classes: All class names, in the order of their ids.
        inputs: Name -> sha256 of what the sources were made from.
        tensors: "disk" stores a file per tensor, "memory_map" one array per split.
        threads: Sources drawn at the same time.
        on_size: Called once, before anything is drawn, with how much disk space the tensors take
            and how much is free.
        may_be_empty: Whether it may end without a tensor, as a part of a larger cache.
        on_progress: Called with (done, total, name).

    Returns:
        The cache, and the images that could not be decoded with the reason; they are not in it.

    Raises:
        CacheError: a picture (or a person, or a window) comes twice, or there is none at all, or
            none that can be read (unless it may be empty), or the disk has not enough space for
            the tensors.
    """
    started = time.monotonic()
    asked = StoredTensors(recipe, tensors).as_json()
    if not sources and not may_be_empty:
        raise CacheError(f"{folder}: a cache must have at least one tensor. Received: no source.")
    _begin(folder, {"recipe": asked, "inputs": dict(inputs)})
    _refuse_twins([source.entry for source in sources])
    arrays_of = STORES[tensors](folder, recipe)
    there = sum(arrays_of.text(source.entry) is not None for source in sources)
    needed = space.space_of(folder, recipe, tensors=len(sources), there=there)
    space.require(needed, folder)
    if on_size:
        on_size(str(needed))
    entries, unreadable = [], {}
    work = partial(_draw, recipe=recipe, kept_in=arrays_of)
    results = in_order(work, sources, workers=threads)
    for done, (source, result) in enumerate(zip(sources, results, strict=True), 1):
        if isinstance(result, ImageError):
            unreadable[source.entry.source] = str(result)
        else:
            entry, arrays = result
            if arrays is None:
                arrays_of.keep(entry)
            else:
                arrays_of.put(entry, arrays)
            entries.append(entry)
        if on_progress:
            on_progress(done, len(sources), source.entry.source.name)
    if not entries and not may_be_empty:
        raise CacheError(f"{folder}: not one of {len(sources)} pictures could be read.")
    arrays_of.finish()
    stored = StoredTensors(recipe, tensors)
    return _finish(folder, stored, entries, classes, inputs, started), unreadable


def merge(
    folder: Path,
    parts: Sequence[Path],
    *,
    recipe: R,
    classes: Sequence[str],
    inputs: Mapping[str, str],
    tensors: Tensors = "disk",
    on_progress: ProgressCallback | None = None,
) -> Cache[R]:
    """Puts caches of neighbouring sources together: the result is that of `build` on them all.

    The parts stay as they are. Files of "disk" get a second name; those of "memory_map" are copied.

    Args:
        folder: Where the cache is to be.
        parts: Folders of finished caches of the same recipe, in the order of the sources.
        recipe: See `build`.
        classes: See `build`.
        inputs: See `build`.
        tensors: See `build`.
        on_progress: Called with (done, total, name).

    Raises:
        CacheError: a part is unfinished or damaged, a picture is in two of them, or there is none.
    """
    started = time.monotonic()
    stored = StoredTensors(recipe, tensors)
    caches = [open_cache(part) for part in parts]
    entries = [entry for cache in caches for entry in cache.entries]
    if not entries:
        raise CacheError(f"{folder}: not one picture of {len(parts)} parts could be read.")
    _refuse_twins(entries)
    _begin(folder, {"recipe": stored.as_json(), "inputs": dict(inputs)})
    arrays_of, done = STORES[tensors](folder, recipe), 0
    for cache in caches:
        store_of_part = STORES[tensors](cache.folder, recipe)
        for entry in cache.entries:
            arrays_of.adopt(entry, store_of_part)
            done += 1
            if on_progress:
                on_progress(done, len(entries), entry.source.name)
    arrays_of.finish()
    return _finish(folder, stored, entries, classes, inputs, started)


def _finish(
    folder: Path,
    stored: StoredTensors[R],
    entries: Sequence[Entry],
    classes: Sequence[str],
    inputs: Mapping[str, str],
    started: float,
) -> Cache[R]:
    """Writes the index, then the manifest; the arrays are there."""
    index.write(folder / INDEX, entries)
    recipe = stored.recipe
    built = Cache(folder, recipe, tuple(classes), tuple(entries), stored.tensors)
    manifest.write(
        folder,
        recipe=stored.as_json(),
        inputs=inputs,
        outputs=[folder / INDEX],
        counts={
            "classes": list(classes),
            recipe.UNIT: len({entry.source for entry in entries}),
            "learned": built.rows_digest(LEARNED_FROM),  # for whoever cannot read the index
        },
        seconds=time.monotonic() - started,
    )
    return open_cache(folder)


def open_cache(folder: Path) -> Cache[Any]:
    """Opens a finished cache.

    Raises:
        CacheError: unfinished, written by an older version, or its index was altered.
    """
    found, again = manifest.read(folder), command("train", "cache --config ...")
    if found is None:
        raise CacheError(f"{folder} is not a finished cache. Run: {again}")
    changed = manifest.altered(folder, found)
    if changed:
        raise CacheError(
            f"{folder} is damaged ({'; '.join(changed)}). Delete it and build it again."
        )
    recipe, entries = dict(found["recipe"]), index.read(folder / INDEX)
    tensors = recipe.pop("tensors", None)
    if tensors not in STORES or entries is None:
        raise CacheError(f"{folder} was written by an older version. Run: {again}")
    return Cache[Any](
        folder=folder,
        recipe=recipe_of(recipe),
        classes=tuple(found["counts"]["classes"]),
        entries=entries,
        tensors=tensors,
    )


def missing_tensors(folder: Path) -> list[str]:
    """Returns a line for each file that a finished cache needs and that is gone."""
    cache = open_cache(folder)
    return STORES[cache.tensors](folder, cache.recipe).missing(cache.entries)


def altered_tensors(folder: Path) -> list[str]:
    """Returns one line per tensor of a finished cache that has changed.

    Only files that were written after the manifest are read: the others are as it lists them.
    """
    finished = (folder / manifest.NAME).stat().st_mtime_ns
    files = [path for kind in ("npy", "txt") for path in (folder / FOLDER).glob(f"*.{kind}")]
    later = {path.name.split(".")[0] for path in files if path.stat().st_mtime_ns > finished}
    if not later:
        return []
    cache = open_cache(folder)
    arrays_of = STORES[cache.tensors](folder, cache.recipe)
    asked = (entry for entry in cache.entries if later & {entry.key, entry.split})
    return [
        f"{entry.key}: altered since it was written"
        for entry in asked
        if arrays_of.text(entry) != entry.text or arrays_of.kept(entry) != entry.sha256
    ]


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Leaves only tensors of this recipe, and a manifest only if it is of this very plan."""
    note = folder / STARTED
    differing = manifest.begun(note, plan)
    if differing == []:
        return
    if differing is None or not all(line.startswith("inputs.") for line in differing):
        remove_tree(folder / FOLDER)
    for name in (manifest.NAME, INDEX):
        (folder / name).unlink(missing_ok=True)
    atomic.write_json(note, plan)


def _refuse_twins(entries: Iterable[Entry]) -> None:
    times = Counter((entry.source, entry.person, entry.window) for entry in entries)
    twice = [str(source) for (source, *_), n in times.items() if n > 1]
    if twice:
        raise CacheError(f"A picture or clip must come once. Received twice: {', '.join(twice)}")


def _draw(source: Drawable, *, recipe: AnyRecipe, kept_in: TensorStore) -> Drawn:
    """Returns an entry and its arrays; the entry alone where the store has kept them."""
    entry = replace(source.entry, made_from=source.made_from)
    digest = kept_in.kept(entry)
    if digest:
        return replace(entry, sha256=digest), None
    try:
        arrays = source.draw(recipe)
    except ImageError as error:
        return error
    return replace(entry, sha256=digest_of(arrays)), arrays
