"""Converts untrained models of the same weights (argv: names, out); writes out/NAME.onnx."""

import sys
from pathlib import Path

import keras

from pose_activity.annotations.skeleton import COCO17
from pose_activity.backbones import registry
from pose_activity.learning import onnx_export
from pose_activity.stage2_classifier.models.images import assembly
from pose_activity.stage2_classifier.models.images.activation_map import with_activation_map
from pose_activity.stage2_classifier.models.sequences import registry as sequences

*names, out = sys.argv[1:]
registry.MODELS["tiny"] = "tiny_model"
PICTURES = {"height": 64, "width": 64, "planes": ("rgb", "heatmap"), "classes": 3, "dropout": 0.2}
SHAPES = {"joints": (20, 17, 4), "maps": (12, 32, 32, 17)}


def picture_model(name: str) -> keras.Model:
    return with_activation_map(assembly.build(name, **PICTURES))[0]


def sequence_model(name: str) -> keras.Model:
    shape = SHAPES["maps" if name == "gait_embedding" else "joints"]
    sequences.load_layers(name)
    network = sequences.build(name, recipe_shape=shape, skeleton=COCO17, classes=3, dropout=0.2)
    return keras.Model(network.input, [network.output, network.get_layer("embedding").output])


for name in names:
    keras.utils.set_random_seed(0)
    of_sequences = name in sequences.SEQUENCE_MODELS
    network = sequence_model(name) if of_sequences else picture_model(name)
    onnx_export.convert(network, Path(out) / f"{name}.onnx", ("probabilities", "second"))
