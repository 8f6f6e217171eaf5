"""One training of a tiny model (argv: cache, out, step at which to die or 0); prints its digest."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
from child_pictures import die_at, digest, weights_of

from pose_activity.cache.store import Cache, open_cache
from pose_activity.learning.history import History
from pose_activity.stage2_classifier import fit_sequences
from pose_activity.stage2_classifier.models.sequences import registry
from pose_activity.stage2_classifier.options import SequenceAugment, SequenceFit

registry.SEQUENCE_MODELS["tiny"] = "tiny_sequence_model"
OTHERS = ("seed", "threads", "finish", "on_progress")  # that are not of `SequenceFit`
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
OPTIONS: dict[str, Any] = {
    "model": "tiny",
    "options": {"units": 6},
    "dropout": 0.2,
    "batch": 5,
    "epochs": 4,
    "learning_rate": 0.02,
    "schedule": "cosine",
    "warmup_epochs": 1,
    "weight_decay": 1e-3,
    "label_smoothing": 0.1,
    "checkpoint": "last",
    "augment": SequenceAugment(noise=0.02, frame_dropout=0.1),
    "threads": 1,
}


def fit(cache: Cache, out: Path, **options: Any) -> History:
    """`fit_sequences.fit`, whose settings and other arguments come together."""
    others = {name: options.pop(name) for name in OTHERS if name in options}
    return fit_sequences.fit(cache, out, SequenceFit(**options), **others)


def train(cache: Cache, out: Path, **options: Any) -> tuple[History, str]:
    history = fit(cache, out, **{**OPTIONS, **options})
    return history, digest_of(out)


def digest_of(out: Path) -> str:
    return digest(weights_of(keras.models.load_model(out / "classifier.keras", compile=False)))


def rows_of(history: History) -> list[list[Any]]:
    return [[e.phase, *map(e.metrics.get, METRICS)] for e in history.epochs]


if __name__ == "__main__":
    folder, out, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    history, weights = train(open_cache(folder), out, on_progress=die_at(steps) if steps else None)
    print(json.dumps({"digest": weights, "history": rows_of(history)}))
