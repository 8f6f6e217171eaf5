"""Training on several accelerators of one machine, each with a share of every batch.

Keras' `fit` under TensorFlow's MirroredStrategy, whose losses equal those of one device with the
same whole batch (a test holds it). MultiWorkerMirroredStrategy, over machines, does not work with
Keras 3's `fit` (it fails to convert PerReplica values), and a loop of our own for it, or Keras on
torch under Ray Train, would be a second way to train what must end equal: the networks have four
million weights, and the images of one machine's disks outlast its accelerators.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


@contextmanager
def replicas_of(count: int) -> Iterator[None]:
    """Has networks that are made or loaded in the body learn on so many devices.

    Without a GPU they are shares of the CPU, which is no faster, and is how it is tested.

    Args:
        count: Devices; 1 leaves everything as it is.

    Raises:
        ValueError: there are GPUs, but fewer.
        RuntimeError: CPUs are wanted, and TensorFlow has calculated already.
    """
    if count == 1:
        yield
        return
    with tf.distribute.MirroredStrategy(_devices(count)).scope():
        yield


def _devices(count: int) -> list[str]:
    """Returns the names of so many devices; without a GPU it divides the CPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and len(gpus) < count:
        raise ValueError(
            f"replicas must be at most the number of GPUs, {len(gpus)} here. Received: {count}"
        )
    if gpus:
        return [f"GPU:{number}" for number in range(count)]
    cpu = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(cpu) or ()) < count:
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
        tf.config.set_logical_device_configuration(cpu, parts)
    return [f"CPU:{number}" for number in range(count)]
