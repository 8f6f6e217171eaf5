"""HPNet: the published network that looks at four resolutions at once, and two variants of it.

Stages of branches L, M, S, XS (full size, 1/5, 1/8, 1/20); each sums what the one before found.
Every convolution is followed by batch normalisation and SELU; nothing is pooled: a convolution of
kernel k and stride k goes down by k, a transposed one up. Source: na018/awesome.skating.ai.

    hpnet           as published: four stages
    hpnet_3         without the last stage
    hpnet_strided   goes down and up by factors of two (1/4, 1/8, 1/16), kernels of 3
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Any

import keras

from pose_activity.stage1_parts.models.layers import answer, layers, pixels, scaled

_LOCAL = (16, 16, 36)  # filters of L
_ENDS = 36  # of what goes down and up
_MOMENTUM = 0.01  # of batch normalisation


@dataclass(frozen=True)
class _Branch:
    """A resolution of a stage.

    Attributes:
        name: "M", "S" or "XS".
        filters: Of its convolutions, between down and up.
        of_image: Whether it sees the image, not what the stage before found.
    """

    name: str
    filters: tuple[int, ...]
    of_image: bool = False


_STAGES: tuple[tuple[_Branch, ...], ...] = (  # after the first, which is L of the image
    (_Branch("M", (64, 36, 36), True),),
    (_Branch("M", (64, 36, 36, 36)), _Branch("S", (121, 64, 64, 36), True)),
    (
        _Branch("M", (64, 36, 36, 36)),
        _Branch("S", (121, 121, 64, 36)),
        _Branch("XS", (256, 121, 64, 64)),
    ),
)
_FACTORS = {"hpnet_strided": {"M": 4, "S": 8, "XS": 16}}
_PUBLISHED = {"M": 5, "S": 8, "XS": 20}


def build(
    *,
    height: int | None,
    width: int | None,
    planes: tuple[str, ...],
    classes: int,
    weights: Path | None = None,
    name: str = "hpnet",
) -> keras.Model:
    """Builds the network; see `registry.build`.

    Args:
        height: A multiple of 40 (hpnet_strided: 16).
        width: Likewise.
        planes: See `layers.pixels`.
        classes: How many; 9 as published.
        weights: None: there are none.
        name: One of the header's.
    """
    factors = _FACTORS.get(name, _PUBLISHED)
    stages = _STAGES[:2] if name == "hpnet_3" else _STAGES
    used = {branch.name for stage in stages for branch in stage}
    multiple = lcm(*(factors[one] for one in used))
    inputs, picture, help = pixels(height, width, planes, multiple=multiple)
    image = scaled(picture, help)
    first = seen = _chain(image, _LOCAL, "I")
    found: list[Any] = []
    for number, stage in enumerate(stages, start=2):
        found = [_chain(seen, _LOCAL, f"L{number}")]
        for branch in stage:
            x = image if branch.of_image else seen
            found.append(_look(x, branch, f"{branch.name}{number}", factors[branch.name], name))
        if stage is not stages[-1]:
            seen = layers.Add(name=f"A{number}")([*found, first])
    x = layers.Concatenate(name="all")(found)
    return keras.Model(inputs, answer(x, classes, kernel=3), name=name)


def _look(x: Any, branch: _Branch, name: str, factor: int, network: str) -> Any:
    """Returns what a branch finds, at the full size."""
    steps = _halvings(factor) if network == "hpnet_strided" else [(factor, factor)]
    for place, (kernel, stride) in enumerate(steps):
        x = _follow(
            layers.Conv2D(
                _ENDS, kernel, strides=stride, padding="same", name=f"{name}_down{place}"
            )(x)
        )
    x = _chain(x, branch.filters, name)
    for place, (kernel, stride) in enumerate(reversed(steps)):
        x = _follow(
            layers.Conv2DTranspose(
                _ENDS, kernel, strides=stride, padding="same", name=f"{name}_up{place}"
            )(x)
        )
    return x


def _halvings(factor: int) -> list[tuple[int, int]]:
    return [(3, 2)] * (factor.bit_length() - 1)


def _chain(x: Any, filters: Sequence[int], name: str) -> Any:
    for place, count in enumerate(filters):
        x = _follow(layers.Conv2D(count, 3, padding="same", name=f"{name}_{place}")(x))
    return x


def _follow(x: Any) -> Any:
    return layers.Activation("selu")(layers.BatchNormalization(momentum=_MOMENTUM)(x))
