"""One fine-tuning of the tiny model on two views; its digest tells whether two ended the same."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from child_pictures import die_at, digest, weights_of

from pose_activity.cache.store import Cache, open_cache
from pose_activity.learning.history import History
from pose_activity.stage2_classifier import fit_views as views
from pose_activity.stage2_classifier.options import Augment, FineTune, PictureFit

OPTIONS: dict[str, Any] = {"model": "tiny", "weights": "none", "batch": 5, "augment": Augment()}
FINE_TUNE: dict[str, Any] = {
    "small_epochs": 2,
    "epochs": 2,
    "learning_rate": 0.01,
    "head_learning_rate": 0.01,
    "mixup": 0.4,
    "ema": 0.9,
    "imbalance": "sampling",
}
FEATURES = 2 * 2 * 2 * 16 + 1  # of two views of two planes, pooled in two ways, and "found"


def head(classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Returns what a fit on frozen features might have found."""
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.1, (FEATURES, classes)), rng.normal(0, 0.1, classes)


def fit_views(cache: Cache, out: Path, **options: Any) -> History:
    """`fit_views.fit_views`, whose settings and other arguments come together."""
    names = PictureFit.__dataclass_fields__
    settings = PictureFit(**{name: options.pop(name) for name in names if name in options})
    return views.fit_views(cache, out, settings, **options)


def train(
    cache: Cache, out: Path, fine_tune: dict[str, Any] | None = None, **options: Any
) -> tuple[History, dict[str, np.ndarray]]:
    chosen = FineTune(**{**FINE_TUNE, **(fine_tune or {})})
    history = fit_views(cache, out, head=head(), options=chosen, **{**OPTIONS, **options})
    return history, weights_of(keras.models.load_model(out / "classifier.keras", compile=False))


if __name__ == "__main__":
    folder, out, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    history, weights = train(open_cache(folder), out, on_progress=die_at(steps) if steps else None)
    (out / "digest.json").write_text(json.dumps(digest(weights)), encoding="utf-8")
    rows = (out / "history.csv").read_text(encoding="utf-8").splitlines()
    print(json.dumps({"digest": digest(weights), "history": [r.rpartition(",")[0] for r in rows]}))
