"""Measures the search for near-duplicates: false alarms, and which altered copies it finds.

    python benchmarks/near_duplicates.py FOLDER

Prints every pair below FOLDER that is found (to be looked at: all but true ones are false alarms),
the seconds that the search takes, and the share of altered copies of 300 of the pictures that are
found as copies of theirs.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pose_activity.annotations.cleaning.near_duplicates import (  # noqa: E402
    find_near_duplicates,
    hash_picture,
    near_pairs,
)
from pose_activity.annotations.images import find_images, load_rgb, write_image  # noqa: E402

COPIES = 300


def cut(share: float) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function that cuts a share of each side off at every edge."""

    def apply(image: np.ndarray) -> np.ndarray:
        y, x = (int(share * side) for side in image.shape[:2])
        return image[y : image.shape[0] - y, x : image.shape[1] - x]

    return apply


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "compressed anew": lambda image: image,
    "half the size": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5),
    "squashed to 640x480": lambda image: cv2.resize(image, (640, 480)),
    "brighter by a fifth": lambda image: np.clip(image * 1.2 + 10, 0, 255).astype(np.uint8),
    "3 % cut at each edge": cut(0.03),
    "5 % cut at each edge": cut(0.05),
}


def main(folder: Path) -> None:
    """Measures and prints."""
    images = find_images(folder)
    started = time.perf_counter()
    found = find_near_duplicates(images, threads=2)
    seconds = time.perf_counter() - started
    pairs = len(images) * (len(images) - 1) // 2
    print(f"{len(images):,} pictures, {pairs:,} pairs, {seconds:.1f} s; {len(found):,} sets found:")
    for same in found:
        print("  " + " = ".join(path.name for path in same))
    chosen = np.random.default_rng(0).choice(len(images), min(COPIES, len(images)), replace=False)
    with tempfile.TemporaryDirectory() as scratch:
        for name, change in CHANGES.items():
            hits = [_is_found(images[i], change, Path(scratch) / "copy.jpg") for i in chosen]
            print(f"{name}: {np.mean(hits):.1%} found")


def _is_found(path: Path, change: Callable[[np.ndarray], np.ndarray], copy: Path) -> bool:
    write_image(copy, change(load_rgb(path)))
    both = hash_picture(path), hash_picture(copy)
    return None not in both and bool([*near_pairs(np.array(both, np.uint64))])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
