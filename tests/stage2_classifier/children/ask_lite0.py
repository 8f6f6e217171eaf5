"""Writes what the Keras network of lite0's backbone answers (argv: folder with images.npz)."""

import sys
from pathlib import Path

import numpy as np

from pose_activity.stage2_classifier.models.images import registry
from pose_activity.stage2_classifier.models.images.lite0_weights import package_file

folder = Path(sys.argv[1])
with np.load(folder / "images.npz", allow_pickle=False) as file:
    images = dict(file)
features = {}
for name, image in images.items():
    _, height, width, _ = image.shape
    network = registry.build_backbone(
        "efficientnet_lite0", height=height, width=width, weights=package_file()
    )
    features[name] = np.array(network(image))
np.savez(folder / "features.npz", allow_pickle=False, **features)
