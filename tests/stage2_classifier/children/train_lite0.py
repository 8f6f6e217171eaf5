"""The default model from a cache to an exported graph, with the default start."""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import quick_graphs

from pose_activity.cache.store import open_cache
from pose_activity.stage2_classifier.export import export
from pose_activity.stage2_classifier.fit import fit
from pose_activity.stage2_classifier.options import Augment, NetworkFit

quick_graphs.use()
cache, out = open_cache(Path(sys.argv[1])), Path(sys.argv[2])
fit(
    cache,
    out,
    NetworkFit(batch=8, epochs=2, learning_rate=5e-3, augment=Augment(rotate=5.0), dropout=0.1),
    model="efficientnet_lite0",
    weights="imagenet",
)
tensors = np.stack([cache.load(entry).x for entry in cache.of_split("test")])
labels = np.array([cache.class_id(entry) for entry in cache.of_split("test")])
validation = [(cache.load(entry).x, cache.class_id(entry)) for entry in cache.of_split("val")]
parts = {"recipe": cache.recipe, "classes": cache.classes, "tensors": tensors}
export(out, **parts, validation=validation, unknown_precision=0.5)
body: Any = keras.models.load_model(out / "classifier.keras", compile=False)
seen = body.get_layer("backbone")(body.get_layer("adapter")(tensors.astype(np.float32)))
kernel, bias = body.get_layer("head").get_weights()
np.savez(
    out / "answers.npz",
    tensors=tensors,
    labels=labels,
    answers=np.array(body(tensors.astype(np.float32))),
    features=np.array(seen),
    kernel=kernel,
    bias=bias,
    logits=np.array(body.get_layer("pool")(seen)) @ kernel + bias,
    val_labels=[label for _, label in validation],
    val_answers=np.array(body(np.stack([x for x, _ in validation]).astype(np.float32))),
)
