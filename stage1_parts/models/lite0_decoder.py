"""EfficientNet-Lite0, trained on ImageNet, with a decoder of finer features; the default."""

from pathlib import Path
from typing import Any

import keras

from pose_activity.backbones import registry
from pose_activity.stage1_parts.models.decoder import decode
from pose_activity.stage1_parts.models.layers import BACKBONE, pixels

BACKBONE_MODEL = "efficientnet_lite0"
# The last feature of each stride: what follows has half the size.
_SEEN = {
    2: "block0_project_norm",
    4: "block2_add",
    8: "block4_add",
    16: "block10_add",
    32: "block15_project_norm",
}


def build(
    *,
    height: int | None,
    width: int | None,
    planes: tuple[str, ...],
    classes: int,
    weights: Path | None = None,
) -> keras.Model:
    """Builds the network; see `registry.build`.

    Args:
        height: A multiple of 32.
        width: Likewise.
        planes: See `layers.pixels`.
        classes: How many.
        weights: Of the backbone, see `backbones.efficientnet_lite`; None: a random start.
    """
    inputs, picture, help = pixels(height, width, planes, multiple=32)
    whole: Any = registry.build_backbone(
        BACKBONE_MODEL, height=height, width=width, weights=weights
    )
    outputs = [whole.get_layer(name).output for name in _SEEN.values()]
    backbone: Any = keras.Model(whole.input, outputs, name=BACKBONE)
    features = dict(zip(_SEEN, backbone(picture), strict=True))
    return keras.Model(inputs, decode(features, help, classes), name="lite0_decoder")
