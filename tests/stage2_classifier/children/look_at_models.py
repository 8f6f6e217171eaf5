"""Builds all models and writes what they do to out.npz (argv: out, photo, B0 weight file)."""

import hashlib
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import efficientnet.weights as qubvel
import keras
import numpy as np
from keras.src.applications import efficientnet as v1
from keras.src.applications import efficientnet_v2 as v2

from pose_activity.backbones import registry, weights_file
from pose_activity.backbones.lite_layout import LITES
from pose_activity.backbones.lite_weights import (
    package_file,
    read_state_dict,
)
from pose_activity.cache.options import Plane
from pose_activity.cache.planes import CHANNELS
from pose_activity.stage2_classifier.models.images import assembly
from pose_activity.stage2_classifier.models.images.adapter import build_adapter

out, photo, b0_file = (Path(argument) for argument in sys.argv[1:])
facts: dict[str, Any] = {}
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)

PLANES: list[tuple[Plane, ...]] = [("rgb",), ("heatmap",), ("rgb", "heatmap"), ("heatmap", "rgb")]
for planes in PLANES:
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


imagenet = registry.find_weights("efficientnet_lite0", "imagenet")
lite0 = assembly.build("efficientnet_lite0", **options, weights=imagenet)
facts["lite0 stem"] = stem_input(lite0, "stem")
facts["lite0 answers"] = np.array(lite0(rng.uniform(0, 255, (3, 64, 64, 4))))

plain = assembly.build("efficientnet_b0", **options, adapter_start="random")
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
loaded = assembly.build("efficientnet_b0", **options, weights=b0_file)
facts["b0 loaded stem"] = stem_input(loaded, "stem_conv_pad")

for model in registry.MODELS:
    try:
        registry.find_weights(model, "nowhere.h5")
    except ValueError as error:
        facts[f"{model} error"] = str(error)
try:
    assembly.build("efficientnet_lite0", **options, adapter_start="warm")  # type: ignore[arg-type]
except ValueError as error:
    facts["adapter error"] = str(error)

# Files: published ones against the libraries' own tables, a download from a folder on this disk.
theirs = {
    f"efficientnet_{key}": {"imagenet": f"{v1.BASE_WEIGHTS_PATH}efficientnet{key}_notop.h5 {md5}"}
    for key, (_, md5) in v1.WEIGHTS_HASHES.items()
}
for key, (_, md5) in qubvel.NS_WEIGHTS_HASHES.items():
    name = f"{key}_noisy-student_notop.h5"
    published = theirs[key.replace("-", "_")]
    published["noisy_student"] = f"{qubvel.NS_WEIGHTS_PATH}{name} {md5}"
theirs["efficientnet_v2_b0"] = {
    "imagenet": f"{v2.BASE_WEIGHTS_PATH}efficientnetv2-b0_notop.h5 {v2.WEIGHTS_HASHES['b0'][1]}"
}
ours = {
    model: {
        name: f"{source.url} {source.md5}"
        for name, source in importlib.import_module(module).WEIGHTS[model].items()
    }
    for model, module in registry.MODELS.items()
    if model not in LITES
}
facts["published"] = json.dumps([ours, {model: theirs[model] for model in ours}])

md5 = hashlib.md5(b0_file.read_bytes()).hexdigest()
told: list[str] = []
for digest in (md5, md5, "0" * 32):
    source = weights_file.Download(b0_file.resolve().as_uri(), digest)
    try:
        found = weights_file.find(
            "b0", {"b0": source}, on_progress=lambda *call: told.append(call[2])
        )
        facts["downloaded"] = (
            found is not None and found != b0_file and found.read_bytes() == b0_file.read_bytes()
        )
    except weights_file.WeightsError as error:
        facts["download error"] = str(error)
facts["told"] = json.dumps(told)

# Weights of the package efficientnet, whose graph has no preprocessing.
v2_b0 = assembly.build("efficientnet_v2_b0", **options)
facts["v2 answers"] = np.array(v2_b0(rng.uniform(0, 255, (3, 64, 64, 4))))
package = importlib.import_module("efficientnet.tfkeras")
noisy = package.EfficientNetB0(include_top=False, weights=None, input_shape=(64, 64, 3))
for layer in noisy.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.set_weights([a + rng.uniform(0, 0.2, a.shape) for a in layer.get_weights()])
noisy_file = out.parent / "noisy.h5"
noisy.save(noisy_file)
x = rng.uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
read = assembly.build("efficientnet_b0", **options, weights=noisy_file)
facts["noisy expected"] = np.array(noisy(package.preprocess_input(x.copy())))
facts["noisy features"] = np.array(read.get_layer("backbone")(x))
read.save(out.parent / "noisy.keras")
facts["rescaled"] = np.array(
    [
        sum(isinstance(layer, keras.layers.Rescaling) for layer in n.get_layer("backbone").layers)
        for n in (plain, loaded, read)
    ]
)
try:
    assembly.build("efficientnet_v2_b0", **options, weights=noisy_file)
except ValueError as error:
    facts["other network"] = str(error)

image = cv2.resize(cv2.imread(str(photo)), (224, 224))[..., ::-1]  # type: ignore[index]
x = np.stack([image, image[:, ::-1], 255 - image]).astype(np.float32)
facts["pixels"] = x
for model in LITES:
    file = package_file(model)
    backbone = registry.build_backbone(model, height=224, width=224, weights=file)
    features = np.array(backbone(x)).mean((1, 2))
    state = read_state_dict(file)
    logits = features @ state["_fc.weight"].T + state["_fc.bias"]
    powers = np.exp(logits - logits.max(1, keepdims=True))
    facts[f"{model} imagenet"] = powers / powers.sum(1, keepdims=True)
np.savez(out, **facts)
