"""The rates and optimizers of the published comparison, and the default's."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from pose_activity.learning.fine_tuning import LayerwiseAdam

DECAYS = (1e-2, 1e-3, 1e-4, 1e-5)  # of "sgd_plateau", one after the other
_MOMENTUM = 0.9
_FLAT_EPOCHS, _FLAT, _SMOOTH = 50, 1e-3, 0.9


def build_optimizer(
    name: str,
    rate: Any,
    *,
    shares: Mapping[str, float],
    weight_decay: float = 0.0,
    ema: float = 0.0,
) -> keras.optimizers.Optimizer:
    """Builds an optimizer.

    Args:
        name: A value of `options.OptimizerName`.
        rate: See `optimization.rate`; of the last two names the rate of the first epoch.
        shares: Of "adam": see `LayerwiseAdam`.
        weight_decay: Likewise.
        ema: Likewise.

    Raises:
        ValueError: another name.
    """
    if name == "adam":
        return LayerwiseAdam(rate, shares=shares, decay=weight_decay, average=ema)
    if name == "nadam":
        return keras.optimizers.Nadam(rate)
    if name in ("sgd", "sgd_decay", "sgd_plateau"):
        return keras.optimizers.SGD(rate, momentum=_MOMENTUM, nesterov=name == "sgd")
    raise ValueError(
        f"optimizer must be one of adam, nadam, sgd, sgd_decay, sgd_plateau. Received: {name!r}"
    )


def decayed_rate(first: float, losses: Sequence[float], *, plateau: bool) -> float:
    """Returns the rate of the next epoch: first / (1 + decay k).

    k counts the epochs since the decay was taken. With `plateau` the next decay of `DECAYS` is
    taken, and k is 0 again, where the smoothed loss did not fall by a thousandth of itself in 50
    epochs; without it the first one stays.

    Args:
        first: Of the first epoch.
        losses: Of the epochs so far.
        plateau: See above.
    """
    place = k = waited = 0
    smooth = best = None
    for loss in losses:
        smooth = loss if smooth is None else _SMOOTH * smooth + (1 - _SMOOTH) * loss
        k += 1
        if best is None or smooth < best * (1 - _FLAT):
            best, waited = smooth, 0
        else:
            waited += 1
        if plateau and waited >= _FLAT_EPOCHS and place + 1 < len(DECAYS):
            place, k, waited, best = place + 1, 0, 0, smooth
    return first / (1 + DECAYS[place] * k)
