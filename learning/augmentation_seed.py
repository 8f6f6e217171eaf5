"""What changes training examples, and the seed by which one is changed in one epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pose_activity.cache.record import Example

Augmentation = Callable[[Example, int], Example]  # with a seed
Change = Callable[[Any, int], Any]  # of an `Input` alone


def of_inputs(change: Change) -> Augmentation:
    """Returns an augmentation that changes inputs and leaves their targets as they are."""

    def augment(example: Example, seed: int) -> Example:
        return Example(change(example.x, seed), example.y)

    return augment


def training_seed(seed: int, epoch: int, index: int) -> int:
    """Returns the seed by which training changes one picture in one epoch.

    Args:
        seed: Of the whole training.
        epoch: Counted from 0 over all phases.
        index: Of the picture in the split "train".
    """
    return int(np.random.default_rng((seed, epoch, index)).integers(2**31))
