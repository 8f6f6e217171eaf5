"""EfficientNet-B0 as Keras ships it, behind the adapter.

Keras' network scales pixels itself (its Rescaling and Normalization layers come first), so pixels
stay in 0..255; dividing by 255 before it would starve it. Source of the network: Tan and Le,
"EfficientNet", ICML 2019.
"""

from pathlib import Path

import keras
import numpy as np

from stage2_classifier.models.adapter import AdapterStart, assemble, build_adapter

# ImageNet's standard deviations, stored by Keras' weight file where a variance belongs.
_STDDEV = np.array([0.229, 0.224, 0.225], np.float32)


def build(
    *,
    height: int,
    width: int,
    planes: tuple[str, ...],
    classes: int,
    weights: str = "imagenet",
    adapter_start: AdapterStart = "identity",
    dropout: float = 0.2,
) -> keras.Model:
    """Builds the classifier.

    Args:
        height: Of the input, in pixels.
        width: Of the input, in pixels.
        planes: Names from `cache.planes.CHANNELS`.
        classes: Number of activities.
        weights: "imagenet" (Keras downloads them), the path of a file of such weights without the
            top layer (`.h5`), or "none".
        adapter_start: See `models.adapter.build_adapter`.
        dropout: Share of features left out in training.

    Returns:
        A model from float32 `(B, height, width, C)` in 0..255 to `(B, classes)` probabilities.

    Raises:
        ValueError: `weights` is neither of the names nor a file.
    """
    return assemble(
        build_adapter(height=height, width=width, planes=planes, start=adapter_start),
        _build_backbone(height, width, weights),
        classes=classes,
        dropout=dropout,
        name="efficientnet_b0",
    )


def _build_backbone(height: int, width: int, weights: str) -> keras.Model:
    if weights not in ("imagenet", "none") and not Path(weights).is_file():
        raise ValueError(
            "weights must be 'imagenet', 'none' or the path of a .h5 file. "
            f"Received: {weights!r}, which is no file"
        )
    backbone = keras.applications.EfficientNetB0(
        include_top=False,
        weights=None if weights == "none" else weights,  # type: ignore[arg-type]
        input_shape=(height, width, 3),
        name="backbone",
    )
    if weights not in ("imagenet", "none"):
        _finish_scaling(backbone)
    return backbone


def _finish_scaling(backbone: keras.Model) -> None:
    """Does for weights from a path what Keras does for "imagenet" only.

    Keras divides by the root of the stored "variance", which is a standard deviation, and mends it
    by one more Rescaling when it downloaded the file itself. Here the variance is put right.
    """
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Normalization):
            stored = np.array(layer.adapt_variance)
            if np.allclose(stored.ravel(), _STDDEV, atol=1e-3):
                layer.adapt_variance.assign(stored**2)
                layer.finalize_state()
