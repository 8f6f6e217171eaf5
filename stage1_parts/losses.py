"""How wrong an answer is: losses for targets that may be coarser than the classes.

A target is a number; which classes it can be says a membership matrix `(T, C)` (see
`cache.parts.PartsRecipe.membership`), so that data labelled with 7, 9 and 15 classes train one
network. Targets are `(B, H, W)`, answers `(B, h, w, C)` probabilities where h divides H: a pixel of
a coarse answer is compared with the target at its centre. `IGNORE` (255) weighs nothing.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from pose_activity.annotations.parts import IGNORE, PartScheme, hop_distances

ops: Any = keras.ops  # its own types say that everything may be None
_TINY = 1e-7
_PUBLISHED_REACH = 12  # by which the published code divides distances


def at_centres(targets: Any, answers: Any) -> Any:
    """Returns the targets `(B, h, w)` int32 at the centres of the answers' pixels."""
    down = targets.shape[1] // answers.shape[1], targets.shape[2] // answers.shape[2]
    return ops.cast(targets[:, down[0] // 2 :: down[0], down[1] // 2 :: down[1]], "int32")


class _OfParts(keras.losses.Loss):
    """What all have in common: they know the targets' members."""

    def __init__(self, membership: Any, **options: Any) -> None:
        super().__init__(**options)
        self.membership = np.asarray(membership, np.float32).tolist()

    def call(self, y_true, y_pred):
        """Returns the loss of a batch, `()`."""
        targets = at_centres(y_true, y_pred)
        known = ops.cast(targets != IGNORE, y_pred.dtype)
        members = ops.convert_to_tensor(self.membership, y_pred.dtype)
        targets = ops.minimum(targets, len(self.membership) - 1)
        return self.measure(targets, known, members, y_pred)

    def measure(self, targets: Any, known: Any, members: Any, answers: Any) -> Any:
        """Returns the loss `()` of targets `(B, h, w)`, counted where `known` is 1."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "membership": self.membership}


@keras.saving.register_keras_serializable(package="pose_activity")
class GroupCrossentropy(_OfParts):
    """-log of the summed probability of what the target can be, mean over the known pixels.

    Args:
        membership: `(T, C)` of 0 and 1.
        weights: By target, what its pixels weigh; None: all the same.
    """

    def __init__(
        self, membership: Any, weights: Sequence[float] | None = None, **options: Any
    ) -> None:
        super().__init__(membership, **options)
        self.weights = None if weights is None else [float(weight) for weight in weights]

    def measure(self, targets: Any, known: Any, members: Any, answers: Any) -> Any:
        """Returns the weighted mean."""
        if self.weights:
            known *= ops.take(ops.convert_to_tensor(self.weights, answers.dtype), targets)
        right = ops.sum(ops.take(members, targets, axis=0) * answers, axis=-1)
        return _mean(-ops.log(right + _TINY), known)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "weights": self.weights}


@keras.saving.register_keras_serializable(package="pose_activity")
class Dice(_OfParts):
    """1 - the mean overlap (Dice) of what is said and what is there, over the targets of a batch.

    Source: Milletari et al., "V-Net", 3DV 2016 (with squares in the denominator).
    """

    def measure(self, targets: Any, known: Any, members: Any, answers: Any) -> Any:
        """Returns a number in [0, 1]."""
        said = ops.matmul(answers, ops.transpose(members)) * known[..., None]
        there = ops.one_hot(targets, len(self.membership), dtype=answers.dtype)
        there *= known[..., None]
        pixels = (0, 1, 2)
        both = 2 * ops.sum(said * there, axis=pixels)
        all_of = ops.sum(said * said + there, axis=pixels)
        occurs = ops.cast(ops.sum(there, axis=pixels) > 0, answers.dtype)
        return 1 - _mean((both + _TINY) / (all_of + _TINY), occurs)


@keras.saving.register_keras_serializable(package="pose_activity")
class CrossentropyDice(_OfParts):
    """The sum of `GroupCrossentropy` and `Dice`: small parts weigh as much as large ones in half.

    Source: Isensee et al., "nnU-Net", Nature Methods 18, 2021.
    """

    def __init__(self, membership: Any, **options: Any) -> None:
        super().__init__(membership, **options)
        self._summands = GroupCrossentropy(membership), Dice(membership)

    def measure(self, targets: Any, known: Any, members: Any, answers: Any) -> Any:
        """Returns the sum."""
        return sum(one.measure(targets, known, members, answers) for one in self._summands)


@keras.saving.register_keras_serializable(package="pose_activity")
class PartDistance(_OfParts):
    """The published loss that knows which parts are neighbours.

    E = |onehot - p| per class, delta = E mu[true] + 1e-6, mean over pixels and classes of
    E + delta. Source: na018/awesome.skating.ai.

    Args:
        membership: `(T, C)`; each target that occurs must be one class.
        mu: `(C, C)`, see `distance_weights`.
    """

    def __init__(self, membership: Any, mu: Any, **options: Any) -> None:
        super().__init__(membership, **options)
        self.mu = np.asarray(mu, np.float32).tolist()

    def measure(self, targets: Any, known: Any, members: Any, answers: Any) -> Any:
        """Returns the mean over known pixels and all classes."""
        error = ops.abs(ops.take(members, targets, axis=0) - answers)
        own = ops.matmul(members, ops.convert_to_tensor(self.mu, answers.dtype))
        delta = error * ops.take(own, targets, axis=0) + 1e-6
        return _mean(ops.mean(error + delta, axis=-1), known)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "mu": self.mu}


@keras.saving.register_keras_serializable(package="pose_activity")
class SquaredError(_OfParts):
    """Mean of the squared differences from 0 and 1: the loss of the background network."""

    def measure(self, targets: Any, known: Any, members: Any, answers: Any) -> Any:
        """Returns the mean over known pixels and all classes."""
        difference = ops.take(members, targets, axis=0) - answers
        return _mean(ops.mean(difference * difference, axis=-1), known)


def distance_weights(scheme: PartScheme, mu: str) -> np.ndarray:
    """Returns how much each wrong class weighs, by the true one.

    Args:
        scheme: The classes.
        mu: "far": far mistakes cost more, d / the largest d (as the published text says); "near":
            1 - d / 12, they cost less (as the published code ends); d counts the steps between
            two parts over the body, see `annotations.parts.hop_distances`.

    Returns:
        `(C, C)` float32, row: true class; the background's row and column 1, the diagonal 0.

    Raises:
        ValueError: another `mu`.
    """
    if mu not in ("far", "near"):
        raise ValueError(f"mu must be 'far' or 'near'. Received: {mu!r}")
    hops = hop_distances(scheme).astype(np.float32)
    weights = hops / max(hops.max(), 1.0) if mu == "far" else 1 - hops / _PUBLISHED_REACH
    weights[0], weights[:, 0] = 1, 1
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)


def balance(pixels: np.ndarray) -> list[float]:
    """Returns weights by which rare targets weigh more: 1 / sqrt(share), their mean pixel 1.

    Args:
        pixels: `(T,)` how many pixels show each target.
    """
    shares = pixels / max(pixels.sum(), 1)
    weights = np.where(shares > 0, 1 / np.sqrt(np.maximum(shares, 1e-12)), 0.0)
    return (weights / max((weights * shares).sum(), 1e-12)).tolist()


def _mean(values: Any, weights: Any) -> Any:
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), _TINY)
