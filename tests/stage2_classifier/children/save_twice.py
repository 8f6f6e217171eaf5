"""Builds the same network twice, saves both, the second one later, and reads one again."""

import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pose_activity.learning.saving import save


def build() -> keras.Model:
    """Returns a network whose layers share an object."""
    layers = [keras.layers.Dense(4, name="first"), keras.layers.Dense(2, name="second")]
    return keras.Sequential([keras.Input((3,), name="x"), *layers], name="network")


folder = Path(sys.argv[1])
network, twin = build(), build()
twin.set_weights(network.get_weights())
save(network, folder / "first.keras")
time.sleep(2.1)  # archives count in steps of two seconds
save(twin, folder / "second.keras")
read: Any = keras.models.load_model(folder / "first.keras")
for given, wanted in zip(read.get_weights(), network.get_weights(), strict=True):
    np.testing.assert_array_equal(given, wanted)
