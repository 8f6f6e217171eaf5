"""Applies the layers of `models.gait_layers` and `gait_statistics` to what the test drew.

Usage: look_at_gait_layers.py DRAWN.npz SEEN.npz
"""

import sys

import keras
import numpy as np

from pose_activity.annotations.skeleton import COCO17, JHMDB15
from pose_activity.stage2_classifier.models.layers.gait_layers import (
    Build,
    CosineHead,
    Moments,
    Motion,
    Quantiles,
    face_right,
)
from pose_activity.stage2_classifier.models.sequences import gait_statistics


def refused(**arguments) -> str:
    try:
        gait_statistics.gait_statistics(classes=3, **arguments)
    except ValueError as error:
        return str(error)
    return "nothing"


keras.utils.set_random_seed(0)
drawn, seen = np.load(sys.argv[1]), {}
sequence, mask = drawn["sequence"], drawn["mask"]
seen["quantiles"] = Quantiles((0.0, 0.3, 0.5, 1.0))(sequence, mask)
seen["moments"] = Moments()(sequence, mask)
seen["moved"], seen["moved_mask"] = Motion()(drawn["walkers"][..., :2].swapaxes(2, 3), mask)
seen["build"] = Build([(0, 1)], [(0, 1, 2)])(drawn["corner"])

walkers = drawn["walkers"]
seen["upright"] = face_right(walkers, walkers[..., -1].max(axis=2), COCO17)
head = CosineHead(3, 5.0)
seen["likeness"] = head(drawn["vectors"])
seen["prototypes"] = head.prototypes

model = gait_statistics.gait_statistics(
    recipe_shape=walkers.shape[1:], skeleton=COCO17, classes=3, units=8, dropout=0.5
)
for name in ("walkers", "mirrored", "elsewhere", "disturbed"):
    seen[f"answers_{name}"] = model(drawn[name])
bare = gait_statistics.gait_statistics(
    recipe_shape=walkers.shape[1:],
    skeleton=COCO17,
    classes=3,
    dropout=0.5,
    embedding="statistics",
)
vectors = keras.Model(bare.input, bare.get_layer("embedding").output)
seen["statistics"] = vectors(walkers)
seen["quantiles_of_walkers"] = keras.Model(bare.input, bare.get_layer("quantiles").output)(walkers)
seen["other_embedding"] = refused(
    recipe_shape=walkers.shape[1:], skeleton=COCO17, dropout=0.5, embedding="x"
)
seen["other_joints"] = refused(recipe_shape=(5, 15, 3), skeleton=COCO17)
seen["no_head"] = refused(recipe_shape=(5, 15, 3), skeleton=JHMDB15)
np.savez(
    sys.argv[2], allow_pickle=False, **{name: np.asarray(value) for name, value in seen.items()}
)
