"""Fine-tunes a classifier of one or several views, from a head that was fitted on frozen features.

What lies in the folder, and what becomes of a training that is killed, stands in `loop`. First come
epochs on smaller pictures, then those on pictures of the cache's size; optimizer, average and the
fall of the rates go through both.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from pose_activity.artifacts import manifest
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.backbones import registry
from pose_activity.cache.planes import FOUND
from pose_activity.cache.store import Cache
from pose_activity.learning import fine_tuning, loop, optimization
from pose_activity.learning.augmentation_seed import of_inputs
from pose_activity.learning.epochs import EpochRunner, Phase, weigh_classes
from pose_activity.learning.history import History
from pose_activity.learning.metrics import MacroF1
from pose_activity.learning.scoring import SmoothedCrossentropy, accuracy
from pose_activity.stage2_classifier import augment as augmentations
from pose_activity.stage2_classifier.fit import check_splits
from pose_activity.stage2_classifier.models.images import assembly
from pose_activity.stage2_classifier.options import MONITORS, FineTune, PictureFit

_ADAPTER_LAYERS: tuple[str, ...] = ("branch_in", "branch_out")

Head = tuple[np.ndarray, np.ndarray]  # kernel (D, classes) and bias (classes,), of the features


def fit_views(
    cache: Cache,
    out: Path,
    settings: PictureFit,
    *,
    head: Head,
    options: FineTune,
    model: str,
    weights: str,
    pooling: Sequence[Literal["mean", "max"]] = ("mean", "max"),
    seed: int = 0,
    threads: int = 2,
    finish: bool = False,
    logs: Path | None = None,
    on_progress: ProgressCallback | None = None,
) -> History:
    """Trains, or goes on with an interrupted training, or returns the history of a finished one.

    Args:
        cache: Its splits "train" and "val" are used.
        out: Folder for what the header of `loop` lists.
        settings: Of any training; of a value derived from it, its own fields alone count.
        head: What the last layer starts as; its rows as `assembly.build_views` orders them.
        options: How all of it learns.
        model: See `fit.fit`.
        weights: See there.
        pooling: How each view is pooled.
        seed: Of everything random.
        threads: See `loop.train`.
        finish: See there.
        logs: See there.
        on_progress: See there.

    Returns:
        One entry per epoch.

    Raises:
        ValueError: "train" or "val" is empty, the head is of other features or classes, there are
            no such weights, or there is nothing to finish.
        WeightsError: the weights could not be downloaded.
        FloatingPointError: the loss is no longer finite.
        StaleError: `out` holds a training of other settings or tensors.
    """
    asked = {name: asdict(settings)[name] for name in PictureFit.__dataclass_fields__}
    asked |= {"model": model, "weights": weights, "seed": seed, "threads": threads}
    check_splits(cache)
    start = registry.find_weights(model, weights, on_progress=on_progress)
    asked |= {"options": asdict(options), "pooling": list(pooling), "head_sha256": _digest(head)}
    asked |= {"weights_sha256": start and manifest.sha256_file(start)}
    judge, augment, views = MONITORS[settings.monitor], settings.augment, cache.recipe.views
    runner = EpochRunner(
        cache,
        batch=settings.batch,
        seed=seed,
        augmentation=of_inputs(augmentations.build_views(views, augment)) if augment else None,
        mixup=options.mixup,
        balanced=options.imbalance == "sampling",
    )
    epochs = options.small_epochs + options.epochs

    def build(weights: Path | None, sizes: dict[str, tuple[int, int]] | None) -> keras.Model:
        return assembly.build_views(
            model,
            {name: view.planes for name, view in views.items()},
            sizes=sizes,
            pooling=pooling,
            found=FOUND in cache.recipe.arrays,
            classes=len(cache.classes),
            weights=weights,
            dropout=settings.dropout,
        )

    def begin() -> keras.Model:
        network = build(start, None)
        _start_head(network.get_layer("head"), head)
        return _let_learn(network, cache, options, epochs=epochs, steps=runner.steps)

    def carry_on() -> keras.Model:
        done = History.read(out / loop.HISTORY).epochs
        return loop.load_state(out, done[-1].epoch) if done else begin()

    sizes = {name: (view.height, view.width) for name, view in views.items()}
    return loop.train(
        (
            Phase("fine_tune_small", options.small_epochs, begin, shrink=options.small),
            Phase("fine_tune", options.epochs, carry_on),
        ),
        runner,
        out,
        asked=asked,
        threads=threads,
        patience=settings.patience,
        monitor=judge,
        precision=settings.precision,
        rebuild=lambda: build(None, sizes),
        finish=finish,
        logs=logs,
        on_progress=on_progress,
    )


def _digest(head: Head) -> str:
    return manifest.sha256_json([part.astype(np.float32).tolist() for part in head])


def _start_head(layer: keras.layers.Layer, head: Head) -> None:
    kernel, bias = (part.astype(np.float32) for part in head)
    wanted = [tuple(weight.shape) for weight in layer.weights]
    if [kernel.shape, bias.shape] != wanted:
        raise ValueError(
            f"The head must have a kernel and a bias of {wanted}, of the same views, pooling and "
            f"classes. Received: {[kernel.shape, bias.shape]}. Fit it anew on this cache."
        )
    layer.set_weights([kernel, bias])


def _let_learn(
    network: keras.Model, cache: Cache, options: FineTune, *, epochs: int, steps: int
) -> keras.Model:
    """Compiles a network that learns as `options` say, over so many epochs of so many steps."""
    backbone: Any = network.get_layer("backbone")
    fine_tuning.hold(backbone, options.frozen_blocks)
    shares = fine_tuning.shares_by_depth(backbone, options.layer_decay)
    own = {layer: options.adapter_learning_rate for layer in _ADAPTER_LAYERS}
    own |= {"head": options.head_learning_rate}
    shares |= {name: rate / options.learning_rate for name, rate in own.items()}
    rate = optimization.rate(
        options.learning_rate,
        "cosine",
        steps=epochs * steps,
        warmup_steps=round(options.warmup_epochs * steps),
    )
    weights = None
    if options.imbalance == "weights":
        by_class = weigh_classes(cache)
        weights = [by_class[i] for i in range(len(cache.classes))]
    network.compile(
        optimizer=fine_tuning.LayerwiseAdam(  # type: ignore[arg-type]
            rate, shares=shares, decay=options.weight_decay, average=options.ema
        ),
        loss=SmoothedCrossentropy(
            options.label_smoothing,
            focus=options.focus if options.imbalance == "focal" else 0.0,
            weights=weights,
        ),
        metrics=[accuracy, MacroF1()],
    )
    return network
