"""The loss and the accuracy of classifiers, for targets that are class ids or shares of classes.

Targets are `(B,)` int class ids, or `(B, C)` float32 shares that sum to 1, as where two examples
are mixed; answers are `(B, C)` probabilities. A validation tensor's target is an id always.
"""

from collections.abc import Sequence
from typing import Any

import keras

ops: Any = keras.ops  # its own types say that everything may be None


@keras.saving.register_keras_serializable(package="pose_activity")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy with smoothed labels, and what lets rare or hard examples weigh more.

    Source of `focus`: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017.

    Args:
        smoothing: Share of the truth that is spread over all classes, in [0, 1).
        focus: An example's loss is multiplied by (1 - p)^focus, p being the probability of the
            truth; 0: by nothing.
        weights: By class id, what an example's loss is multiplied by; None: nothing.
    """

    def __init__(
        self,
        smoothing: float = 0.0,
        focus: float = 0.0,
        weights: Sequence[float] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.smoothing, self.focus = smoothing, focus
        self.weights = None if weights is None else [float(weight) for weight in weights]

    def call(self, y_true, y_pred):
        """Returns `(B,)`."""
        truth = shares_of(y_true, y_pred)
        loss = keras.losses.categorical_crossentropy(truth, y_pred, label_smoothing=self.smoothing)
        if self.focus:
            loss *= (1 - ops.clip(ops.sum(truth * y_pred, axis=-1), 0.0, 1.0)) ** self.focus
        if self.weights:
            loss *= ops.sum(truth * ops.cast(self.weights, y_pred.dtype), axis=-1)
        return loss

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        own = {"smoothing": self.smoothing, "focus": self.focus, "weights": self.weights}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="pose_activity")
def accuracy(y_true, y_pred):
    """Returns `(B,)`: 1 where the most probable class is the truth's largest share."""
    truth = ops.argmax(shares_of(y_true, y_pred), axis=-1)
    return ops.cast(truth == ops.argmax(y_pred, axis=-1), "float32")


def shares_of(y_true: Any, y_pred: Any) -> Any:
    """Returns `(B, C)` shares of either kind of target."""
    classes = y_pred.shape[-1]
    if len(y_true.shape) == 2 and y_true.shape[-1] == classes:
        return ops.cast(y_true, y_pred.dtype)
    ids = ops.reshape(ops.cast(y_true, "int32"), (-1,))
    return ops.one_hot(ids, classes, dtype=y_pred.dtype)
