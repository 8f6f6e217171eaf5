"""A small training from images to maps of body parts, and its export; writes facts.json."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import quick_graphs

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.cache.record import Example
from pose_activity.cache.store import open_cache
from pose_activity.learning import loop
from pose_activity.learning.augmentation_seed import Augmentation
from pose_activity.learning.batches import train_batches
from pose_activity.learning.epochs import EpochRunner, Phase, weigh_classes
from pose_activity.learning.onnx_export import convert
from pose_activity.stage2_classifier import sidecar
from tests.stage2_classifier import drawn_parts

quick_graphs.use()
out = Path(sys.argv[1])
cache = open_cache(drawn_parts.build_cache(out / "cache"))
facts: dict[str, Any] = {}


def begin() -> keras.Model:
    inputs = keras.Input((drawn_parts.SIZE, drawn_parts.SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    for reach in (1, 2, 4):
        x = keras.layers.Conv2D(24, 3, padding="same", dilation_rate=reach, activation="relu")(x)
    network = keras.Model(
        inputs, keras.layers.Conv2D(len(cache.classes), 1, activation="softmax")(x)
    )
    network.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return network


def mirrored(example: Example, seed: int) -> Example:
    """Mirrors half of the images, each with its map, in which left and right change places."""
    if seed % 2:
        return example
    return Example(example.x[:, ::-1], drawn_parts.OTHER_SIDE[np.asarray(example.y)[:, ::-1]])


def pairs(augmentation: Augmentation | None) -> list[tuple[np.ndarray, np.ndarray]]:
    data = train_batches(cache, batch=4, seed=0, epoch=lambda: 3, augmentation=augmentation)
    return [(x, y) for xs, ys in data for x, y in zip(xs.numpy(), ys.numpy(), strict=True)]


runner = EpochRunner(cache, batch=4, seed=0, augmentation=None)
history = loop.train([Phase("train", 8, begin)], runner, out, asked={}, threads=1)
facts["changed"] = []
for before, after in zip(pairs(None), pairs(mirrored), strict=True):
    x, y = before
    expected = (before, (x[:, ::-1], drawn_parts.OTHER_SIDE[y[:, ::-1]]))
    facts["changed"].append([all(map(np.array_equal, pair, after)) for pair in expected])
facts["losses"] = [epoch.metrics["loss"] for epoch in history.epochs]
try:
    weigh_classes(cache)
except ValueError as error:
    facts["weights"] = str(error)

network: Any = keras.models.load_model(out / loop.CLASSIFIER, compile=False)
examples = [cache.load(entry, verify=True) for entry in cache.of_split("val")]
images = np.stack([example.x for example in examples]).astype(np.float32)
expected = network.predict_on_batch(images)
convert(network, out / sidecar.GRAPH, ["parts"])
about = sidecar.Sidecar(cache.classes, cache.recipe, sha256_file(out / sidecar.GRAPH), {})
settings: dict[str, Any] = {"engine": "onnxruntime", "precision": "f32", "threads": 1, "streams": 1}
per_pixel = (drawn_parts.SIZE, drawn_parts.SIZE, len(cache.classes))
exported = sidecar.open_graph(out, about, answers=per_pixel, **settings)
(answered,) = exported(images)
try:
    sidecar.open_graph(out, about, answers=(len(cache.classes),), **settings)
except ValueError as error:
    facts["another shape"] = str(error)
facts["shape"] = list(answered.shape)
facts["difference"] = float(np.abs(answered - expected).max())
truth = np.stack([np.array(example.y) for example in examples])
facts["right"] = float((answered.argmax(-1) == truth)[truth > 0].mean())
found = answered.argmax(-1) > 0
facts["overlap"] = float((found & (truth > 0)).sum() / (found | (truth > 0)).sum())
facts["people"] = float((truth > 0).mean())
(out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
