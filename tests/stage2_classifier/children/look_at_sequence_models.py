"""Builds models of sequences and looks at what they answer (argv: out, models, "--export")."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from pose_activity.annotations.skeleton import OPENPOSE18
from pose_activity.learning import onnx_export
from pose_activity.runtime import graph
from pose_activity.stage2_classifier.models.layers import recurrent
from pose_activity.stage2_classifier.models.layers.motion_layers import (
    PARTS,
    BodyFeatures,
    EndFrame,
    MaskedMean,
)
from pose_activity.stage2_classifier.models.sequences import registry

out, *models = sys.argv[1:]
exports = "--export" in models
facts: dict[str, Any] = {}
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
FRAMES, SHOWN, CLASSES = 12, 7, 3
MAPS = {"gait_embedding"}
SMALL: dict[str, dict[str, Any]] = {
    "lstm": {"units": 6, "inputs": PARTS},
    "bilstm": {"units": 6},
    "stacked_lstm": {"units": (6, 5)},
    "gru": {"units": 6, "inputs": ["joints", "motion"], "pool": "mean"},
    "gait_embedding": {"widths": (8, 12), "units": (6, 5)},
    "motion_cnn": {"widths": (6, 6, 8)},
}


def example(shape: tuple[int, ...], start: int) -> np.ndarray:
    """The same walk in a window of FRAMES, from its frame `start` on; else nobody is found."""
    drawn = np.random.default_rng(1)
    walk = drawn.uniform(0, 255 if len(shape) == 4 else 1, (SHOWN, *shape[1:]))
    if len(shape) == 3:
        walk[..., -1] = drawn.random(walk.shape[:-1]) < 0.9
        walk[3, :, -1] = 0  # filled in
    tensor = np.zeros(shape, np.float32)
    tensor[start : start + SHOWN] = walk
    return tensor


for name in (model for model in models if model != "--export"):
    shape = (FRAMES, 16, 12, 18) if name in MAPS else (FRAMES, 18, 4)
    network = registry.build(
        name,
        recipe_shape=shape,
        skeleton=OPENPOSE18,
        classes=CLASSES,
        dropout=0.1,
        **SMALL.get(name, {}),
    )
    for weight in network.weights:  # of batch normalisation, as after training
        if weight.path.endswith(("moving_mean", "gamma", "beta", "moving_variance")):
            weight.assign(rng.uniform(0.5, 1, weight.shape))
    tensors = np.stack([example(shape, start) for start in (0, 2, FRAMES - SHOWN)])
    both = keras.Model(network.input, [network.output, network.get_layer("embedding").output])
    answers = [np.array(answer) for answer in both(tensors)]
    file = Path(out) / f"{name}.keras"
    network.save(file)
    loaded: Any = keras.models.load_model(file)
    fact: dict[str, Any] = {
        "shapes": [list(answer.shape) for answer in answers],
        "sums": answers[0].sum(1).tolist(),
        "moved in time": max(float(np.ptp(answer, axis=0).max()) for answer in answers),
        "after loading": float(np.abs(np.array(loaded(tensors)) - answers[0]).max()),
        "of another walk": float(np.abs(np.array(network(1 - tensors[:1])) - answers[0]).max()),
    }
    if exports:
        onnx_file = Path(out) / f"{name}.onnx"
        onnx_export.convert(both, onnx_file, ("probabilities", "embedding"))
        for engine in graph.ENGINES:
            run = graph.load(onnx_file, engine=engine, threads=1)
            fact[engine] = max(
                float(np.abs(got - wanted[: len(part)]).max())
                for part in (tensors, tensors[:1])
                for got, wanted in zip(run(part), answers, strict=True)
            )
    facts[name] = fact

# Layers.
joints = rng.normal(size=(2, 5, 18, 4)).astype(np.float32)
joints[..., -1] = rng.random((2, 5, 18)) < 0.7
joints[0, 3:] = 0
joints[1, :, 4] = 0  # found in no frame
arrays: dict[str, Any] = {"tensors": joints}
for part in PARTS:
    arrays[part] = np.array(BodyFeatures([part], OPENPOSE18.bone_index)(joints))
arrays["two"] = np.array(BodyFeatures(["valid", "joints"], OPENPOSE18.bone_index)(joints))
sequence = rng.normal(size=(3, 5, 2)).astype(np.float32)
mask = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0]], np.float32)
arrays |= {"sequence": sequence, "mask": mask}
arrays["mean"] = np.array(MaskedMean()(sequence, mask))
arrays["first"], arrays["last"] = (np.array(EndFrame(e)(sequence, mask)) for e in ("first", "last"))

# A GRU with Keras' own as its truth: without missing frames, and holding its state through them.
inputs = rng.normal(size=(2, 5, 3)).astype(np.float32)
there = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 1]], np.float32)
ours = recurrent.Gru(recurrent.GruCell(4), return_sequences=True)
arrays["gru"] = np.array(ours(recurrent.WithMissing()(inputs, there)))
kernel, recurrent_kernel, *biases = (np.array(weight) for weight in ours.weights)
theirs = keras.layers.GRU(4, return_sequences=True)
theirs.build((None, 5, 3))
theirs.set_weights([kernel[:-1], recurrent_kernel, np.stack(biases)])
arrays["keras gru"] = np.array(theirs(inputs, mask=ops.cast(there, "bool")))
lstm = keras.layers.LSTM(4, kernel_constraint=recurrent.MissingFrameGate("lstm"))
lstm.build((None, 5, 3))
weight = lstm.weights[0]
weight.assign(rng.normal(size=weight.shape))
keras.optimizers.Adam(0.1).apply([np.ones(weight.shape, np.float32)], [weight])
arrays["kernel after a step"] = np.array(weight)

np.savez(Path(out) / "arrays.npz", **arrays)


def message_of(model: str, shape: tuple[int, ...], **options: Any) -> str:
    shared = {"recipe_shape": shape, "skeleton": OPENPOSE18, "classes": 3}
    try:
        registry.build(model, **shared, **options)
    except ValueError as error:
        return str(error)
    return "nothing was raised"


facts["errors"] = {
    "part": message_of("lstm", (9, 18, 3), inputs=["joint"]),
    "no part": message_of("lstm", (9, 18, 3), inputs=[]),
    "confidence": message_of("lstm", (9, 18, 3), inputs=["confidence"]),
    "maps": message_of("lstm", (9, 16, 12, 18)),
    "pool": message_of("lstm", (9, 18, 3), pool="max"),
    "joints": message_of("gait_embedding", (9, 18, 3)),
}
(Path(out) / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
