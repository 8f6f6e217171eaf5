"""Times what has a promised limit: drawing a heatmap, and reading MPII's release file.

    python benchmarks/basics.py [RELEASE.mat]

Prints seconds beside each limit, the drawing's also as a ratio to a full-frame Gaussian.
"""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pose_activity.annotations.readers.mpii import read_mpii  # noqa: E402
from pose_activity.annotations.skeleton import COCO17  # noqa: E402
from pose_activity.cache.heatmap import draw  # noqa: E402
from pose_activity.cache.options import Style  # noqa: E402

SHAPE = (480, 640)


def best_of(work: Callable[[], object], *, repeats: int = 50) -> float:
    """Returns the shortest of some runs, in seconds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def full_frame(keypoints: np.ndarray, sigma: float) -> np.ndarray:
    """The straightforward way: every blob over the whole plane."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    plane = np.zeros(SHAPE, np.float32)
    for px, py, v in keypoints.reshape(-1, 3):
        blob = v * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2))
        plane = np.maximum(plane, blob)
    return (255 * plane).astype(np.uint8)


def main() -> None:
    """Measures and prints."""
    rng = np.random.default_rng(0)
    keypoints = rng.uniform((60, 60, 0.5), (580, 420, 1), (2, 17, 3)).astype(np.float32)
    slow = best_of(lambda: full_frame(keypoints, 8.0), repeats=3)
    for name in ("skeleton", "gaussian"):
        style = Style(style=name)
        seconds = best_of(lambda style=style: draw(keypoints, COCO17, SHAPE, style))
        ratio = slow / seconds
        print(
            f"{name}, two people at 640x480: {1e3 * seconds:.2f} ms (limit 1), {ratio:.0f} x full"
        )
    if len(sys.argv) > 1:
        started = time.perf_counter()
        count = sum(1 for _ in read_mpii(Path(sys.argv[1]), None))
        seconds = time.perf_counter() - started
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{count} entries: {seconds:.1f} s (limit 15), {memory:.2f} GB (limit 1)")


if __name__ == "__main__":
    main()
