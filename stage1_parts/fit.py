"""Trains a network of body parts.

What lies in the folder, and what becomes of a training that is killed, stands in `loop`.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from pose_activity.annotations.parts import IGNORE
from pose_activity.artifacts import manifest
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.store import Cache
from pose_activity.learning import fine_tuning, loop, optimization
from pose_activity.learning.epochs import EpochRunner, Phase
from pose_activity.learning.history import History
from pose_activity.stage1_parts import augment as augmentations
from pose_activity.stage1_parts import losses, metrics, schedules
from pose_activity.stage1_parts.models import registry
from pose_activity.stage1_parts.models.layers import BACKBONE
from pose_activity.stage1_parts.options import (
    PARTS_MONITORS,
    LossName,
    OptimizerName,
    PartsAugment,
    PartsMonitorName,
)

_NOT_ASKED = (
    "cache",
    "out",
    "finish",
    "logs",
    "pictures",
    "on_progress",
)  # they do not change the weights


def fit(
    cache: Cache,
    out: Path,
    *,
    model: registry.ModelName = "lite0_decoder",
    weights: str = "imagenet",
    start: Path | None = None,
    loss: LossName = "crossentropy",
    optimizer: OptimizerName = "adam",
    learning_rate: float = 2e-3,
    schedule: Literal["cosine", "constant"] = "cosine",
    warmup_epochs: float = 0.5,
    backbone_share: float = 0.2,
    held_blocks: int = 0,
    weight_decay: float = 0.02,
    ema: float = 0.99,
    batch: int = 12,
    epochs: int = 25,
    patience: int | None = None,
    monitor: PartsMonitorName = "miou",
    augment: PartsAugment | None = None,
    seed: int = 0,
    threads: int = 2,
    finish: bool = False,
    logs: Path | None = None,
    pictures: loop.Pictures | None = None,
    on_progress: ProgressCallback | None = None,
) -> History:
    """Trains, or goes on with an interrupted training, or returns the history of a finished one.

    Args:
        cache: Of a `PartsRecipe`; its splits "train" and "val" are used.
        out: Folder for what the header of `loop` lists.
        model: A key of `models.registry.MODELS`.
        weights: "none", a name that the model's backbone publishes, or a path; see
            `registry.find_weights`.
        start: The `classifier.keras` of another training of this model with the same classes, from
            whose weights this one starts; None: from `weights`.
        loss: "crossentropy", of targets that may be coarser than the classes; the same with rare
            targets "weighted"; "dice", "crossentropy_dice" (the sum), "part_distance_far"
            and "_near", and "squared": see `losses`.
        optimizer: "adam"; "nadam"; "sgd" with Nesterov's momentum; "sgd_decay" and "sgd_plateau"
            with rates of `schedules.decayed_rate` in place of `schedule`.
        learning_rate: Of the first epoch, or after the warm-up.
        schedule: "cosine" falls to 0 at the end, "constant" does not fall.
        warmup_epochs: In which the rate rises from 0.
        backbone_share: What the pretrained layers' rate is, as a share ("adam" alone).
        held_blocks: How many of the pretrained blocks, from the pixels on, do not learn. Its batch
            normalisation never does.
        weight_decay: Of kernels, per unit of their rate ("adam" alone).
        ema: Momentum of the average of the weights that is validated and kept; 0: none ("adam"
            alone).
        batch: Images per step.
        epochs: At most.
        patience: Epochs without a better value of the monitor after which it ends; None: none.
        monitor: Which figure on "val" chooses the epoch to keep; a key of `PARTS_MONITORS`.
        augment: What training images go through; None for nothing.
        seed: Of everything random.
        threads: See `loop.train`.
        finish: See there.
        logs: See there.
        pictures: See there.
        on_progress: See there.

    Returns:
        One entry per epoch.

    Raises:
        ValueError: "train" or "val" is empty, the network, its weights or its loss do not fit the
            data, or there is nothing to finish.
        WeightsError: the weights could not be downloaded.
        FloatingPointError: the loss is no longer finite.
        StaleError: `out` holds a training of other settings or tensors.
    """
    asked = {name: value for name, value in locals().items() if name not in _NOT_ASKED}
    _check_splits(cache)
    found = registry.find_weights(model, weights, on_progress=on_progress)
    asked |= {"augment": asdict(augment) if augment else None}
    asked |= {"weights_sha256": found and manifest.sha256_file(found)}
    asked |= {"start": start and manifest.sha256_file(start)}
    recipe: Any = cache.recipe
    known = _Targets(cache)
    measure = _loss(loss, known)
    runner = EpochRunner(
        cache,
        batch=batch,
        seed=seed,
        augmentation=augmentations.build(
            recipe.planes, scheme=recipe.scheme, targets=recipe.targets, options=augment
        )
        if augment
        else None,
    )

    def begin() -> keras.Model:
        height, width, _ = recipe.shape
        network = registry.build(
            model,
            height=height,
            width=width,
            planes=recipe.planes,
            classes=len(recipe.scheme),
            weights=found,
        )
        if start:
            _take_weights(network, start)
        shares = _let_learn(network, held_blocks, backbone_share)
        if optimizer in ("sgd_decay", "sgd_plateau"):
            rate = learning_rate
        else:
            rate = optimization.rate(
                learning_rate,
                schedule,
                steps=epochs * runner.steps,
                warmup_steps=round(warmup_epochs * runner.steps),
            )
        groups = metrics.common_groups(recipe.membership, known.pixels > 0)
        network.compile(
            optimizer=schedules.build_optimizer(
                optimizer, rate, shares=shares, weight_decay=weight_decay, ema=ema
            ),  # type: ignore[arg-type]
            loss=measure,
            metrics=[metrics.MeanOverlap(*groups), metrics.BodyRecall(*groups)],
        )
        return network

    return loop.train(
        [Phase("train", epochs, begin, rate=_rates(optimizer, learning_rate))],
        runner,
        out,
        asked=asked,
        threads=threads,
        patience=patience,
        monitor=PARTS_MONITORS[monitor],
        finish=finish,
        logs=logs,
        pictures=pictures,
        on_progress=on_progress,
    )


class _Targets:
    """What the training tensors' pixels show; counted when asked."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self.recipe: Any = cache.recipe

    @cached_property
    def pixels(self) -> np.ndarray:
        """`(T,)` int64 pixels of each target in "train"."""
        counts = np.zeros(256, np.int64)
        for entry in self._cache.of_split("train"):
            y = np.asarray(self._cache.load(entry).y)
            counts += np.bincount(y.ravel(), minlength=256)
        if not counts[:IGNORE].sum():
            raise ValueError("Training needs pixels that are labelled. Received: none in 'train'.")
        return counts[: len(self.recipe.targets)]


def _loss(name: LossName, known: _Targets) -> keras.losses.Loss:
    membership = known.recipe.membership
    if name == "crossentropy":
        return losses.GroupCrossentropy(membership)
    if name == "weighted_crossentropy":
        return losses.GroupCrossentropy(membership, losses.balance(known.pixels))
    if name == "dice":
        return losses.Dice(membership)
    if name == "crossentropy_dice":
        return losses.CrossentropyDice(membership)
    coarse = (membership.sum(axis=1) > 1) & (known.pixels > 0)
    if coarse.any():
        raise ValueError(
            f"The loss {name!r} needs a class for each pixel; some labels are coarser than the "
            "network's classes. Take crossentropy, dice or their sum, or a coarser scheme for the "
            "network."
        )
    if name == "squared":
        return losses.SquaredError(membership)
    mu = losses.distance_weights(known.recipe.scheme, name.removeprefix("part_distance_"))
    return losses.PartDistance(membership, mu)


def _rates(optimizer: OptimizerName, first: float) -> Callable[[Any], float] | None:
    if optimizer not in ("sgd_decay", "sgd_plateau"):
        return None
    plateau = optimizer == "sgd_plateau"
    return lambda done: schedules.decayed_rate(
        first, [epoch.metrics["loss"] for epoch in done], plateau=plateau
    )


def _let_learn(network: Any, held: int, share: float) -> dict[str, float]:
    """Holds a backbone's first blocks and its normalisation; returns its layers' shares."""
    if BACKBONE not in [layer.name for layer in network.layers]:
        return {}
    backbone = network.get_layer(BACKBONE)
    if network.name == "bgnet_hpnet":
        backbone.trainable = False
        return {}
    fine_tuning.hold(backbone, held)
    return dict.fromkeys(fine_tuning.shares_by_depth(backbone, 1.0), share)


def _take_weights(network: keras.Model, path: Path) -> None:
    other: Any = keras.models.load_model(path, compile=False)
    wanted = [tuple(weight.shape) for weight in network.weights]
    given = [tuple(weight.shape) for weight in other.weights]
    if wanted != given:
        raise ValueError(
            f"{path} must hold the same network, with the same planes and number of classes. "
            f"Received: {other.name} with {other.count_params():,} parameters in place of "
            f"{network.name} with {network.count_params():,}."
        )
    network.set_weights(other.get_weights())


def _check_splits(cache: Cache) -> None:
    counts = {split: len(cache.of_split(split)) for split in ("train", "val")}
    if not all(counts.values()):
        raise ValueError(
            "Training needs images in the splits 'train' and 'val' (val chooses the epoch to "
            f"keep). Received: {counts}. Change the split's sizes and build the cache again."
        )
