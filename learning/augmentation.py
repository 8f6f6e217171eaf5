"""What changes training tensors, and the seed by which one is changed in one epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np

Augmentation = Callable[[Any, int], Any]  # a network's input (`cache.record.Input`), and a seed


def training_seed(seed: int, epoch: int, index: int) -> int:
    """Returns the seed by which training changes one picture in one epoch.

    Args:
        seed: Of the whole training.
        epoch: Counted from 0 over all phases.
        index: Of the picture in the split "train".
    """
    return int(np.random.default_rng((seed, epoch, index)).integers(2**31))
