"""Adapter, backbone, pooling and head joined into a classifier of one tensor, or of several views.

Pixels come in 0..255. Layers that others know by name: `adapter` (and `adapter_VIEW` of a second
view), `backbone`, which all views share, `dropout`, `head`; the pooling is `pool`, or of views
`mean_VIEW` and `max_VIEW`, joined by `features`.

Each plane of a view goes through the backbone as a picture of its own, as `frozen.layout` has it,
so that a head which was fitted on frozen features fits. RGB goes through the view's adapter, which
may draw the other planes onto it as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import keras

from pose_activity.backbones import registry
from pose_activity.cache.options import Plane
from pose_activity.cache.planes import CHANNELS, FOUND
from pose_activity.stage2_classifier.models.images.adapter import (
    AdapterStart,
    PickChannels,
    build_adapter,
)

Pooling = Literal["mean", "max"]
POOLS = {
    "mean": keras.layers.GlobalAveragePooling2D,
    "max": keras.layers.GlobalMaxPooling2D,
}


def build(
    model: str,
    *,
    height: int,
    width: int,
    planes: tuple[Plane, ...],
    classes: int,
    weights: Path | None = None,
    adapter_start: AdapterStart = "identity",
    dropout: float = 0.2,
) -> keras.Model:
    """Builds a classifier of one tensor: adapter, backbone, average pooling, head.

    Args:
        model: A key of `backbones.registry.MODELS`.
        height: Of the input, in pixels.
        width: Of the input, in pixels.
        planes: Names from `cache.planes.CHANNELS`.
        classes: Number of activities.
        weights: From `registry.find_weights`; None for a random start.
        adapter_start: See the header of `adapter`.
        dropout: Share of the features left out in training.

    Returns:
        A model from float32 `(B, height, width, C)` in 0..255 to `(B, classes)` probabilities.

    Raises:
        ValueError: there is no such model or start, or its weights do not fit.
    """
    return assemble(
        build_adapter(height=height, width=width, planes=planes, start=adapter_start),
        registry.build_backbone(model, height=height, width=width, weights=weights),
        classes=classes,
        dropout=dropout,
        name=model,
    )


def assemble(
    adapter: keras.Model, backbone: keras.Model, *, classes: int, dropout: float, name: str
) -> keras.Model:
    """Joins adapter -> backbone -> average pooling -> dropout -> softmax.

    Args:
        adapter: See `build_adapter`.
        backbone: From `(B, H, W, 3)` pixels in 0..255 to `(B, h, w, features)`.
        classes: Number of activities.
        dropout: Share of the features that training leaves out, in [0, 1).
        name: Of the whole model.

    Returns:
        A model from `(B, H, W, C)` to `(B, classes)` probabilities.
    """
    pool = POOLS["mean"](name="pool")
    inputs = keras.Input(adapter.input_shape[1:], name="planes")
    outputs = _answer(pool(backbone(adapter(inputs))), classes, dropout)
    return keras.Model(inputs, outputs, name=name)


def build_views(
    model: str,
    views: Mapping[str, tuple[Plane, ...]],
    *,
    sizes: Mapping[str, tuple[int, int]] | None = None,
    pooling: Sequence[Pooling],
    found: bool,
    classes: int,
    weights: Path | None = None,
    adapter_start: AdapterStart = "branch",
    dropout: float = 0.2,
) -> keras.Model:
    """Joins views by one backbone: their planes are pooled, what is pooled goes into one head.

    Args:
        model: A key of `backbones.registry.MODELS`.
        views: Input's name -> its planes, names from `cache.planes.CHANNELS`, in the order of the
            channels; the views in the order of the features.
        sizes: Input's name -> its height and width, in pixels; None: any.
        pooling: What is joined of each plane; its mean first.
        found: Whether an input `found` `(B, 1)`, 0 or 1, is the last feature.
        classes: Number of activities.
        weights: From `registry.find_weights`; None for a random start.
        adapter_start: See `build_adapter`.
        dropout: Share of the features that training leaves out, in [0, 1).

    Returns:
        A model to `(B, classes)` probabilities: from `(B, H, W, C)` where there is one view and no
        `found`, else from a dict of arrays by name. The rows of the head's kernel are, for each
        view and plane, F features pooled in each way, then `found`.

    Raises:
        ValueError: there is no such model or start, or its weights do not fit.
    """
    backbone = registry.build_backbone(model, height=None, width=None, weights=weights)
    inputs, parts = {}, []
    for number, (view, planes) in enumerate(views.items()):
        height, width = sizes[view] if sizes else (None, None)
        adapter = build_adapter(
            height=height,
            width=width,
            planes=planes,
            start=adapter_start,
            name=f"adapter_{view}" if number else "adapter",
        )
        inputs[view] = keras.Input(adapter.input_shape[1:], name=view)
        for plane, picture in _pictures(inputs[view], adapter, planes):
            seen = backbone(picture)
            name = view if plane == _shown_first(planes) else f"{plane}_of_{view}"
            parts += [POOLS[way](name=f"{way}_{name}")(seen) for way in POOLS if way in pooling]
    if found:
        inputs[FOUND] = keras.Input((1,), name=FOUND)
        parts.append(inputs[FOUND])
    joined = keras.layers.Concatenate(name="features")(parts) if parts[1:] else parts[0]
    ends = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    return keras.Model(ends, _answer(joined, classes, dropout), name=model)


def _pictures(
    view: Any, adapter: keras.Model, planes: tuple[Plane, ...]
) -> Iterator[tuple[Plane, Any]]:
    """Yields each plane, and what the backbone is to see of it."""
    first = 0
    for plane in planes:
        if plane == _shown_first(planes):
            yield plane, adapter(view)
        else:
            grey = PickChannels((first,) * 3, name=f"{plane}_of_{adapter.name}")
            yield plane, grey(view)
        first += CHANNELS[plane]


def _shown_first(planes: tuple[Plane, ...]) -> Plane:
    """Returns the plane that the adapter passes: RGB where there is any."""
    return "rgb" if "rgb" in planes else planes[0]


def _answer(features: Any, classes: int, dropout: float) -> Any:
    drop = keras.layers.Dropout(dropout, name="dropout")
    # Half the bits would be too few for probabilities that sum to 1.
    head = keras.layers.Dense(classes, activation="softmax", name="head", dtype="float32")
    return head(drop(features))
