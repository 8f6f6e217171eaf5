"""Fine-tunings of the tiny model on two views, and an export (argv: cache, out).

Writes facts.json and answers.npz.
"""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from child_views import FINE_TUNE, OPTIONS, fit_views, head, train

from pose_activity.cache.record import as_float, stack
from pose_activity.cache.store import open_cache
from pose_activity.learning import fine_tuning
from pose_activity.learning.batches import balanced_order, train_batches
from pose_activity.learning.metrics import MacroF1
from pose_activity.learning.scoring import SmoothedCrossentropy, accuracy
from pose_activity.stage2_classifier.export import export
from pose_activity.stage2_classifier.options import FineTune

cache, out = open_cache(Path(sys.argv[1])), Path(sys.argv[2])
facts: dict[str, Any] = {}
arrays: dict[str, np.ndarray] = {}


def moved(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> list[str]:
    return sorted(name for name in a if not np.array_equal(a[name], b[name]))


# Trainings.
history, whole = train(cache, out / "whole")
facts["phases"] = [epoch.phase for epoch in history.epochs]
facts["losses"] = [epoch.metrics["val_loss"] for epoch in history.epochs]
facts["metrics"] = sorted(history.epochs[0].metrics)
facts["again"] = train(cache, out / "whole")[0] == history

still = {"small_epochs": 0, "epochs": 1, "mixup": 0.0, "ema": 0.0}
RATES = ("learning_rate", "head_learning_rate", "adapter_learning_rate")
still |= dict.fromkeys(RATES, 1e-12)
_, start = train(cache, out / "start", still)
once = {**still, **dict.fromkeys(RATES, 0.01), "warmup_epochs": 0.0}
once |= {"imbalance": "none"}
_, moving = train(cache, out / "once", once)
_, averaged = train(cache, out / "averaged", {**once, "ema": 0.9, "frozen_blocks": 1})
facts["moved"] = {"all": moved(start, moving), "held": moved(start, averaged)}
facts["averaged"] = moved(moving, averaged)
try:
    wrong = (head()[0][:-1], head()[1])
    fit_views(cache, out / "wrong", head=wrong, options=FineTune(**FINE_TUNE), **OPTIONS)
except ValueError as error:
    facts["wrong head"] = str(error)

# The start, by hand.
entries = cache.of_split("test")
tensors = stack([cache.load(entry).x for entry in entries])
x: Any = as_float(tensors)
begun: Any = keras.models.load_model(out / "start" / "classifier.keras", compile=False)
parts = []
for name in ("picture", "person"):
    for plane in (x[name][..., :3], x[name][..., [3, 3, 3]]):
        seen = np.array(begun.get_layer("backbone")(plane))
        parts += [seen.mean((1, 2)), seen.max((1, 2))]
arrays["features"] = np.concatenate([*parts, x["found"]], axis=1)
arrays["start"] = np.array(begun(x))

# Export.
network: Any = keras.models.load_model(out / "whole" / "classifier.keras", compile=False)
mirrored = {name: a[:, :, ::-1] if a.ndim == 4 else a for name, a in x.items()}
arrays["answers"], arrays["of mirrored"] = np.array(network(x)), np.array(network(mirrored))
validation = [(cache.load(e).x, cache.class_id(e)) for e in cache.of_split("val")]
about = {"recipe": cache.recipe, "classes": cache.classes, "tensors": tensors}
facts["parity"] = export(out / "whole", **about, validation=validation)
(out / "both").mkdir()
network.save(out / "both" / "classifier.keras")
facts["parity of both"] = export(out / "both", **about, validation=validation, mirror=True)


# Batches.
def batches(epoch: int = 0, **options: Any) -> list[tuple[Any, np.ndarray]]:
    data = train_batches(cache, batch=12, seed=0, epoch=lambda: epoch, augmentation=None, **options)
    return [({n: a.numpy() for n, a in x.items()}, y.numpy()) for x, y in data]


mixed, plain = batches(mixup=0.4)[1], batches()[1]
arrays |= {"mixed y": mixed[1], "y": plain[1]}
arrays |= {f"mixed {n}": a for n, a in mixed[0].items()} | plain[0]
again, other = batches(mixup=0.4)[1], batches(1, mixup=0.4)[1]
facts["mixed again"] = bool(np.array_equal(again[0]["person"], mixed[0]["person"]))
facts["mixed otherwise"] = not np.array_equal(other[1], mixed[1])
facts["shrunk"] = {n: a.shape for n, a in batches(shrink=0.5)[0][0].items()}
ids = np.array([0] * 20 + [1] * 3 + [2] * 2)
facts["balanced"] = [ids[balanced_order(ids, seed=0, epoch=e)].tolist() for e in (0, 1)]

# Arithmetic.
truth, guess = np.array([0, 2, 2]), np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1]])
shares = np.eye(3)[truth].astype(np.float32)
loss = SmoothedCrossentropy(0.3, focus=2.0, weights=[1.0, 2.0, 3.0])
facts["loss"] = [np.array(loss(y, guess.astype(np.float32))).item() for y in (truth, shares)]
facts["accuracy"] = [np.array(accuracy(y, guess)).tolist() for y in (truth, shares)]
score = MacroF1()
for part in (slice(0, 2), slice(2, 3)):
    score.update_state(truth[part], guess[part].astype(np.float32))
facts["macro F1"] = np.array(score.result()).item()

tunes = fine_tuning.LayerwiseAdam(0.1, shares={"slow": 0.25}, decay=0.5, average=0.9)
layers = [keras.layers.Dense(1, use_bias=False, name=name) for name in ("slow", "fast")]
for layer in layers:
    layer.build((2, 2))
variables = [layer.kernel for layer in layers]
arrays["before"] = np.stack([np.array(v) for v in variables])
arrays["gradients"] = np.random.default_rng(0).normal(size=(5, 2, 2, 1)).astype(np.float32)
for gradients in arrays["gradients"]:
    tunes.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
arrays["after"] = np.stack([np.array(v) for v in variables])
arrays["average"] = np.stack([np.array(v) for v in tunes.averages])
np.savez(out / "answers.npz", allow_pickle=False, **arrays)
(out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
