"""Coarse features of a pretrained backbone into an answer of half or a quarter of the image's size.

From the coarsest features on, each step doubles the size and adds the finer features; the help
(bones, or a heatmap) joins at every size but half of the image's. Training compares a pixel of the
answer with the target at its centre; `export` enlarges the answer.
"""

from collections.abc import Mapping
from typing import Any

from pose_activity.stage1_parts.models.layers import answer, convolve, layers, separate

_WIDTHS = {32: 128, 16: 128, 8: 64, 4: 48}  # channels by stride
_SKIPS = {16: 64, 8: 48, 4: 32}  # channels of the finer features that are added
_FINEST = 2  # of this stride a step is one convolution: most of the pixels are there
_FINEST_WIDTH = 24


def decode(features: Mapping[int, Any], help: Any, classes: int) -> Any:
    """Returns `(B, H / s, W / s, classes)` probabilities, s the least stride of the features.

    Args:
        features: By stride (a power of 2, down to 4 or 2), `(B, H / stride, W / stride, F)`.
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
    for stride in [stride for stride in strides[1:] if stride != _FINEST]:
        width = _WIDTHS[stride]
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{stride}")(x)
        x = convolve(x, width, f"narrow{stride}", kernel=1)
        finer = convolve(features[stride], _SKIPS[stride], f"skip{stride}", kernel=1)
        x = _joined([x, finer, *helps[stride]])
        x = separate(x, width, f"mix{stride}")
        x = separate(x, width, f"refine{stride}")
    return answer(_sharpened(x, features[_FINEST]) if _FINEST in features else x, classes)


def _sharpened(x: Any, finest: Any) -> Any:
    """Doubles the size once more, with features of half of the image's size."""
    x = convolve(x, _FINEST_WIDTH, f"narrow{_FINEST}", kernel=1)
    x = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{_FINEST}")(x)
    return separate(_joined([x, finest]), _FINEST_WIDTH, f"mix{_FINEST}")


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
