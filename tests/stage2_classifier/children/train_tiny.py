"""Several trainings of the tiny model and looks at the batches; writes facts.json."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from child_pictures import OPTIONS, digest, fit, train, weights_of
from sklearn.metrics import f1_score

from pose_activity.artifacts.manifest import StaleError
from pose_activity.cache.store import Cache, open_cache
from pose_activity.learning import optimization
from pose_activity.learning.augmentation_seed import of_inputs
from pose_activity.learning.batches import fixed_batches, train_batches
from pose_activity.learning.metrics import MacroF1
from pose_activity.stage2_classifier import augment
from pose_activity.stage2_classifier.export import export
from pose_activity.stage2_classifier.models.images import assembly

cache, out = open_cache(Path(sys.argv[1])), Path(sys.argv[2])
facts = {}


def message_of(error: type[Exception], call) -> str:
    try:
        call()
    except error as raised:
        return str(raised)
    return "nothing was raised"


def moved(a, b) -> list[str]:
    return sorted(name for name in a if not np.array_equal(a[name], b[name]))


def inputs_of(split: str) -> np.ndarray:
    return np.stack([cache.load(e).x for e in cache.of_split(split)]).astype("float32")


def loss_of(network: Any) -> float:
    """Returns the mean cross-entropy on val."""
    entries = cache.of_split("val")
    answers = np.array(network(inputs_of("val")))
    of_label = answers[np.arange(len(entries)), [cache.class_id(e) for e in entries]]
    return float(-np.log(np.maximum(of_label, 1e-7)).mean())


# Trainings.
told, traced = [], []
step: Any = keras.Model.train_step
keras.Model.train_step = lambda network, data: traced.append(network) or step(network, data)
history, weights = train(cache, out / "whole", on_progress=lambda *call: told.append(call))
keras.Model.train_step = step
facts["traced"] = len(traced)
facts["digest"] = digest(weights)
facts["history"] = [[e.phase, *e.metrics.values()] for e in history.epochs]
facts["metrics"] = [*history.epochs[0].metrics]
facts["told"] = [told[0], told[-1]]
facts["files"] = sorted(p.relative_to(out).as_posix() for p in (out / "whole").rglob("*"))
again, _ = train(cache, out / "whole", on_progress=lambda *call: told.append("again"))
facts["again"] = [again == history, "again" in told]
facts["stale"] = message_of(StaleError, lambda: fit(cache, out / "whole", **OPTIONS, dropout=0.5))

keras.utils.set_random_seed(0)
network = assembly.build(
    "tiny",
    height=64,
    width=64,
    planes=cache.recipe.planes,
    classes=3,
    weights=None,
    adapter_start="identity",
    dropout=0.2,
)
start = weights_of(network)
facts["whole_moves"] = moved(start, weights)

optimization.thaw(optimization.freeze(network, False, 1e-3), None, 1e-3)
facts["thawed"] = [weight.path for weight in network.trainable_variables]

# Mixed precision.
for precision in ("mixed_bfloat16", "mixed_float16"):
    mixed, weights = train(cache, out / precision, precision=precision, epochs=0)
    final: Any = keras.models.load_model(out / precision / "classifier.keras", compile=False)
    facts[precision] = {
        "digest": digest(weights),
        "losses": [epoch.metrics["loss"] for epoch in mixed.epochs],
        "policies": sorted({layer.dtype_policy.name for layer in final._flatten_layers()}),
        "kept_loss": loss_of(final),
        "best": mixed.best.metrics["val_loss"],
    }
facts["policy_after"] = keras.config.dtype_policy().name

worse = {"epochs": 9, "fine_tune_epochs": 0, "patience": 2, "learning_rate": 0.1, "augment": None}
stopped, head = train(cache, out / "stopped", **worse)
facts["stopped"] = [[e.metrics["val_loss"] for e in stopped.epochs], stopped.best.epoch]
kept: Any = keras.models.load_model(out / "stopped" / "classifier.keras", compile=False)
facts["kept_loss"] = loss_of(kept)
facts["head_moves"] = moved(start, head)

by_f1 = {"epochs": 2, "fine_tune_epochs": 1, "monitor": "macro_f1"}
chosen, _ = train(cache, out / "chosen", **by_f1)
facts["chosen"] = [[e.metrics["val_macro_f1"] for e in chosen.epochs], chosen.kept.epoch]
best: Any = keras.models.load_model(out / "chosen" / "classifier.keras", compile=False)
facts["chosen_f1"] = f1_score(
    [cache.class_id(e) for e in cache.of_split("val")],
    best.predict_on_batch(inputs_of("val")).argmax(1),
    average="macro",
)

rng = np.random.default_rng(0)
truth, guess = rng.integers(0, 4, (6, 3)), rng.random((6, 3, 7)).astype("float32")
guess[..., 5:] = 0  # neither occur nor are predicted
metric = MacroF1.from_config(MacroF1().get_config())
for part in (slice(4), slice(4, 6)):
    metric.update_state(truth[part], guess[part])
expected = f1_score(truth.ravel(), guess.argmax(-1).ravel(), average="macro")
facts["macro_f1"] = [float(metric.result()), expected]

once = {"epochs": 1, "fine_tune_epochs": 0, "augment": None, "train_adapter": False}
rare = [e for e in cache.entries if e.target != "jumping" or e.split != "train"]
rare += [e for e in cache.entries if e.target == "jumping" and e.split == "train"][:2]
few = Cache(cache.folder, cache.recipe, cache.classes, tuple(rare))
alone = train(few, out / "alone", **once)[1]
facts["no_adapter_moves"] = moved(start, alone)
weighted = train(few, out / "weighted", **once, class_weights=True)[1]
facts["class_weights_matter"] = bool(moved(alone, weighted))
last = {**once, "epochs": 0, "fine_tune_epochs": 1, "fine_tune_layers": 1}
facts["last_moves"] = moved(start, train(few, out / "last", **last)[1])

no_val = Cache(cache.folder, cache.recipe, cache.classes, tuple(cache.of_split("train")))
facts["no_val"] = message_of(ValueError, lambda: fit(no_val, out / "no_val"))
facts["no_epoch"] = message_of(ValueError, lambda: fit(cache, out / "no", epochs=0))
broken = {**OPTIONS, "learning_rate": 1e30, "augment": None}
facts["diverged"] = message_of(FloatingPointError, lambda: fit(cache, out / "inf", **broken))


# Export.
parts = {"recipe": cache.recipe, "classes": cache.classes}
one = cache.load(cache.entries[0]).x[None]
facts["refused"] = message_of(
    ValueError, lambda: export(out / "whole", **parts, tensors=one, tolerance=-1.0)
)
facts["graphs"] = [path.name for path in (out / "whole").glob("classifier.[oj]*")]
facts["parity"] = export(out / "whole", **parts, tensors=one)


# Batches.
def batches(epoch: int, augmentation=None, seed: int = 0, of: Cache = cache, batch: int = 5):
    data = train_batches(of, batch=batch, seed=seed, epoch=lambda: epoch, augmentation=augmentation)
    return [(x.numpy(), y.numpy()) for x, y in data]


def read(*arguments, **options):
    pairs = batches(*arguments, **options)
    return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])


change = of_inputs(augment.build(cache.recipe.planes))
x, y = read(0)
(changed, same_y), (changed_again, _) = read(0, change), read(0, change)
x_there, y_there = read(0, change, of=open_cache(cache.folder.with_name("memory_map")))
facts["memory_map"] = bool(np.array_equal(changed, x_there) and np.array_equal(same_y, y_there))
facts["dtypes"] = [str(x.dtype), str(y.dtype), list(x.shape), float(x.max())]
facts["repeats"] = bool(np.array_equal(changed, changed_again) and np.array_equal(y, same_y))
facts["augmented"] = not np.array_equal(x, changed)
facts["other_epoch"] = not np.array_equal(x, read(1)[0])
facts["other_seed"] = not np.array_equal(x, read(0, seed=1)[0])
facts["each_once"] = sorted(x.sum((1, 2, 3)).tolist()) == sorted(
    float(cache.load(e).x.sum()) for e in cache.of_split("train")
)
fixed = list(fixed_batches(cache, cache.of_split("val"), batch=4))
facts["fixed"] = bool(
    np.array_equal(
        np.concatenate([a.numpy() for a, _ in fixed]),
        [cache.load(e).x for e in cache.of_split("val")],
    )
)
facts["sizes"] = [len(y) for _, y in batches(0, batch=23)]
facts["fixed_sizes"] = [len(a) for a, _ in fixed]
facts["fixed_labels"] = [int(i) for _, b in fixed for i in b]
(out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
