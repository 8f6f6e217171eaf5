"""Trains a step of each model, frozen and thawed, and exports it (argv: folder, models).

Writes FOLDER/facts.json: model -> what moved, the exported graph's difference.
"""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pose_activity.backbones import registry
from pose_activity.cache.planes import Recipe
from pose_activity.learning import optimization
from pose_activity.stage2_classifier.export import export
from pose_activity.stage2_classifier.models.images import assembly

folder, models = Path(sys.argv[1]), sys.argv[2:]
keras.utils.set_random_seed(0)
tf.config.experimental.enable_op_determinism()  # as `fit` does; it also spares a compiler's time
rng = np.random.default_rng(0)
recipe = Recipe(width=48, height=64)
tensors = rng.integers(0, 256, (3, 64, 48, 4), np.uint8)
labels = np.array([0, 1, 2])


def moved(network: Any, setup, *arguments) -> dict[str, int]:
    """Takes a step; counts how many arrays of each part changed."""
    setup(network, *arguments)
    parts = ("adapter", "backbone", "head")
    before = {part: network.get_layer(part).get_weights() for part in parts}
    loss, _ = network.train_on_batch(tensors.astype(np.float32), labels)
    assert np.isfinite(loss)
    return {
        part: sum(
            not np.array_equal(old, new)
            for old, new in zip(before[part], network.get_layer(part).get_weights(), strict=True)
        )
        for part in parts
    }


facts = {}
for model in models:
    # Lite0's come with its package; from a random start, 6 of its 49 kernels do not move.
    weights = registry.find_weights(model, "imagenet" if "lite0" in model else "none")
    network = assembly.build(
        model, height=64, width=48, planes=recipe.planes, classes=3, weights=weights
    )
    out = folder / model
    out.mkdir()
    facts[model] = {
        "frozen": moved(network, optimization.freeze, False, 1e-3),
        "thawed": moved(network, optimization.thaw, None, 1e-3),
        "kernels": sum(
            layer.__class__.__name__.endswith("Conv2D")
            for layer in network.get_layer("backbone").layers
        ),
    }
    network.save(out / "classifier.keras")
    facts[model]["parity"] = export(out, recipe=recipe, classes=tuple("abc"), tensors=tensors)
(folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
