"""A tiny model trained by one worker or several, with the same whole batch; prints the losses."""

import json
import sys
from pathlib import Path

import keras
from child_pictures import train

from pose_activity.backbones import registry
from pose_activity.cache.store import open_cache

WEIGHTS = {"tiny": {}}


def build_backbone(model, *, height, width, weights) -> keras.Model:
    """Without dropout, which each worker would draw anew, and without batch statistics."""
    inputs = keras.Input((height, width, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(inputs)
    x = keras.layers.Conv2D(8, 3, strides=4, activation="relu", name="first")(x)
    x = keras.layers.Conv2D(16, 3, strides=4, activation="relu", name="last")(x)
    return keras.Model(inputs, x, name="backbone")


if __name__ == "__main__":
    cache, out, replicas = open_cache(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    registry.MODELS["tiny"] = "train_replicas"
    history, _ = train(cache, out, replicas=replicas, batch=12, dropout=0.0)
    rows = [{name: float(v) for name, v in e.metrics.items()} for e in history.epochs]
    print(json.dumps(rows))
