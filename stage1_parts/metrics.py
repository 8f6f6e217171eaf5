"""What a parts network measures of an epoch besides its loss: mIoU and body recall.

Where data of several levels of detail train one network, both are measured at the finest level on
which all of them agree: targets that share a class are one (see `common_groups`).
"""

from typing import Any

import keras
import numpy as np

from pose_activity.annotations.parts import IGNORE
from pose_activity.stage1_parts.losses import at_centres

ops: Any = keras.ops  # its own types say that everything may be None


def common_groups(membership: np.ndarray, occurring: np.ndarray) -> tuple[list[int], list[int]]:
    """Joins the targets that share a class.

    Args:
        membership: `(T, C)` of 0 and 1.
        occurring: `(T,)` bool: targets that the data have.

    Returns:
        The group of each target `(T,)`, and of each class `(C,)`; group 0 holds the background.
    """
    count = membership.shape[1]
    group = np.arange(count)
    for members in membership[occurring]:
        joined = np.unique(group[members > 0])
        group[np.isin(group, joined)] = joined[0]
    _, of_class = np.unique(group, return_inverse=True)
    of_target = of_class[membership.argmax(axis=1)]
    return of_target.tolist(), of_class.tolist()


class _Counted(keras.metrics.Metric):
    """Counts pixels by their true and their predicted group."""

    def __init__(
        self, of_target: list[int], of_class: list[int], name: str, dtype: Any = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.of_target, self.of_class = of_target, of_class
        self.groups = max(of_class) + 1
        shape = (self.groups, self.groups)
        self.counts = self.add_weight(shape=shape, initializer="zeros", name="counts")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch."""
        targets = ops.reshape(at_centres(y_true, y_pred), (-1,))
        truth = ops.take(
            ops.array(self.of_target, "int32"), ops.minimum(targets, len(self.of_target) - 1)
        )
        said = ops.reshape(ops.argmax(y_pred, axis=-1), (-1,))
        said = ops.take(ops.array(self.of_class, "int32"), said)
        pairs = self.groups**2  # the number after the last pair: pixels that count nowhere
        both = ops.where(targets == IGNORE, pairs, truth * self.groups + said)
        found = ops.bincount(both, minlength=pairs + 1)[:pairs]
        found = ops.reshape(ops.cast(found, self.dtype), (self.groups, self.groups))
        self.counts.assign_add(found)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        own = {"of_target": self.of_target, "of_class": self.of_class}
        return {**own, "name": self.name, "dtype": self.dtype}


@keras.saving.register_keras_serializable(package="pose_activity")
class MeanOverlap(_Counted):
    """mIoU over the groups that occur or were said; over all pixels of an epoch together."""

    def __init__(self, of_target, of_class, name: str = "miou", dtype: Any = None) -> None:
        super().__init__(of_target, of_class, name, dtype)

    def result(self):
        """Returns a number in [0, 1]."""
        right = ops.diagonal(self.counts)
        either = ops.sum(self.counts, axis=0) + ops.sum(self.counts, axis=1) - right
        occurs = ops.cast(either > 0, self.dtype)
        return ops.sum(right / ops.maximum(either, 1)) / ops.maximum(ops.sum(occurs), 1)


@keras.saving.register_keras_serializable(package="pose_activity")
class BodyRecall(_Counted):
    """Correct pixels of parts / all pixels of parts."""

    def __init__(self, of_target, of_class, name: str = "body_recall", dtype: Any = None) -> None:
        super().__init__(of_target, of_class, name, dtype)

    def result(self):
        """Returns a number in [0, 1]."""
        right = ops.sum(ops.diagonal(self.counts)[1:])
        return right / ops.maximum(ops.sum(self.counts[1:]), 1)
