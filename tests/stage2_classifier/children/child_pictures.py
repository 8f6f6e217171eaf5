"""One training of the tiny model; its digest tells whether two trainings ended the same."""

import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.backbones import registry
from pose_activity.cache.store import Cache, open_cache
from pose_activity.learning.history import History
from pose_activity.stage2_classifier import fit as network
from pose_activity.stage2_classifier.options import Augment, NetworkFit

registry.MODELS["tiny"] = "tiny_model"
# What is not of `NetworkFit`.
OTHERS = ("model", "weights", "seed", "threads", "finish", "logs", "on_progress")
OPTIONS: dict[str, Any] = {
    "model": "tiny",
    "weights": "none",
    "batch": 5,
    "epochs": 3,
    "learning_rate": 0.01,
    "fine_tune_epochs": 3,
    "fine_tune_learning_rate": 0.005,
    "augment": Augment(flip=0.5),
}


def fit(cache: Cache, out: Path, **options: Any) -> History:
    """`fit.fit`, whose settings and other arguments come together."""
    usual: dict[str, Any] = {"model": "tiny", "weights": "none"}
    others = {name: options.pop(name) for name in OTHERS if name in options}
    return network.fit(cache, out, NetworkFit(**options), **{**usual, **others})


def train(cache: Cache, out: Path, **options: Any) -> tuple[History, dict[str, np.ndarray]]:
    history = fit(cache, out, **{**OPTIONS, **options})
    return history, weights_of(keras.models.load_model(out / "classifier.keras", compile=False))


def weights_of(network: Any) -> dict[str, np.ndarray]:
    return {weight.path: np.array(weight) for weight in network.weights}


def digest(weights: dict[str, np.ndarray]) -> str:
    data = b"".join(weights[name].tobytes() for name in sorted(weights))
    return hashlib.sha256(data).hexdigest()


def die_at(steps: int):
    def tell(done: int, total: int, text: str) -> None:
        if done == steps:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


if __name__ == "__main__":
    folder, out, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    options = {"on_progress": die_at(steps) if steps else None, "precision": sys.argv[4]}
    options["logs"] = out.parent / "logs"
    history, weights = train(open_cache(folder), out, **options)
    rows = [[e.phase, *e.metrics.values()] for e in history.epochs]
    print(json.dumps({"digest": digest(weights), "history": rows}))
