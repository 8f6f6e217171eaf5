"""How trained weights are moved carefully: a rate per layer, and the average of the last steps.

Knows layers by name; nothing of data or epochs. Sources: Howard and Ruder, "Universal Language
Model Fine-tuning for Text Classification", ACL 2018 (rates by depth); Polyak and Juditsky,
"Acceleration of Stochastic Approximation by Averaging", 1992.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras

ops: Any = keras.ops  # its own types say that everything may be None


@keras.saving.register_keras_serializable(package="pose_activity")
class LayerwiseAdam(keras.optimizers.Adam):
    """Adam with decoupled weight decay, a rate per layer and an average of the weights.

    All of its state is saved with a model, so that a training that goes on from a file takes the
    very steps that it would have taken.

    Args:
        learning_rate: Of layers that `shares` does not name; see `optimization.rate`.
        shares: Layer's name -> its rate as a share of `learning_rate`.
        decay: Share of a kernel that a step takes away, per unit of its rate. Not of what has one
            axis: biases, scales.
        average: Momentum of the average, in [0, 1); it rises to that in the first steps, so that
            the start weighs nothing soon. 0: none is kept.
    """

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        shares: Mapping[str, float] | None = None,
        decay: float = 0.0,
        average: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.shares, self.decay, self.average = dict(shares or {}), decay, average

    def build(self, variables: list[Any]) -> None:
        """Makes the state of variables."""
        if self.built:
            return
        super().build(variables)
        self._own_shares = [self._share_of(variable.path) for variable in variables]
        self.averages = []
        if self.average:
            self.averages = self.add_optimizer_variables(variables, "average")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Moves one variable, and then its average."""
        index = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, variable.dtype) * self._own_shares[index]
        if self.decay and len(variable.shape) > 1:
            self.assign_sub(variable, variable * (rate * self.decay))
        super().update_step(gradient, variable, rate)
        if self.averages:
            done = ops.cast(self.iterations, variable.dtype)
            momentum = ops.minimum(self.average, done / (done + 10.0))
            average = self.averages[index]
            self.assign_add(average, (1 - momentum) * (variable - average))

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        own = {"shares": self.shares, "decay": self.decay, "average": self.average}
        return {**super().get_config(), **own}

    def _share_of(self, path: str) -> float:
        *layers, _ = path.split("/")
        return next((self.shares[layer] for layer in reversed(layers) if layer in self.shares), 1.0)


@contextmanager
def averaged(network: keras.Model) -> Iterator[None]:
    """Lets a network answer with its averaged weights, and gives its own back, bit by bit.

    Does nothing where its optimizer keeps no average.
    """
    own = [ops.convert_to_numpy(variable) for variable in network.trainable_variables]
    take_averages(network)
    try:
        yield
    finally:
        for variable, value in zip(network.trainable_variables, own, strict=True):
            variable.assign(value)


def take_averages(network: keras.Model) -> None:
    """Gives a network its averaged weights, where its optimizer keeps them."""
    optimizer: Any = network.optimizer
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of mixed_float16
    if getattr(optimizer, "averages", None):
        pairs = zip(network.trainable_variables, optimizer.averages, strict=True)
        for variable, average in pairs:
            variable.assign(average)


def shares_by_depth(backbone: keras.Model, decay: float) -> dict[str, float]:
    """Returns the rates of a backbone's layers, as shares of its last block's.

    Args:
        backbone: Its layers' names begin with their block, up to the first underscore.
        decay: The block before the last has this share, the one before its square, and so on.
    """
    blocks = blocks_of(backbone)
    return {
        layer.name: decay ** (len(blocks) - 1 - blocks.index(_block(layer)))
        for layer in backbone.layers
        if layer.weights
    }


def blocks_of(backbone: keras.Model) -> list[str]:
    """Returns the names of the blocks that have weights, from the pixels on."""
    return list(dict.fromkeys(_block(layer) for layer in backbone.layers if layer.weights))


def hold(backbone: keras.Model, blocks: int) -> None:
    """Lets a backbone learn but its first blocks, and but batch normalisation.

    Args:
        backbone: See `shares_by_depth`.
        blocks: How many of `blocks_of` are held still.
    """
    held = blocks_of(backbone)[:blocks]
    backbone.trainable = True
    for layer in backbone.layers:
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = _block(layer) not in held and not normalises


def _block(layer: keras.layers.Layer) -> str:
    return layer.name.split("_")[0]
