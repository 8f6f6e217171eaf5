"""Writes what the Keras network of lite0's backbone answers (argv: folder with images.npz)."""

import sys
from pathlib import Path

import numpy as np

from pose_activity.stage2_classifier.models.images.efficientnet_lite0 import build_backbone
from pose_activity.stage2_classifier.models.images.lite0_weights import package_file

folder = Path(sys.argv[1])
with np.load(folder / "images.npz", allow_pickle=False) as file:
    images = dict(file)
features = {
    name: np.array(build_backbone(*image.shape[1:3], package_file())(image))
    for name, image in images.items()
}
np.savez(folder / "features.npz", allow_pickle=False, **features)
