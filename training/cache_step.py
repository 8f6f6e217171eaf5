"""The step `cache` as every kind of run has it: how its tensors are made, and which are lost."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pose_activity.artifacts import manifest
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.shards import UNDIVIDED, Shard
from pose_activity.cache import fingerprint, store
from pose_activity.cache.record import INDEX
from pose_activity.cache.store import (
    Cache,
    StoredTensors,
    Tensors,
    altered_tensors,
    missing_tensors,
    open_cache,
)
from pose_activity.runtime.progress import progress_bar
from pose_activity.training.console import console, say
from pose_activity.training.steps import Counts, MadeFrom, Sharding, Step


class CacheMaker(Protocol):
    """Makes a cache of items that know nothing of each other: all at once, or shard by shard."""

    @property
    def items(self) -> Sequence[Any]:
        """What it is made of, in order."""
        ...

    def draw(
        self, folder: Path, asked: MadeFrom, items: Sequence[Any], shard: Shard = UNDIVIDED
    ) -> Counts:
        """Makes and stores the tensors of these items, which are one shard of all."""
        ...

    def merge(self, folder: Path, asked: MadeFrom, parts: Sequence[Path]) -> Counts:
        """Puts the parts of all shards, in order, together."""
        ...


def make_with(maker: Callable[[], CacheMaker]) -> Callable[..., Counts]:
    """Returns a step's `make` that draws all items, or merges `parts` where there are any."""

    def make(folder: Path, asked: MadeFrom, *, parts: Sequence[Path] = ()) -> Counts:
        made = maker()
        return made.merge(folder, asked, parts) if parts else made.draw(folder, asked, made.items)

    return make


def shards_with(
    maker: Callable[[], CacheMaker], inputs: Callable[[Shard], dict[str, str]]
) -> Sharding:
    """Returns how shards of the items are made; what they need is loaded once for all of them."""

    def part_maker() -> Callable[[Path, MadeFrom, Shard], Counts]:
        made = maker()
        return lambda folder, asked, shard: made.draw(folder, asked, shard.take(made.items), shard)

    return Sharding(inputs, part_maker)


def build_tensors(
    folder: Path,
    asked: MadeFrom[StoredTensors],
    specs: Sequence[Any],
    *,
    classes: Sequence[str],
    threads: int,
    shard: Shard,
    title: str,
) -> tuple[Cache, dict[Path, str]]:
    """Stores tensors under a progress bar; see `cache.store.build`. A shard may have none."""
    with progress_bar(title, console) as show:
        return store.build(
            folder,
            specs,
            recipe=asked.recipe.recipe,
            classes=classes,
            inputs=asked.inputs,
            tensors=asked.recipe.tensors,
            threads=threads,
            on_size=say,
            may_be_empty=shard != UNDIVIDED,
            on_progress=show,
        )


def merge_tensors(
    folder: Path,
    asked: MadeFrom[StoredTensors],
    parts: Sequence[Path],
    *,
    classes: Sequence[str],
    counted: Sequence[str],
) -> Counts:
    """Puts the tensors of all parts together, under a progress bar.

    Returns:
        The sums of what the parts `counted`, by name.
    """
    with progress_bar("merging parts", console) as show:
        store.merge(
            folder,
            parts,
            recipe=asked.recipe.recipe,
            classes=classes,
            inputs=asked.inputs,
            tensors=asked.recipe.tensors,
            on_progress=show,
        )
    counts = [counts_of(part) for part in parts]
    return {name: sum(one[name] for one in counts) for name in counted}


def counts_of(part: Path) -> Counts:
    """Returns what a finished part counted."""
    return dict(manifest.read_finished(part)["counts"])


def cache_step(
    run_dir: Path,
    recipe: Callable[[], Any],
    inputs: Callable[[], dict[str, str]],
    make: Callable[..., Counts],
    *,
    tensors: Tensors,
    files: tuple[str, ...],
    external_inputs: Mapping[str, Callable[[], str]],
    sharding: Sharding | None = None,
) -> Step:
    """Returns the step; it imports neither torch nor TensorFlow.

    Args:
        run_dir: The run folder.
        recipe: Returns what the tensors are to be, a value of `cache.recipes.RECIPES`.
        inputs: See `Step`.
        make: See `Step`.
        tensors: How they are stored, a key of `cache.store.STORES`.
        files: See `Step`.
        external_inputs: See `Step`.
        sharding: See `Step`.
    """
    folder = run_dir / "cache"

    def stored() -> StoredTensors:
        return StoredTensors(fingerprint.sign(recipe(), folder), tensors)

    def lost() -> list[str]:
        return missing_tensors(folder) or altered_tensors(folder)

    return Step("cache", stored, inputs, make, files, external_inputs, lost, sharding, apart=False)


def digest_of_cache(run_dir: Path) -> str:
    """Returns what changes when a finished cache does: of its tensors, recipe or classes."""
    cache = open_cache(run_dir / "cache")
    index = sha256_file(cache.folder / INDEX)
    return sha256_json([index, cache.recipe.as_json(), cache.classes])
