"""The contestant: EfficientNet-Lite0 fine-tuned on RGB by the usual Keras script, for some minutes.

    python benchmarks/plain_keras.py TABLE PHOTOS OUT --minutes 40

TABLE has the columns image, activity and split. Images are stretched to 320 x 240; the head learns
first (Adam, 1e-3), then everything (Adam, 1e-4 falling by a cosine over the time that is left),
with flips, small turns and zooms, and dropout. The epoch with the best val accuracy answers for
test. Nothing of this project is used but the network's ImageNet weights and the file of answers.
Minutes are processor time over the number of cores: what a clock shows where nothing else runs.
"""

import math
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pose_activity.annotations.types import SPLITS  # noqa: E402
from pose_activity.artifacts import atomic  # noqa: E402
from pose_activity.stage2_classifier.scores.predictions import Predictions  # noqa: E402

HEIGHT, WIDTH, BATCH = 240, 320, 32
HEAD_EPOCHS, MOST_EPOCHS = 5, 200


def main(
    table: Path,
    photos: Path,
    out: Path,
    minutes: Annotated[float, typer.Option(min=0.1)] = 40.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Trains, and writes metrics.json and predictions.parquet into OUT."""
    import keras

    started = _seconds()
    keras.utils.set_random_seed(seed)
    rows = pd.read_csv(table)
    classes = sorted(rows["activity"].unique())
    parts = {split: _dataset(rows.query("split == @split"), photos, classes) for split in SPLITS}
    network = _network(len(classes))
    deadline = started + 60 * minutes
    best = _train(network, parts, deadline)
    network.set_weights(best)
    test = rows[rows["split"] == "test"]
    probabilities = network.predict(parts["test"].batch(BATCH), verbose=0)
    answers = Predictions(
        split="test",
        classes=tuple(classes),
        images=tuple(photos / name for name in test["image"]),
        persons=np.full(len(test), -1),
        labels=np.array([classes.index(name) for name in test["activity"]]),
        probabilities=probabilities.astype(np.float32),
    )
    answers.write(out / "predictions.parquet")
    accuracy = float((answers.guesses == answers.labels).mean())
    spent = (_seconds() - started) / 60
    atomic.write_json(out / "metrics.json", {"accuracy": accuracy, "minutes": spent})


def _seconds() -> float:
    return time.process_time() / (os.cpu_count() or 1)


def _dataset(rows: pd.DataFrame, photos: Path, classes: list[str]) -> Any:
    import tensorflow as tf

    files = [str(photos / name) for name in rows["image"]]
    ids = [classes.index(name) for name in rows["activity"]]

    def read(path: Any, label: Any) -> tuple[Any, Any]:
        image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        resized = tf.image.resize(image, (HEIGHT, WIDTH), antialias=True)
        return tf.ensure_shape(resized, (HEIGHT, WIDTH, 3)), label

    return tf.data.Dataset.from_tensor_slices((files, ids)).map(read).cache()


def _network(classes: int) -> Any:
    import keras

    from pose_activity.backbones import registry

    weights = registry.find_weights("efficientnet_lite0", "imagenet")
    backbone = registry.build_backbone(
        "efficientnet_lite0", height=HEIGHT, width=WIDTH, weights=weights
    )
    backbone.trainable = False  # its BatchNorm stays still throughout
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = keras.layers.RandomRotation(0.03)(x)
    x = keras.layers.RandomZoom(0.15)(x)
    x = keras.layers.GlobalAveragePooling2D()(backbone(x, training=False))
    x = keras.layers.Dropout(0.3)(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def _train(network: Any, parts: dict[str, Any], deadline: float) -> list[np.ndarray]:
    """Returns the weights of the epoch with the best val accuracy."""
    import keras

    train = parts["train"].shuffle(4096).batch(BATCH).prefetch(2)
    val = parts["val"].batch(BATCH)
    best, weights, longest = -1.0, network.get_weights(), 0.0
    loss = "sparse_categorical_crossentropy"
    network.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    start = _seconds()
    for epoch in range(MOST_EPOCHS):
        if epoch == HEAD_EPOCHS:
            network.get_layer("backbone").trainable = True
            network.compile(keras.optimizers.Adam(1e-4), loss, metrics=["accuracy"])
            start, longest = _seconds(), 0.0
        if epoch > HEAD_EPOCHS:
            spent = (_seconds() - start) / max(1.0, deadline - start)
            network.optimizer.learning_rate = 1e-4 * (1 + math.cos(math.pi * min(1.0, spent))) / 2
        before = _seconds()
        if before + longest > deadline:
            break
        network.fit(train, verbose=0)
        accuracy = network.evaluate(val, verbose=0)[1]
        longest = max(longest, _seconds() - before)
        if accuracy > best:
            best, weights = accuracy, network.get_weights()
    return weights


if __name__ == "__main__":
    typer.run(main)
