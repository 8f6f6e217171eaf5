"""Writes what the Keras networks of the backbones answer (argv: folder with images.npz, models)."""

import sys
from pathlib import Path

import numpy as np

from pose_activity.backbones import registry
from pose_activity.backbones.lite_weights import package_file

folder = Path(sys.argv[1])
with np.load(folder / "images.npz", allow_pickle=False) as file:
    images = dict(file)
features = {}
for model in sys.argv[2:]:
    network = registry.build_backbone(model, height=None, width=None, weights=package_file(model))
    for name, image in images.items():
        features[f"{model} {name}"] = np.array(network(image))
np.savez(folder / "features.npz", allow_pickle=False, **features)
