"""Coarse features of a pretrained backbone into an answer of a quarter of the image's size.

From the coarsest features on, each step doubles the size and adds the finer features; the help
(bones, or a heatmap) joins at every size. Training compares a pixel of the answer with the target
at its centre; `export` enlarges the answer.
"""

from collections.abc import Mapping
from typing import Any

from pose_activity.stage1_parts.models.layers import answer, convolve, layers, separate

_WIDTHS = {32: 128, 16: 128, 8: 64, 4: 48}  # channels by stride
_SKIPS = {16: 64, 8: 48, 4: 32}  # channels of the finer features that are added


def decode(features: Mapping[int, Any], help: Any, classes: int) -> Any:
    """Returns `(B, H / 4, W / 4, classes)` probabilities.

    Args:
        features: By stride (a power of 2, down to 4), `(B, H / stride, W / stride, F)`.
        help: `(B, H, W, C)`, or None.
        classes: How many.
    """
    strides = sorted(features, reverse=True)
    helps = _shrunk(help, strides)
    coarsest = strides[0]
    x = _joined([features[coarsest], *helps[coarsest]])
    x = convolve(x, _WIDTHS[coarsest], f"enter{coarsest}", kernel=1)
    y = separate(x, _WIDTHS[coarsest], f"around{coarsest}", kernel=5)
    y = separate(y, _WIDTHS[coarsest], f"beyond{coarsest}", kernel=5)
    x = layers.Add(name=f"sum{coarsest}")([x, y])
    for stride in strides[1:]:
        width = _WIDTHS[stride]
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{stride}")(x)
        x = convolve(x, width, f"narrow{stride}", kernel=1)
        finer = convolve(features[stride], _SKIPS[stride], f"skip{stride}", kernel=1)
        x = _joined([x, finer, *helps[stride]])
        x = separate(x, width, f"mix{stride}")
        x = separate(x, width, f"refine{stride}")
    return answer(x, classes)


def _joined(some: list[Any]) -> Any:
    return some[0] if len(some) == 1 else layers.Concatenate()(some)


def _shrunk(help: Any, strides: list[int]) -> dict[int, list[Any]]:
    """Returns the mean of the help over each pixel of a stride; [] without help."""
    if help is None:
        return dict.fromkeys(strides, [])
    found, before = {}, 1
    for stride in reversed(strides):
        help = layers.AveragePooling2D(stride // before, name=f"help{stride}")(help)
        found[stride], before = [help], stride
    return found
