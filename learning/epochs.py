"""What an epoch of a training is: the tensors of a cache in an order that follows from the seed.

Batches, augmentation and dropout follow from (seed, epoch), so that an epoch is the same whatever
went before it. Knows nothing of what a tensor shows or how a model is built.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pose_activity.cache.store import Cache
from pose_activity.learning import optimization
from pose_activity.learning.augmentation_seed import Augmentation
from pose_activity.learning.batches import fixed_batches, train_batches
from pose_activity.learning.fine_tuning import averaged
from pose_activity.learning.history import VALIDATION, Epoch


@dataclass(frozen=True)
class Phase:
    """A run of epochs between which nothing but weights and optimizer changes.

    Attributes:
        name: Stands in the history.
        epochs: At most; may be 0.
        begin: Returns the compiled network that the phase starts with. Not called where the phase
            goes on from a state.
        shrink: Factor of the height and width of training pictures; validation keeps theirs.
        rate: Tells an epoch's learning rate by the phase's epochs so far; None: the optimizer does.
    """

    name: str
    epochs: int
    begin: Callable[[], keras.Model]
    shrink: float = 1.0
    rate: Callable[[Sequence[Epoch]], float] | None = None


class EpochRunner:
    """What every epoch needs; TensorFlow is used from the first epoch on.

    Attributes:
        cache: What is learned from.
        seed: Of the whole training.
        steps: How many an epoch has.
        replicas: Devices that share every batch.
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
        replicas: int = 1,
    ) -> None:
        """Notes how the batches are to be.

        Args:
            cache: Its split "train" is learned from, "val" is judged on; "val" may be empty.
            batch: Tensors per step.
            seed: Of the whole training.
            augmentation: Changes each example, inputs and target, or None.
            class_weights: Class id -> weight in the loss, or None.
            mixup: See `batches.train_batches`.
            balanced: See there.
            replicas: Devices that share every batch; see `distribution.replicas_of`.
        """
        self.cache, self.seed, self.replicas = cache, seed, replicas
        self.steps = -(-len(cache.of_split("train")) // batch)
        self._batch, self._class_weights, self._epoch = batch, class_weights, 0
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
                multiple=replicas,
            )
        )

    @cached_property
    def _validation(self) -> Any:
        held_out = self.cache.of_split("val")
        if not held_out:
            return None
        # Keras builds a network of several devices from the first batch, in equal shares.
        batch = min(self._batch, len(held_out) - len(held_out) % self.replicas)
        return fixed_batches(self.cache, held_out, batch=batch)

    def prepare(self, network: keras.Model, phase: Phase) -> None:
        """Makes what a network's first step would make: it moves nothing, and saves time.

        TensorFlow traces a step that makes variables a second time, which takes seconds. On several
        devices Keras makes them by itself.

        Args:
            network: Compiled; from `phase.begin`, or of its last state.
            phase: To which its next epoch belongs.
        """
        if self.replicas > 1:
            return
        batches = self._training(shrink=phase.shrink)
        x, y = tf.nest.map_structure(_blank, batches.element_spec)
        network.optimizer.build(network.trainable_variables)
        network.compute_metrics(x, y, network(x, training=False))
        network.reset_metrics()

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
        optimization.reseed(network, self.seed, epoch)
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


def _blank(spec: tf.TensorSpec) -> tf.Tensor:
    """Returns a batch of one example that is 0 everywhere."""
    return tf.zeros([size or 1 for size in spec.shape], spec.dtype)


def _place(metric: str) -> tuple[bool, bool, str]:
    """Sorts names of metrics: training before validation, and the loss first."""
    return metric.startswith(VALIDATION), not metric.endswith("loss"), metric


def weigh_classes(cache: Cache) -> dict[int, float]:
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
