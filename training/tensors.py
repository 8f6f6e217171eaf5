"""The step `cache`: poses are found, planes drawn, tensors stored."""

from collections.abc import Sequence
from pathlib import Path

from annotations.activities import MPII_ACTIVITIES
from annotations.samples import read_samples
from cache import store
from cache.planes import Recipe
from configs import schema
from inference.progress import progress_bar
from training.poses import find_poses
from training.say import console, say_notes
from training.steps import Made, inputs_of, recipe_of


def make_cache(run: schema.Run, folder: Path) -> Made:
    """Draws every picture's planes and stores them."""
    recipe = Recipe.from_json(recipe_of(run, "cache"))
    listed = run.run_dir / "annotations" / "samples.jsonl"
    samples = read_samples(listed)
    images = [sample.image for sample in samples]
    poses, unreadable = {}, {}
    if recipe.needs_poses:
        found = find_poses(run, images, run.run_dir / "stage1", folder / "poses.parquet")
        poses, unreadable = found.poses, found.unreadable
    say_notes(unreadable.values())
    sources = [
        store.Source(s.image, s.activity, s.split, poses.get(s.image))
        for s in samples
        if s.activity and s.split and s.image not in unreadable
    ]
    if not sources:
        raise ValueError(f"Not one of {len(samples)} pictures could be read.")
    with progress_bar("drawing planes", console) as show:
        cache, undecodable = store.build(
            folder,
            sources,
            recipe=recipe,
            classes=_classes(run, {source.label for source in sources}),
            inputs=inputs_of(run, "cache"),
            threads=run.threads,
            on_progress=show,
        )
    say_notes(undecodable.values())
    counts = {"tensors": len(cache.entries), "unreadable": len(unreadable | undecodable)}
    return [folder / store.INDEX], counts


def _classes(run: schema.Run, labels: set[str]) -> Sequence[str]:
    """Returns MPII's 20 categories for MPII, else what there is, sorted."""
    real_mpii = run.data.format == "mpii" and not run.draw and labels <= set(MPII_ACTIVITIES)
    return MPII_ACTIVITIES if real_mpii else sorted(labels)
