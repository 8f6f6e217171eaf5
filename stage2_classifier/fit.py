"""Trains the classifier on a cache: first the head on a frozen backbone, then, if asked, all of it.

    out/training.json     what was asked and on which tensors; a rest of another training is refused
    out/states/NNN.keras  model and optimizer after epoch NNN; only the last and the best are kept
    out/history.csv       written after the state it tells of
    out/classifier.keras  the epoch with the lowest validation loss; written last

Killed at any time, the same call goes on after the last whole epoch and ends with the same weights:
batches, augmentation and dropout follow from (seed, epoch).
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from artifacts import atomic, manifest
from artifacts.events import EventLog
from cache.store import Cache
from stage2_classifier import augment as augmentations
from stage2_classifier.dataset import fixed_batches, train_batches
from stage2_classifier.history import Epoch, History
from stage2_classifier.models import learning, registry

CLASSIFIER, HISTORY = "classifier.keras", "history.csv"
_ASKED, _STATES = "training.json", "states"

Progress = Callable[[int, int, str], None]


def fit(
    cache: Cache,
    out: Path,
    *,
    model: str = "efficientnet_lite0",
    weights: str = "imagenet",
    adapter_start: Literal["identity", "random"] = "identity",
    train_adapter: bool = True,
    dropout: float = 0.2,
    batch: int = 32,
    epochs: int = 25,
    learning_rate: float = 1e-3,
    fine_tune_epochs: int = 0,
    fine_tune_learning_rate: float = 1e-4,
    fine_tune_layers: int | None = None,
    patience: int = 5,
    class_weights: bool = False,
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32",
    augment: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 2,
    logs: Path | None = None,
    on_progress: Progress | None = None,
) -> History:
    """Trains, or goes on with an interrupted training, or returns the history of a finished one.

    Args:
        cache: Its splits "train" and "val" are used.
        out: Folder for what the module's header lists.
        model: A key of `models.registry.MODELS`.
        weights: "none", a name that the model publishes, or a path; see `registry.find_weights`.
        adapter_start: "identity" or "random"; see `models.adapter`.
        train_adapter: Whether the two adapter convolutions learn from the first epoch on. An
            untrained identity adapter sees RGB only; training it costs more than twice the time,
            since the gradient must then pass the whole backbone.
        dropout: Share of features left out in training.
        batch: Images per step.
        epochs: At most, with a frozen backbone; may be 0.
        learning_rate: Adam's, with a frozen backbone.
        fine_tune_epochs: At most, after those; 0 for none.
        fine_tune_learning_rate: Adam's, then.
        fine_tune_layers: How many of the backbone's last layers learn then; None for all. Its
            batch normalisation stays in inference mode always.
        patience: Epochs without a lower validation loss after which a phase ends.
        class_weights: Whether rare classes weigh more, by n / (classes * n_class).
        precision: Of the arithmetic in training, by Keras' names; a mixed one is faster on hardware
            that has it. The head computes in float32, weights and `classifier.keras` are float32.
        augment: Keywords of `augment.build`; None for no augmentation.
        seed: Of everything random.
        threads: Of TensorFlow; another number gives slightly other weights.
        logs: Folder for TensorBoard: what the history tells, from its first epoch on, and
            `out`/augmentations.png where it is there. None for none.
        on_progress: Called with (done steps, all steps if nothing stops early, text); before the
            first step with what `registry.find_weights` says.

    Returns:
        One entry per epoch.

    Raises:
        ValueError: "train" or "val" is empty, there is no epoch to run, or no such weights.
        WeightsError: the weights could not be downloaded.
        FloatingPointError: the loss is no longer finite.
        StaleError: `out` holds a training of other settings or tensors.
    """
    asked = {name: value for name, value in locals().items() if name not in _NOT_ASKED}
    _check(cache, epochs + fine_tune_epochs)
    start = registry.find_weights(model, weights, on_progress=on_progress)
    asked |= {"augment": dict(augment) if augment else None, "weights_sha256": _sha256(start)}
    _claim(out, cache, asked)
    if (out / CLASSIFIER).exists():
        return History.read(out / HISTORY)
    _make_deterministic(seed, threads)
    lesson = _Lesson(
        cache=cache,
        batch=batch,
        seed=seed,
        augmentation=augmentations.build(cache.recipe.planes, **augment) if augment else None,
        class_weights=_class_weights(cache) if class_weights else None,
        on_progress=on_progress,
        all_epochs=epochs + fine_tune_epochs,
    )

    def build(weights: Path | None) -> keras.Model:
        recipe = cache.recipe
        return registry.build(
            model,
            height=recipe.height,
            width=recipe.width,
            planes=recipe.planes,
            classes=len(cache.classes),
            weights=weights,
            adapter_start=adapter_start,
            dropout=dropout,
        )

    def begin() -> keras.Model:
        return learning.freeze(build(start), train_adapter, learning_rate)

    def begin_fine_tuning() -> keras.Model:
        history = History.read(out / HISTORY)
        network = _load_state(out, history.best.epoch) if history.epochs else begin()
        return learning.thaw(network, fine_tune_layers, fine_tune_learning_rate)

    phases = (("head", epochs, begin), ("fine_tune", fine_tune_epochs, begin_fine_tuning))
    with learning.computing_in(precision), _open_log(logs, out) as log:
        for phase, number, start_phase in phases:
            _run_phase(
                phase, number, start_phase, lesson=lesson, out=out, patience=patience, log=log
            )
    return _finish(out, None if precision == "float32" else lambda: build(None))


_NOT_ASKED = ("cache", "out", "logs", "on_progress")


@dataclass(frozen=True)
class _Lesson:
    """What every epoch needs."""

    cache: Cache
    batch: int
    seed: int
    augmentation: augmentations.Augmentation | None
    class_weights: dict[int, float] | None
    on_progress: Progress | None
    all_epochs: int

    def run(self, network: keras.Model, phase: str, epoch: int) -> Epoch:
        """Trains one epoch, in place, and validates."""
        started = time.monotonic()
        learning.reseed(network, self.seed, epoch)
        result = network.fit(
            train_batches(
                self.cache,
                batch=self.batch,
                seed=self.seed,
                epoch=epoch,
                augmentation=self.augmentation,
            ),
            validation_data=fixed_batches(self.cache, self.cache.of_split("val"), batch=self.batch),
            class_weight=self.class_weights,
            callbacks=[self._progress(phase, epoch)],
            shuffle=False,  # the batches come in their order
            verbose=0,  # type: ignore[arg-type]
        )
        values = {name: float(series[0]) for name, series in result.history.items()}
        if not np.isfinite([values["loss"], values["val_loss"]]).all():
            raise FloatingPointError(
                f"The loss must stay finite. Received: {values} in epoch {epoch + 1} ({phase}). "
                "Lower the learning rate of that phase."
            )
        return Epoch(
            epoch=epoch,
            phase=phase,
            learning_rate=float(np.array(network.optimizer.learning_rate)),
            seconds=round(time.monotonic() - started, 3),
            **{name: values[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")},
        )

    def _progress(self, phase: str, epoch: int) -> keras.callbacks.Callback:
        steps = -(-len(self.cache.of_split("train")) // self.batch)

        def tell(step: int, logs: Mapping[str, float] | None) -> None:
            if self.on_progress:
                text = f"{phase} epoch {epoch + 1}: loss {(logs or {}).get('loss', np.nan):.3f}"
                self.on_progress(epoch * steps + step + 1, self.all_epochs * steps, text)

        return keras.callbacks.LambdaCallback(on_train_batch_end=tell)


def _run_phase(
    phase: str,
    epochs: int,
    begin: Callable[[], keras.Model],
    *,
    lesson: _Lesson,
    out: Path,
    patience: int,
    log: EventLog | None,
) -> None:
    """Runs what is left of one phase; each epoch's state is on disk before the history names it."""
    history = History.read(out / HISTORY)
    network = None
    while not _has_ended(history, phase, epochs, patience):
        if network is None:
            started = history.of_phase(phase).epochs
            network = _load_state(out, started[-1].epoch) if started else begin()
        row = lesson.run(network, phase, len(history.epochs))
        with atomic.replacing(_state_file(out, row.epoch)) as path:
            network.save(path)
        history = History((*history.epochs, row))
        history.write(out / HISTORY)
        if log:
            _log_epoch(log, row, time.time())
        _prune(out, {history.epochs[-1].epoch, history.best.epoch})


def _open_log(logs: Path | None, out: Path) -> AbstractContextManager[EventLog | None]:
    """Opens the log and tells the epochs before an interruption, as if they ended just now."""
    if logs is None:
        return nullcontext()
    log, epochs = EventLog(logs), History.read(out / HISTORY).epochs
    at = time.time() - sum(epoch.seconds for epoch in epochs)
    for epoch in epochs:
        at += epoch.seconds
        _log_epoch(log, epoch, at)
    picture = out / "augmentations.png"
    if picture.exists():
        log.picture("augmentations", picture.read_bytes())
    return log


def _log_epoch(log: EventLog, epoch: Epoch, at: float) -> None:
    values = {
        "loss/train": epoch.loss,
        "loss/val": epoch.val_loss,
        "accuracy/train": epoch.accuracy,
        "accuracy/val": epoch.val_accuracy,
        "learning_rate": epoch.learning_rate,
        "seconds": epoch.seconds,
    }
    log.scalars(epoch.epoch + 1, values, at=at)


def _has_ended(history: History, phase: str, epochs: int, patience: int) -> bool:
    done = history.of_phase(phase)
    followed = bool(done.epochs) and history.epochs[-1].phase != phase
    return followed or len(done.epochs) >= epochs or done.waited() >= patience


def _finish(out: Path, build: Callable[[], keras.Model] | None) -> History:
    """Writes the best epoch's network without its optimizer, and drops the states.

    Args:
        out: Where the states are.
        build: Makes the same graph in float32, which gets the weights; None if it is float32.
    """
    history = History.read(out / HISTORY)
    state = _state_file(out, history.best.epoch)
    best: Any = keras.models.load_model(state, compile=False)
    if build:
        weights = out / _STATES / "best.weights.h5"
        best.save_weights(weights)
        best = build()
        best.load_weights(weights)
    with atomic.replacing(out / CLASSIFIER) as path:
        best.save(path)
    shutil.rmtree(out / _STATES)
    return history


def _make_deterministic(seed: int, threads: int) -> None:
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def _class_weights(cache: Cache) -> dict[int, float]:
    ids = [cache.class_id(entry) for entry in cache.of_split("train")]
    counts = np.bincount(ids, minlength=len(cache.classes))
    return {i: len(ids) / (len(counts) * int(n)) if n else 0.0 for i, n in enumerate(counts)}


def _check(cache: Cache, epochs: int) -> None:
    counts = {split: len(cache.of_split(split)) for split in ("train", "val")}
    if not all(counts.values()):
        raise ValueError(
            "Training needs images in the splits 'train' and 'val' (val chooses the epoch to "
            f"keep). Received: {counts}. Change the split's sizes and build the cache again."
        )
    if epochs < 1:
        raise ValueError(f"epochs + fine_tune_epochs must be at least 1. Received: {epochs}")


def _sha256(path: Path | None) -> str | None:
    return path and manifest.sha256_file(path)


def _claim(out: Path, cache: Cache, asked: Mapping[str, Any]) -> None:
    """Marks `out` as this training's; a rest of another one is refused."""
    recipe = {**asked, "recipe": cache.recipe.as_json(), "classes": list(cache.classes)}
    tensors = [[entry.key, entry.label, entry.split, entry.sha256] for entry in cache.entries]
    now = {**recipe, "tensors": manifest.sha256_json(tensors)}
    path = out / _ASKED
    if not path.exists():
        atomic.write_json(path, now)
        return
    lines = manifest.differences(json.loads(path.read_text()), json.loads(json.dumps(now)))
    if lines:
        raise manifest.StaleError(
            f"{out} holds a training that was asked for otherwise: {'; '.join(lines)}. "
            "Ask for the same again, delete the folder, or choose another run_dir."
        )


def _state_file(out: Path, epoch: int) -> Path:
    return out / _STATES / f"{epoch:03d}.keras"


def _load_state(out: Path, epoch: int) -> keras.Model:
    network: Any = keras.models.load_model(_state_file(out, epoch))
    return network


def _prune(out: Path, keep: set[int]) -> None:
    kept = {_state_file(out, epoch) for epoch in keep}
    for path in (out / _STATES).iterdir():
        if path not in kept:
            path.unlink()
