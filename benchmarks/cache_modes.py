"""What each kind of `cache.tensors` costs: bytes on disk, pictures a second to build and to read.

    python benchmarks/cache_modes.py PHOTOS [--run RUN] [--count 300] [--size 640x480]

All kinds are built from the same photos in one process, then read in turns, in random order,
through the batches that training reads (each tensor's checksum is compared, nothing is augmented).
Planes are RGB and the heatmap of the poses that RUN's stage 1 finds; without --run, RGB alone.
Everything stays in the system's file cache, so a slow disk shows in neither column. Prints a table.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pose_activity.annotations.images import find_images  # noqa: E402
from pose_activity.cache import poses, store  # noqa: E402
from pose_activity.cache.planes import PoseModelId, Recipe  # noqa: E402
from pose_activity.cache.tensor_spec import TensorSpec  # noqa: E402
from pose_activity.stage1_pose import predict  # noqa: E402

BATCH, ROUNDS = 32, 3


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--size", default="640x480")
    asked = parser.parse_args()
    every = find_images(asked.photos)
    images = every[:: max(1, len(every) // asked.count)][: asked.count]
    width, height = (int(number) for number in asked.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe, found = prepare(folder, images, asked.run, width, height)
        sources = [
            TensorSpec(image, image.parent.name, "train", found.get(image)) for image in images
        ]
        measure(folder, sources, recipe)


def prepare(folder: Path, images: list[Path], run: Path | None, width: int, height: int):
    """Finds the poses, once for all kinds; returns the recipe and the poses by picture."""
    if run is None:
        return Recipe(("rgb",), width=width, height=height), {}
    stage1 = predict.load(run / "stage1", threads=2)
    settings = PoseModelId(sha256=stage1.sha256, size=stage1.size)
    found = poses.find(folder / poses.FILE, images, stage1, source=settings.asked)
    return Recipe(width=width, height=height, pose=settings), found.poses


def measure(folder: Path, sources: list[TensorSpec], recipe: Recipe) -> None:
    """Builds every kind and reads it; the fastest of some rounds counts."""
    classes = sorted({source.label for source in sources})
    caches, built, read = {}, {}, dict.fromkeys(store.STORES, 0.0)
    for kind in store.STORES:
        target = folder / kind
        target.mkdir()
        started = time.perf_counter()
        caches[kind], _ = store.build(
            target, sources, recipe=recipe, classes=classes, inputs={}, tensors=kind
        )
        built[kind] = len(sources) / (time.perf_counter() - started)
    for number in range(ROUNDS):
        for kind, cache in caches.items():
            read[kind] = max(read[kind], read_rate(cache, epoch=number))
    print(f"{len(sources)} photos, {recipe.width}x{recipe.height}, {' + '.join(recipe.planes)}\n")
    print("| cache.tensors | MB on disk | built, images/s | read, images/s | read, ratio to disk |")
    print("|---|---|---|---|---|")
    for kind in store.STORES:
        size = sum(path.stat().st_size for path in (folder / kind).rglob("*") if path.is_file())
        ratio = read[kind] / read["disk"]
        print(f"| {kind} | {size / 1e6:.1f} | {built[kind]:.0f} | {read[kind]:.0f} | {ratio:.2f} |")


def read_rate(cache: store.Cache, *, epoch: int) -> float:
    """Returns the images a second of one epoch of training batches."""
    from pose_activity.learning.batches import train_batches

    batches = train_batches(cache, batch=BATCH, seed=0, epoch=lambda: epoch, augmentation=None)
    started = time.perf_counter()
    count = sum(len(labels) for _, labels in batches)
    return count / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
