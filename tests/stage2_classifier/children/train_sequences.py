"""Several trainings of a tiny model, and an export (argv: cache, out); writes facts.json."""

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from child_sequences import OPTIONS, digest_of, fit, rows_of, train

from pose_activity.artifacts.manifest import StaleError
from pose_activity.cache.store import Cache, open_cache
from pose_activity.learning import optimization
from pose_activity.stage2_classifier.export_sequences import export

cache, out = open_cache(Path(sys.argv[1])), Path(sys.argv[2])
facts: dict[str, Any] = {}


def message_of(error: type[Exception], call) -> str:
    try:
        call()
    except error as raised:
        return str(raised)
    return "nothing was raised"


# Trainings.
told = []
history, weights = train(cache, out / "whole", on_progress=lambda *call: told.append(call))
facts["digest"], facts["history"] = weights, rows_of(history)
facts["rates"] = [epoch.learning_rate for epoch in history.epochs]
facts["told"] = [told[0], told[-1]]
facts["files"] = sorted(p.relative_to(out / "whole").as_posix() for p in out.glob("whole/**/*"))
again = fit(cache, out / "whole", **OPTIONS, on_progress=lambda *call: told.append("again"))
facts["again"] = [again == history, "again" in told]
facts["stale"] = message_of(
    StaleError, lambda: fit(cache, out / "whole", **{**OPTIONS, "options": {"units": 7}})
)

plain = {"schedule": "constant", "warmup_epochs": 0, "weight_decay": 0, "label_smoothing": 0}
plain |= {"augment": None, "dropout": 0}
no_val = Cache(cache.folder, cache.recipe, cache.classes, tuple(cache.of_split("train")))
alone, facts["without val"] = train(no_val, out / "no_val", patience=1)
facts["alone"] = rows_of(alone)

long = {**plain, "epochs": 40, "learning_rate": 0.3, "patience": 2, "checkpoint": "best"}
stopped, _ = train(cache, out / "stopped", **long)
facts["stopped"] = [[e.metrics["val_loss"] for e in stopped.epochs], stopped.best.epoch]
kept: Any = keras.models.load_model(out / "stopped" / "classifier.keras", compile=False)
held_out = cache.of_split("val")
answers = np.array(kept(np.stack([cache.load(e).x for e in held_out])))
of_label = answers[np.arange(len(held_out)), [cache.class_id(e) for e in held_out]]
facts["kept_loss"] = float(-np.log(of_label).mean())

calm = {**plain, "epochs": 12, "batch": 32, "learning_rate": 0.05, "class_weights": True}
facts["learned"] = rows_of(train(cache, out / "learned", **calm)[0])

# Mistakes.
empty = Cache(cache.folder, cache.recipe, cache.classes, tuple(cache.of_split("val")))
facts["no_train"] = message_of(ValueError, lambda: fit(empty, out / "no"))
facts["no_epoch"] = message_of(ValueError, lambda: fit(cache, out / "no", epochs=0))
facts["no_model"] = message_of(ValueError, lambda: fit(cache, out / "no", model="lstmm"))
facts["no_option"] = message_of(
    ValueError, lambda: fit(cache, out / "no", model="tiny", options={"unit": 3})
)
facts["refused made"] = (out / "no").exists()
facts["no_schedule"] = message_of(
    ValueError,
    lambda: optimization.rate(0.1, "linear", steps=9, warmup_steps=0),  # type: ignore[arg-type]
)
facts["long_warmup"] = message_of(
    ValueError, lambda: optimization.rate(0.1, "cosine", steps=9, warmup_steps=9)
)

# The loss.
truth, guess = np.array([0, 2]), np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], np.float32)
facts["smoothed"] = np.array(optimization.SmoothedCrossentropy(0.3)(truth, guess)).item()
facts["sharp"] = np.array(optimization.SmoothedCrossentropy()(truth, guess)).item()

# Export.
windows = [(cache.load(e).x, cache.class_id(e)) for e in held_out]
tensors = np.stack([tensor for tensor, _ in windows])
parts = {"recipe": cache.recipe, "classes": cache.classes, "tensors": tensors}
facts["not exact"] = message_of(ValueError, lambda: export(out / "whole", **parts, tolerance=-1.0))
facts["graphs"] = [path.name for path in (out / "whole").glob("classifier.[oj]*")]
clips = [f"{label}, {i % 2}" for i, (_, label) in enumerate(windows)]
more = {"clips": clips, "unknown_precision": 0.5, "least_seen": 0.4}
facts["parity"] = export(out / "whole", **parts, validation=windows, **more)
network: Any = keras.models.load_model(out / "whole" / "classifier.keras", compile=False)
embeds = keras.Model(network.input, network.get_layer("embedding").output)
np.savez(
    out / "answers.npz",
    tensors=tensors,
    labels=[label for _, label in windows],
    clips=clips,
    probabilities=np.array(network(tensors)),
    embeddings=np.array(embeds(tensors)),
)
facts["digest after"] = digest_of(out / "whole")
(out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
