"""The loop of every training of stage 2: phases of epochs, each on disk before the next begins.

    out/training.json     what was asked and on which tensors; a rest of another training is refused
    out/states/NNN.keras  model and optimizer after epoch NNN; only the last and the best are kept
    out/history.csv       written after the state it tells of
    out/ended_early.json  where a training was ended by hand: its epochs, and those planned
    out/classifier.keras  the kept epoch, by default the best one by the monitor; written last

Killed at any time, the same calls go on after the last whole epoch and end with the same weights:
see `learning.epochs`. Knows nothing of what a tensor shows or how a model is built.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import keras
import tensorflow as tf

from pose_activity.annotations.types import LEARNED_FROM
from pose_activity.artifacts import atomic, manifest
from pose_activity.artifacts.events import EventLog
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.removal import remove_tree
from pose_activity.cache.store import Cache
from pose_activity.learning import optimization, saving
from pose_activity.learning.distribution import replicas_of
from pose_activity.learning.epochs import EpochRunner, Phase
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
Pictures = Callable[[keras.Model], Mapping[str, bytes]]  # name -> PNG file


def train(
    phases: Sequence[Phase],
    runner: EpochRunner,
    out: Path,
    *,
    asked: Mapping[str, Any],
    threads: int,
    patience: int | None = None,
    monitor: Monitor = LOSS,
    checkpoint: Literal["best", "last"] = "best",
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32",
    rebuild: Callable[[], keras.Model] | None = None,
    finish: bool = False,
    logs: Path | None = None,
    pictures: Pictures | None = None,
    on_progress: ProgressCallback | None = None,
) -> History:
    """Trains, or resumes an interrupted training, or returns the history of a finished one.

    Args:
        phases: In order.
        runner: What every epoch needs.
        out: See the module's header; made if it is not there.
        asked: All that decides the weights besides the cache, as JSON can say it.
        threads: Of TensorFlow; another number gives slightly other weights.
        patience: Epochs without a better value of the monitor after which a phase ends; None: none
            is ended early, nor where nothing is validated.
        monitor: Tells which epoch is the best one.
        checkpoint: Which epoch is kept: the best one by the monitor, or the last one.
        precision: Of the arithmetic in training, by Keras' names.
        rebuild: Makes the network that gets the weights: of the same layers, in float32, of the
            sizes of prediction; None where the trained one is such.
        finish: Whether to train no further and keep an epoch of those that were trained.
        logs: Folder for TensorBoard: what the history tells, from its first epoch on, and
            `out`/augmentations.png where it is there. None for none.
        pictures: Asked after each epoch, where there are `logs`, with the weights that are
            validated: what TensorBoard shows of the network. Epochs before an interruption have
            none.
        on_progress: Called with (done steps, all steps if nothing stops early, text).

    Returns:
        One entry per epoch.

    Raises:
        FloatingPointError: the loss is no longer finite.
        StaleError: `out` holds a training of other settings or tensors.
        ValueError: there is nothing to finish, or the networks do not measure what the monitor asks
            for.
    """
    _check_resumable(out, runner.cache, asked)
    if (out / CLASSIFIER).exists():
        return History.read(out / HISTORY, checkpoint=checkpoint, monitor=monitor)
    _make_deterministic(runner.seed, threads)
    if finish:
        _note_early_end(out, sum(phase.epochs for phase in phases))
    else:
        steps = sum(phase.epochs for phase in phases) * runner.steps

        def tell(done: int, text: str) -> None:
            if on_progress:
                on_progress(done, steps, text)

        with (
            optimization.computing_in(precision),
            _open_log(logs, out) as log,
            replicas_of(runner.replicas),
        ):
            for phase in phases:
                history = History.read(out / HISTORY, monitor=monitor)
                _run_phase(
                    phase,
                    runner,
                    out,
                    history,
                    patience=patience,
                    log=log,
                    pictures=pictures,
                    tell=tell,
                )
    history = History.read(out / HISTORY, checkpoint=checkpoint, monitor=monitor)
    _write_classifier(out, history, rebuild)
    return history


def asked_of(out: Path) -> dict[str, Any]:
    """Returns what a training was asked for: `asked` of `train`, and the tensors."""
    return json.loads((out / _ASKED).read_text(encoding="utf-8"))


def load_state(out: Path, epoch: int, *, compile: bool = True) -> keras.Model:
    """Loads the network after an epoch; with its optimizer, if it is to learn on."""
    network: Any = keras.models.load_model(_state_file(out, epoch), compile=compile)
    return network


def _check_resumable(out: Path, cache: Cache, asked: Mapping[str, Any]) -> None:
    """Marks `out` as the folder of this very training, or raises StaleError."""
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


def _make_deterministic(seed: int, threads: int) -> None:
    """Lets the same seed and number of threads give the same weights."""
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def _note_early_end(out: Path, planned: int) -> None:
    """Notes that a training ends with the epochs that it has; raises ValueError if it has none."""
    done = len(History.read(out / HISTORY).epochs)
    if not done:
        raise ValueError(
            f"A training can be finished after its first whole epoch. Received: none in {out}. "
            "Train on."
        )
    if done < planned:
        atomic.write_json(out / EARLY, {"epochs": done, "planned": planned})


def _run_phase(
    phase: Phase,
    runner: EpochRunner,
    out: Path,
    history: History,
    *,
    patience: int | None,
    log: EventLog | None,
    pictures: Pictures | None,
    tell: Callable[[int, str], None],
) -> None:
    """Runs what is left of one phase; each epoch's state is on disk before the history names it."""
    network = None
    while not _has_ended(history, phase, patience):
        if network is None:
            started = history.of_phase(phase.name).epochs
            network = load_state(out, started[-1].epoch) if started else phase.begin()
            runner.prepare(network, phase)
        if phase.rate:
            rate = phase.rate(history.of_phase(phase.name).epochs)
            network.optimizer.learning_rate = rate  # type: ignore[assignment]
        row = runner.run(network, phase, len(history.epochs), tell)
        _check_monitor(history.monitor, row)
        with atomic.replacing(_state_file(out, row.epoch)) as path:
            network.save(path)
        history = replace(history, epochs=(*history.epochs, row))
        history.write(out / HISTORY)
        if log:
            _log_epoch(log, row, time.time())
        if log and pictures:
            with averaged(network):
                found = pictures(network)
            for name, png in found.items():
                log.picture(name, png, step=row.epoch + 1)
        _prune(out, {history.epochs[-1].epoch, history.best.epoch})


def _write_classifier(
    out: Path, history: History, rebuild: Callable[[], keras.Model] | None
) -> None:
    """Writes the kept epoch's network without its optimizer, and drops the states.

    Where the optimizer kept an average of the weights, that is what is written.
    """
    learned = load_state(out, history.kept.epoch)
    take_averages(learned)
    weights = out / _STATES / "best.weights.h5"
    learned.save_weights(weights)
    kept: Any = rebuild() if rebuild else load_state(out, history.kept.epoch, compile=False)
    kept.load_weights(weights)
    saving.save(kept, out / CLASSIFIER)
    remove_tree(out / _STATES)


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
