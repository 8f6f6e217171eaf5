"""Builds `motion_cnn` and writes what it sees and answers (argv: out.npz)."""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.annotations.skeleton import JHMDB15, Skeleton
from pose_activity.stage2_classifier.models.layers.motion_layers import BodyFeatures
from pose_activity.stage2_classifier.models.sequences import motion_cnn

out = Path(sys.argv[1])
FRAMES, CLASSES = 9, 4
PARTS = ("motion2", "motion5", "shape", "path", "distances", "directions")

skeleton = Skeleton(
    name="four",
    joints=("head", "left_hand", "right_hand", "foot"),
    pairs=(("left_hand", "right_hand"),),
    bones=(("head", "left_hand"), ("head", "right_hand"), ("head", "foot")),
)
rng = np.random.default_rng(0)
x = rng.normal(size=(2, FRAMES, len(skeleton), 3)).astype(np.float32)
x[..., 2] = 1
x[0, 3, 1] = 0  # a joint that was not found
x[1, 6:] = 0  # a shorter clip
facts: dict[str, Any] = {"x": x, "bones": skeleton.bone_index}
for part in PARTS:
    facts[part] = np.array(BodyFeatures((part,), skeleton.bone_index)(x))

keras.utils.set_random_seed(0)
shape = (FRAMES, len(JHMDB15), 3)
options: dict[str, Any] = {"recipe_shape": shape, "skeleton": JHMDB15, "classes": CLASSES}
joints = rng.normal(size=(5, *shape)).astype(np.float32)
joints[..., 2] = 1
mirrored = joints[:, :, list(JHMDB15.flip_index)] * np.array([-1, 1, 1], np.float32)

ours: Any = motion_cnn.motion_cnn(**options, widths=(8, 8, 12))
ours.compile("adam", "sparse_categorical_crossentropy")
ours.train_on_batch(joints, np.arange(5) % CLASSES)  # moves what batch normalisation remembers
one_sided = motion_cnn.motion_cnn(**options, widths=(8, 8, 12), both_sides=False)
one_sided.set_weights(ours.get_weights())
for name, network in (("both", ours), ("one", one_sided)):
    facts[name] = network.predict_on_batch(joints)
    facts[f"{name} mirrored"] = network.predict_on_batch(mirrored)
facts["embedding"] = keras.Model(ours.input, ours.get_layer("embedding").output)(joints)

short, filled = joints.copy(), joints.copy()
short[:, 6:] = 0
filled[:, 6:, :, 2] = 0  # joints put there where nobody was found
late = np.roll(short, 3, axis=1)  # begins with frames without a person
for name, tensors in (("short", short), ("filled", filled), ("late", late)):
    facts[name] = ours.predict_on_batch(tensors)

ours.save(out.parent / "ours.keras")
loaded: Any = keras.models.load_model(out.parent / "ours.keras")
facts["loaded"] = loaded.predict_on_batch(joints)
np.savez(out, **facts)
