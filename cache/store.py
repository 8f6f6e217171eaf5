"""A cache of tensors: the manifest last, and a reader that trusts nothing.

    cache/index.parquet      key, image, label, split, person, sha256 of each tensor's bytes, window
    cache/tensors/           the tensors, as `tensors` says: see `STORES`
    cache/recipe.json        what the tensors that are there were made by
    cache/manifest.json      recipe, tensors, inputs, classes, counts; written when all is there

A key is made from the image's path (and the person), or from the clip's name and the window: one
image has one key in every run. Without the manifest a cache is unfinished; tensors that are already
there are then reused if their recipe is the same. The index is the same for every kind of
`tensors`, and so is what `load` returns.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np

from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.types import LEARNED_FROM, Poses
from pose_activity.artifacts import atomic, manifest
from pose_activity.artifacts.ordered import in_order
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.removal import remove_tree
from pose_activity.cache import index
from pose_activity.cache.memory_map import MemmapFiles
from pose_activity.cache.planes import Recipe, make
from pose_activity.cache.recompute import origin_of
from pose_activity.cache.record import INDEX, WHOLE, CacheError, Entry, digest_of, key_of
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.cache.storage import FOLDER, Nowhere, NpyFiles, TensorStore

STARTED = "recipe.json"
Drawn = tuple[Entry, np.ndarray | None] | ImageError  # no tensor: the shelf has kept it
Tensors = Literal["disk", "memory_map", "on_the_fly"]
R = TypeVar("R", Recipe, SequenceRecipe)
STORES: dict[Tensors, Callable[[Path, Any], TensorStore]] = {
    "disk": NpyFiles,
    "memory_map": MemmapFiles,
    "on_the_fly": lambda folder, recipe: Nowhere(origin_of(folder, recipe)),
}


@dataclass(frozen=True)
class Cache(Generic[R]):
    """A finished cache.

    Attributes:
        folder: Where it lies.
        recipe: What its tensors are: of pictures, or of clips.
        classes: All labels; a label's position is its class id.
        entries: In a fixed order.
        tensors: Where they lie, a key of `STORES`.
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
        """Returns the position of the entry's label in `classes`."""
        return self._ids[entry.label]

    def digest(self, splits: Iterable[str]) -> str:
        """Returns what changes with any tensor or label of these splits, and with nothing else."""
        wanted = {*splits}
        rows = [
            [entry.key, entry.label, entry.split, entry.sha256]
            for entry in self.entries
            if entry.split in wanted
        ]
        return manifest.sha256_json([rows, self.recipe.as_json(), self.classes])

    def load(self, entry: Entry, *, dtype: type | None = None, verify: bool = False) -> np.ndarray:
        """Reads one tensor.

        Args:
            entry: One of `entries`.
            dtype: None: as the recipe says. `np.float32` gives the same values.
            verify: Whether the checksum of its bytes is compared too (on the fly it always is).

        Returns:
            An array of the recipe's shape.

        Raises:
            CacheError: the tensor is missing, truncated, of another shape or altered, or the
                picture it is drawn from changed.
        """
        fix = f"Delete {self.folder / manifest.NAME} and run the cache step again."
        try:
            tensor = self._shelf.get(entry)
        except CacheError as error:
            raise CacheError(f"{error} {fix}") from None
        if verify and self.tensors != "on_the_fly" and digest_of(tensor) != entry.sha256:
            raise CacheError(f"The tensor of {entry.image} was altered after it was written. {fix}")
        return tensor.astype(dtype or self.recipe.dtype, copy=False)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    @cached_property
    def _shelf(self) -> TensorStore:
        return STORES[self.tensors](self.folder, self.recipe)


class Drawable(Protocol):
    """What `build` makes one tensor of: `TensorSpec`, or `cache.windows.ClipWindow`."""

    @property
    def entry(self) -> Entry:
        """The row of its tensor, while the digest is unknown."""
        ...

    def draw(self, recipe: Any) -> np.ndarray:
        """Returns the tensor; raises ImageError where its picture cannot be read."""
        ...


@dataclass(frozen=True)
class TensorSpec:
    """A picture, or a person in it.

    Attributes:
        image: The picture.
        label: Activity.
        split: "train", "val" or "test".
        poses: Stage 1's answer; None where no plane needs poses.
        person: Whom the tensor shows, an index into `poses`; None: the whole picture.
    """

    image: Path
    label: str
    split: str
    poses: Poses | None
    person: int | None = None

    @property
    def entry(self) -> Entry:
        """The row of its tensor, while the digest is unknown."""
        person = WHOLE if self.person is None else self.person
        key = key_of(self.image, person)
        return Entry(key, self.image, self.label, self.split, person, sha256="")

    def draw(self, recipe: Recipe) -> np.ndarray:
        """See `Drawable`."""
        return make(load_rgb(self.image), self.poses, recipe, self.person)


def build(
    folder: Path,
    sources: Sequence[Drawable],
    *,
    recipe: R,
    classes: Sequence[str],
    inputs: Mapping[str, str],
    tensors: Tensors = "disk",
    threads: int = 2,
    on_progress: ProgressCallback | None = None,
) -> tuple[Cache[R], dict[Path, str]]:
    """Makes all tensors, then the index, then the manifest.

    A run that was killed goes on where it stopped: a tensor that is whole was made by the same
    recipe and inputs (anything else is wiped first) and is kept. So is one of a finished cache in
    which others are missing or damaged.

    Args:
        folder: Where the cache is to lie.
        sources: One a tensor.
        recipe: What the tensors are.
        classes: All labels, in the order of their ids.
        inputs: Name -> sha256 of what the sources were made from.
        tensors: "disk" stores a file per tensor, "memory_map" one array per split, "on_the_fly"
            none: each is drawn once here, for its digest, and again whenever it is loaded, from
            what `cache.recompute` names, which must lie in `folder`.
        threads: Sources drawn at the same time.
        on_progress: Called with (done, total, name).

    Returns:
        The cache, and the pictures that could not be decoded with the reason; they are not in it.

    Raises:
        CacheError: a picture (or a person, or a window) comes twice, or there is none at all, or
            none that can be read.
    """
    started = time.monotonic()
    asked = {**recipe.as_json(), "tensors": tensors}
    if not sources:
        raise CacheError(f"{folder}: a cache must have at least one tensor. Received: no source.")
    _begin(folder, {"recipe": asked, "inputs": dict(inputs)})
    _refuse_twins(sources)
    shelf = STORES[tensors](folder, recipe)
    entries, unreadable = [], {}
    work = partial(_draw, recipe=recipe, shelf=shelf)
    results = in_order(work, sources, workers=threads)
    for done, (source, result) in enumerate(zip(sources, results, strict=True), 1):
        if isinstance(result, ImageError):
            unreadable[source.entry.image] = str(result)
        else:
            entry, tensor = result
            if tensor is not None:
                shelf.put(entry, tensor)
            entries.append(entry)
        if on_progress:
            on_progress(done, len(sources), source.entry.image.name)
    if not entries:
        raise CacheError(f"{folder}: not one of {len(sources)} pictures could be read.")
    shelf.finish()
    unit = "clips" if isinstance(recipe, SequenceRecipe) else "images"
    index.write(folder / INDEX, entries)
    built = Cache(folder, recipe, tuple(classes), tuple(entries), tensors)
    manifest.write(
        folder,
        recipe=asked,
        inputs=inputs,
        outputs=[folder / INDEX],
        counts={
            "classes": list(classes),
            unit: len({entry.image for entry in entries}),
            "learned": built.digest(LEARNED_FROM),  # for whoever cannot read the index
        },
        seconds=time.monotonic() - started,
    )
    return open_cache(folder), unreadable


def open_cache(folder: Path) -> Cache[Any]:
    """Opens a finished cache.

    Raises:
        CacheError: unfinished, written by an older version, or its index was altered.
    """
    found = manifest.read(folder)
    if found is None:
        raise CacheError(f"{folder} is no finished cache. Run: python train.py cache --config ...")
    changed = manifest.altered(folder, found)
    if changed:
        raise CacheError(
            f"{folder} is damaged ({'; '.join(changed)}). Delete it and build it again."
        )
    recipe, entries = dict(found["recipe"]), index.read(folder / INDEX)
    if "tensors" not in recipe or entries is None:
        raise CacheError(
            f"{folder} was written by an older version. Run: python train.py cache --config ..."
        )
    tensors = recipe.pop("tensors")
    read_recipe = SequenceRecipe.from_json if "kind" in recipe else Recipe.from_json
    return Cache[Any](
        folder=folder,
        recipe=read_recipe(recipe),
        classes=tuple(found["counts"]["classes"]),
        entries=entries,
        tensors=tensors,
    )


def missing_tensors(folder: Path) -> list[str]:
    """Returns a line for each file that a finished cache needs and that is gone."""
    cache = open_cache(folder)
    return STORES[cache.tensors](folder, cache.recipe).missing(cache.entries)


def altered_tensors(folder: Path) -> list[str]:
    """Returns a line for each tensor of a finished cache that is not what it was.

    Only files that were written after the manifest are read: the others are what it speaks of.
    """
    finished = (folder / manifest.NAME).stat().st_mtime_ns
    files = [path for kind in ("npy", "txt") for path in (folder / FOLDER).glob(f"*.{kind}")]
    later = {path.name.split(".")[0] for path in files if path.stat().st_mtime_ns > finished}
    if not later:
        return []
    cache = open_cache(folder)
    shelf = STORES[cache.tensors](folder, cache.recipe)
    asked = (entry for entry in cache.entries if later & {entry.key, entry.split})
    return [
        f"{entry.key}: altered since it was written"
        for entry in asked
        if shelf.kept(entry) != entry.sha256
    ]


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Leaves in `folder` only tensors that were made by this very plan."""
    note = folder / STARTED
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) == json.loads(
        json.dumps(plan)
    ):
        return
    remove_tree(folder / FOLDER)
    for name in (manifest.NAME, INDEX):
        (folder / name).unlink(missing_ok=True)
    atomic.write_json(note, plan)


def _refuse_twins(sources: Iterable[Drawable]) -> None:
    entries = [source.entry for source in sources]
    times = Counter((entry.image, entry.person, entry.window) for entry in entries)
    twice = [str(image) for (image, *_), n in times.items() if n > 1]
    if twice:
        raise CacheError(f"A picture or clip must come once. Received twice: {', '.join(twice)}")


def _draw(source: Drawable, *, recipe: Recipe | SequenceRecipe, shelf: TensorStore) -> Drawn:
    """Returns a tensor and its entry; the entry alone where the shelf has kept the tensor."""
    entry = source.entry
    digest = shelf.kept(entry)
    if digest:
        return replace(entry, sha256=digest), None
    try:
        tensor = source.draw(recipe)
    except ImageError as error:
        return error
    return replace(entry, sha256=digest_of(tensor)), tensor
