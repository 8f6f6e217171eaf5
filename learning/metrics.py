"""What a network can measure of an epoch besides loss and accuracy."""

from typing import Any

import keras

from pose_activity.learning.history import VALIDATION, Monitor
from pose_activity.learning.scoring import shares_of


@keras.saving.register_keras_serializable(package="pose_activity")
class MacroF1(keras.metrics.F1Score):
    """Plain mean of the classes' F1, over the classes that occur or were predicted.

    Of class ids `(B, ...)`, or shares `(B, C)`, and probabilities `(B, ..., C)`; the most probable
    class is predicted, the largest share is true.
    """

    def __init__(self, name: str = "macro_f1", dtype: Any = None) -> None:
        super().__init__(average=None, name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Counts a batch."""
        classes = y_pred.shape[-1]
        truth: Any = keras.ops.argmax(shares_of(y_true, y_pred), axis=-1)
        truth = keras.ops.one_hot(truth, classes)
        super().update_state(truth, keras.ops.reshape(y_pred, (-1, classes)), sample_weight)

    def result(self):
        """Returns a number in [0, 1]."""
        per_class: Any = super().result()
        counts: Any = self.true_positives + self.false_positives + self.false_negatives
        counted = keras.ops.cast(counts > 0, self.dtype)
        total: Any = keras.ops.sum(per_class * counted)
        return total / keras.ops.sum(counted)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {"name": self.name, "dtype": self.dtype}


def metrics_for(monitor: Monitor) -> list[str | keras.metrics.Metric]:
    """Returns new metrics of a classifier: its accuracy, and what the monitor asks for."""
    asked = monitor.metric.removeprefix(VALIDATION)
    return ["accuracy", *([MacroF1()] if asked == "macro_f1" else [])]
