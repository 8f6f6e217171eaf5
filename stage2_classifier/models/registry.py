"""Which classifiers there are; importing this file imports no TensorFlow.

Adding a model: write one file in this folder with

    build(*, height, width, planes, classes, weights, adapter_start, dropout) -> keras.Model

(see `models/efficientnet_lite0.py`) and add its line to `MODELS`. The model takes float32
`(B, height, width, C)` pixels in 0..255, C being what `planes` need, and answers float32
`(B, classes)` probabilities. Three of its layers must carry these names, since training freezes by
them: `adapter` (planes to RGB), `backbone` (RGB to features), `head` (features to probabilities).
"""

import importlib
from typing import Any

MODELS = {
    "efficientnet_lite0": "stage2_classifier.models.efficientnet_lite0",
    "efficientnet_b0": "stage2_classifier.models.efficientnet_b0",
}


def build(model: str, **options: Any) -> Any:
    """Builds one of `MODELS`; its module (and so TensorFlow) is imported only now.

    Args:
        model: A key of `MODELS`.
        **options: Of the model's own `build`.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: there is no such model.
    """
    if model not in MODELS:
        raise ValueError(f"model must be one of {list(MODELS)}. Received: {model!r}")
    return importlib.import_module(MODELS[model]).build(**options)
