"""The loop of every training of stage 2: phases of epochs, each on disk before the next begins.

    out/training.json     what was asked and on which tensors; a rest of another training is refused
    out/states/NNN.keras  model and optimizer after epoch NNN; only the last and the best are kept
    out/history.csv       written after the state it tells of
    out/ended_early.json  where a training was ended by hand: its epochs, and those planned
    out/classifier.keras  the kept epoch, by default the best one by the monitor; written last

Killed at any time, the same calls go on after the last whole epoch and end with the same weights:
batches, augmentation and dropout follow from (seed, epoch). Knows nothing of what a tensor shows
or how a model is built.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from pose_activity.annotations.types import LEARNED_FROM
from pose_activity.artifacts import atomic, manifest
from pose_activity.artifacts.events import EventLog
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.removal import remove_tree
from pose_activity.cache.store import Cache
from pose_activity.learning import optimization
from pose_activity.learning.augmentation import Augmentation
from pose_activity.learning.batches import fixed_batches, train_batches
from pose_activity.learning.fine_tuning import averaged, take_averages
from pose_activity.learning.history import (
    LOSS,
    TRAINING_FILES,
    VALIDATION,
    Epoch,
    History,
    Monitor,
)

CLASSIFIER, _STATES, HISTORY, EARLY, _ASKED = TRAINING_FILES


@dataclass(frozen=True)
class Phase:
    """A run of epochs between which nothing but weights and optimizer changes.

    Attributes:
        name: Stands in the history.
        epochs: At most; may be 0.
        begin: Returns the compiled network that the phase starts with. Not called where the phase
            goes on from a state.
        shrink: Factor of the height and width of training pictures; validation keeps theirs.
    """

    name: str
    epochs: int
    begin: Callable[[], keras.Model]
    shrink: float = 1.0


class EpochRunner:
    """What every epoch needs.

    Attributes:
        steps: How many an epoch has.
    """

    def __init__(
        self,
        cache: Cache,
        *,
        batch: int,
        seed: int,
        augmentation: Augmentation | None,
        class_weights: dict[int, float] | None = None,
        mixup: float = 0.0,
        balanced: bool = False,
    ) -> None:
        """Builds the batches.

        Args:
            cache: Its split "train" is learned from, "val" is judged on; "val" may be empty.
            batch: Tensors per step.
            seed: Of the whole training.
            augmentation: Changes each example, inputs and target, or None.
            class_weights: Class id -> weight in the loss, or None.
            mixup: See `batches.train_batches`.
            balanced: See there.
        """
        self.steps = -(-len(cache.of_split("train")) // batch)
        self._seed, self._class_weights, self._epoch = seed, class_weights, 0
        self._training = lru_cache(
            partial(
                train_batches,
                cache,
                batch=batch,
                seed=seed,
                epoch=lambda: self._epoch,
                augmentation=augmentation,
                mixup=mixup,
                balanced=balanced,
            )
        )
        held_out = cache.of_split("val")
        self._validation = fixed_batches(cache, held_out, batch=batch) if held_out else None

    def run(
        self, network: keras.Model, phase: Phase, epoch: int, tell: Callable[[int, str], None]
    ) -> Epoch:
        """Trains one epoch, in place, and validates.

        Args:
            network: Compiled.
            phase: To which the epoch belongs.
            epoch: Counted from 0 over all phases.
            tell: Called with (finished steps of all epochs, text).

        Raises:
            FloatingPointError: the loss is no longer finite.
        """
        started = time.monotonic()
        optimization.reseed(network, self._seed, epoch)
        self._epoch = epoch

        def on_step(step: int, logs: Mapping[str, float] | None) -> None:
            loss = (logs or {}).get("loss", np.nan)
            tell(epoch * self.steps + step + 1, f"{phase.name} epoch {epoch + 1}: loss {loss:.3f}")

        result = network.fit(
            self._training(shrink=phase.shrink),
            class_weight=self._class_weights,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=on_step)],
            shuffle=False,  # the batches come in their order
            verbose=0,  # type: ignore[arg-type]
        )
        values = {name: float(series[0]) for name, series in result.history.items()}
        values |= self._judge(network)
        if not np.isfinite([values[name] for name in ("loss", "val_loss") if name in values]).all():
            raise FloatingPointError(
                f"The loss must stay finite. Received: {values} in epoch {epoch + 1} "
                f"({phase.name}). Lower the learning rate of that phase."
            )
        return Epoch(
            epoch=epoch,
            phase=phase.name,
            learning_rate=float(np.array(network.optimizer.learning_rate)),
            metrics={name: values[name] for name in sorted(values, key=_place)},
            seconds=round(time.monotonic() - started, 3),
        )

    def _judge(self, network: keras.Model) -> dict[str, float]:
        """Returns the figures on the validation tensors, of averaged weights where there are."""
        if self._validation is None:
            return {}
        with averaged(network):
            judge: Any = network.evaluate  # its own types know no return_dict
            found = judge(self._validation, return_dict=True, verbose=0)
        return {f"{VALIDATION}{name}": float(value) for name, value in found.items()}


def _place(metric: str) -> tuple[bool, bool, str]:
    """Sorts names of metrics: training before validation, and the loss first."""
    return metric.startswith(VALIDATION), not metric.endswith("loss"), metric


def make_deterministic(seed: int, threads: int) -> None:
    """Lets the same seed and number of threads give the same weights; call it before building."""
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def class_weights(cache: Cache) -> dict[int, float]:
    """Returns weights by which rare classes of "train" weigh more: n / (classes * n_class).

    Raises:
        ValueError: the targets are not class names.
    """
    entries = cache.of_split("train")
    if any(entry.target is None for entry in entries):
        raise ValueError("Class weights need class names as targets. Received: entries without one")
    ids = [cache.class_id(entry) for entry in entries]
    counts = np.bincount(ids, minlength=len(cache.classes))
    return {i: len(ids) / (len(counts) * int(n)) if n else 0.0 for i, n in enumerate(counts)}


def check_resumable(out: Path, cache: Cache, asked: Mapping[str, Any]) -> None:
    """Marks `out` as the folder of this very training.

    Args:
        out: The folder, made if it is not there.
        cache: What is learned from.
        asked: All that decides the weights besides the cache, as JSON can say it.

    Raises:
        StaleError: it holds a training of other settings or tensors.
    """
    recipe = {**asked, "recipe": cache.recipe.as_json(), "classes": list(cache.classes)}
    now = {**recipe, "tensors": cache.digest(LEARNED_FROM)}
    lines = manifest.begun(out / _ASKED, now, section="stage2")
    if lines is None:
        atomic.write_json(out / _ASKED, now)
    elif lines:
        raise manifest.StaleError(
            f"{out} holds a training that was asked for otherwise: {'; '.join(lines)}. "
            "Ask for the same again, delete the folder, or choose another run_dir."
        )


def asked_of(out: Path) -> dict[str, Any]:
    """Returns what `check_resumable` noted."""
    return json.loads((out / _ASKED).read_text(encoding="utf-8"))


def run(
    phases: Sequence[Phase],
    lesson: EpochRunner,
    out: Path,
    *,
    patience: int | None,
    monitor: Monitor = LOSS,
    logs: Path | None,
    on_progress: ProgressCallback | None,
) -> None:
    """Runs what is left of the phases.

    Args:
        phases: In order.
        lesson: What every epoch needs.
        out: See the module's header.
        patience: Epochs without a better value of the monitor after which a phase ends; None: none
            is ended early, nor where nothing is validated.
        monitor: Tells which epoch is the best one.
        logs: Folder for TensorBoard: what the history tells, from its first epoch on, and
            `out`/augmentations.png where it is there. None for none.
        on_progress: Called with (done steps, all steps if nothing stops early, text).

    Raises:
        FloatingPointError: the loss is no longer finite.
        ValueError: the networks do not measure what the monitor asks for.
    """
    steps = sum(phase.epochs for phase in phases) * lesson.steps

    def tell(done: int, text: str) -> None:
        if on_progress:
            on_progress(done, steps, text)

    with _open_log(logs, out) as log:
        for phase in phases:
            history = History.read(out / HISTORY, monitor=monitor)
            _run_phase(phase, lesson, out, history, patience=patience, log=log, tell=tell)


def note_early_end(out: Path, planned: int) -> None:
    """Notes that the training in `out` ends with the epochs that it has.

    Args:
        out: See the module's header.
        planned: Epochs that were asked for.

    Raises:
        ValueError: not one epoch is whole.
    """
    done = len(History.read(out / HISTORY).epochs)
    if not done:
        raise ValueError(
            f"A training can be finished after its first whole epoch. Received: none in {out}. "
            "Train on."
        )
    if done < planned:
        atomic.write_json(out / EARLY, {"epochs": done, "planned": planned})


def finish(
    out: Path,
    *,
    checkpoint: Literal["best", "last"] = "best",
    monitor: Monitor = LOSS,
    rebuild: Callable[[], keras.Model] | None = None,
) -> History:
    """Writes the kept epoch's network without its optimizer, and drops the states.

    Where the optimizer kept an average of the weights, that is what is written.

    Args:
        out: Where the states are.
        checkpoint: "best": the best epoch by the monitor; "last": the last one.
        monitor: Tells which epoch is the best one.
        rebuild: Makes the graph that gets the weights: of the same layers, in float32, of the sizes
            of prediction; None where the trained one is such.

    Returns:
        The whole history.
    """
    history = History.read(out / HISTORY, checkpoint=checkpoint, monitor=monitor)
    learned = load_state(out, history.kept.epoch)
    take_averages(learned)
    weights = out / _STATES / "best.weights.h5"
    learned.save_weights(weights)
    kept: Any = rebuild() if rebuild else load_state(out, history.kept.epoch, compile=False)
    kept.load_weights(weights)
    with atomic.replacing(out / CLASSIFIER) as path:
        kept.save(path)
    remove_tree(out / _STATES)
    return history


def load_state(out: Path, epoch: int, *, compile: bool = True) -> keras.Model:
    """Loads the network after an epoch; with its optimizer, if it is to learn on."""
    network: Any = keras.models.load_model(_state_file(out, epoch), compile=compile)
    return network


def _run_phase(
    phase: Phase,
    lesson: EpochRunner,
    out: Path,
    history: History,
    *,
    patience: int | None,
    log: EventLog | None,
    tell: Callable[[int, str], None],
) -> None:
    """Runs what is left of one phase; each epoch's state is on disk before the history names it."""
    network = None
    while not _has_ended(history, phase, patience):
        if network is None:
            started = history.of_phase(phase.name).epochs
            network = load_state(out, started[-1].epoch) if started else phase.begin()
        row = lesson.run(network, phase, len(history.epochs), tell)
        _check_monitor(history.monitor, row)
        with atomic.replacing(_state_file(out, row.epoch)) as path:
            network.save(path)
        history = replace(history, epochs=(*history.epochs, row))
        history.write(out / HISTORY)
        if log:
            _log_epoch(log, row, time.time())
        _prune(out, {history.epochs[-1].epoch, history.best.epoch})


def _check_monitor(monitor: Monitor, row: Epoch) -> None:
    validated = any(name.startswith(VALIDATION) for name in row.metrics)
    if validated and monitor.metric not in row.metrics:
        raise ValueError(
            f"The monitor must be one of the metrics {[*row.metrics]}. Received: "
            f"{monitor.metric!r}. Compile the network with it."
        )


def _has_ended(history: History, phase: Phase, patience: int | None) -> bool:
    done = history.of_phase(phase.name)
    followed = bool(done.epochs) and history.epochs[-1].phase != phase.name
    waited = patience is not None and done.waited() >= patience
    return followed or len(done.epochs) >= phase.epochs or waited


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
    values = {"learning_rate": epoch.learning_rate, "seconds": epoch.seconds}
    for name, value in epoch.metrics.items():
        metric = name.removeprefix(VALIDATION)
        values[f"{metric}/{'train' if metric == name else 'val'}"] = value
    log.scalars(epoch.epoch + 1, values, at=at)


def _state_file(out: Path, epoch: int) -> Path:
    return out / _STATES / f"{epoch:03d}.keras"


def _prune(out: Path, keep: set[int]) -> None:
    kept = {_state_file(out, epoch) for epoch in keep}
    for path in (out / _STATES).iterdir():
        if path not in kept:
            path.unlink()
