"""Builds all models and writes what they do to out.npz (argv: out, photo, B0 weight file)."""

import sys
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np

from cache.planes import CHANNELS, Recipe
from stage2_classifier.export import export
from stage2_classifier.models import registry
from stage2_classifier.models.adapter import build_adapter
from stage2_classifier.models.efficientnet_lite0 import build_backbone
from stage2_classifier.models.lite0_weights import package_file, read_state_dict

out, photo, b0_file = (Path(argument) for argument in sys.argv[1:])
facts: dict[str, Any] = {}
rng = np.random.default_rng(0)

for planes in (("rgb",), ("heatmap",), ("rgb", "heatmap"), ("heatmap", "rgb")):
    x = rng.integers(0, 256, (2, 24, 32, sum(CHANNELS[p] for p in planes))).astype(np.float32)
    facts[f"in {'+'.join(planes)}"] = x
    for start in ("identity", "random"):
        adapter = build_adapter(height=24, width=32, planes=planes, start=start)
        facts[f"{start} {'+'.join(planes)}"] = np.array(adapter(x))

options: dict[str, Any] = {"height": 64, "width": 64, "planes": ("rgb", "heatmap"), "classes": 5}
extremes = np.zeros((2, 64, 64, 3), np.float32)
extremes[1] = 255


def stem_input(network: Any, stem: str) -> np.ndarray:
    """What the first convolution of the backbone gets to see of black and of white."""
    backbone = network.get_layer("backbone")
    seen = keras.Model(backbone.input, backbone.get_layer(stem).input)(extremes)
    return np.array(seen)[:, 30, 30]


lite0 = registry.build("efficientnet_lite0", **options)
facts["lite0 stem"] = stem_input(lite0, "stem")
facts["lite0 answers"] = np.array(lite0(rng.uniform(0, 255, (3, 64, 64, 4))))

plain = registry.build("efficientnet_b0", **options, weights="none", adapter_start="random")
facts["b0 plain stem"] = stem_input(plain, "stem_conv_pad")
facts["b0 answers"] = np.array(plain(rng.uniform(0, 255, (3, 64, 64, 4))))
twin: Any = keras.applications.EfficientNetB0(
    include_top=False,
    weights=None,  # type: ignore[arg-type]
    input_shape=(64, 64, 3),
)
for layer in twin.layers:
    if isinstance(layer, keras.layers.Normalization):
        layer.adapt_mean.assign([0.485, 0.456, 0.406])
        layer.adapt_variance.assign([0.229, 0.224, 0.225])  # as in Keras' own file
        layer.finalize_state()
twin.save_weights(b0_file)
loaded = registry.build("efficientnet_b0", **options, weights=str(b0_file))
facts["b0 loaded stem"] = stem_input(loaded, "stem_conv_pad")
folder = out.parent / "b0"
folder.mkdir()
loaded.save(folder / "classifier.keras")
facts["b0 parity"] = export(
    folder,
    recipe=Recipe(width=64, height=64),
    classes=tuple("abcde"),
    tensors=rng.integers(0, 256, (3, 64, 64, 4), np.uint8),
)

for model in registry.MODELS:
    try:
        registry.build(model, **options, weights="nowhere.h5")
    except ValueError as error:
        facts[f"{model} error"] = str(error)
try:
    registry.build("efficientnet_lite0", **options, weights="none", adapter_start="warm")
except ValueError as error:
    facts["adapter error"] = str(error)

image = cv2.resize(cv2.imread(str(photo)), (224, 224))[..., ::-1]  # type: ignore[index]
x = np.stack([image, image[:, ::-1], 255 - image]).astype(np.float32)
features = np.array(build_backbone(224, 224, "imagenet")(x)).mean((1, 2))
state = read_state_dict(package_file())
logits = features @ state["_fc.weight"].T + state["_fc.bias"]
powers = np.exp(logits - logits.max(1, keepdims=True))
facts["pixels"] = x
facts["imagenet"] = powers / powers.sum(1, keepdims=True)
np.savez(out, **facts)
