"""Recurrent layers that know when nobody was found, and that ONNX has as one operator.

Keras' own masks become a loop of single steps in ONNX, ten times slower, which OpenVINO cannot
read. Here the mask is an input instead, the last one, 1 where the frame is missing; its weights are
held at values that shut the layer: what an LSTM's cell remembers goes through a missing frame
unchanged, and so does all of a GRU's state. A missing frame before the first or after the last one
thus changes nothing, forwards and backwards.
"""

from typing import Any, Literal

import keras

from pose_activity.stage2_classifier.models.layers.motion_layers import EndFrame, MaskedMean

Kind = Literal["lstm", "gru"]
Pool = Literal["last", "mean"]

# Of batch normalisation's averages. Keras' 0.99 needs some 500 steps to forget where they began,
# more than a small data set gives; until then validation and prediction see other numbers.
MOMENTUM = 0.9

_SHUT = 60.0  # sigmoid(60) is 1 in float32
_GATES = {"lstm": (-_SHUT, _SHUT, 0.0, 0.0), "gru": (_SHUT, 0.0, 0.0)}  # i f c o; z r h
_ALL: Any = {"return_sequences": True}

ops: Any = keras.ops  # its own types say that everything may be None

_register = keras.saving.register_keras_serializable(package="pose_activity")


@_register
class MissingFrameGate(keras.constraints.Constraint):
    """Holds the last row of a recurrent layer's kernel at what shuts the layer.

    Args:
        kind: "lstm" or "gru": which gates there are.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, w):
        """Returns the kernel `(F, gates * units)` with that row."""
        gates = _GATES[self.kind]
        row = ops.repeat(ops.array(gates, w.dtype), w.shape[1] // len(gates))
        return ops.concatenate([w[:-1], row[None]], axis=0)

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {"kind": self.kind}


@_register
class GatedStart(keras.initializers.Initializer):
    """Glorot's uniform start, with the last row of `MissingFrameGate`.

    Args:
        kind: "lstm" or "gru".
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, shape, dtype=None):
        """Returns a kernel."""
        return MissingFrameGate(self.kind)(keras.initializers.GlorotUniform()(shape, dtype=dtype))

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {"kind": self.kind}


@_register
class GruCell(keras.layers.Layer):
    """One step of `Gru`.

    Args:
        units: Length of the state.
    """

    def __init__(self, units: int, **options) -> None:
        super().__init__(**options)
        self.units = self.state_size = self.output_size = units

    def build(self, input_shape) -> None:
        """Makes the weights."""
        width = 3 * self.units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], width),
            initializer=GatedStart("gru"),
            constraint=MissingFrameGate("gru"),
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, width), initializer="orthogonal", name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")
        self.recurrent_bias = self.add_weight(
            shape=(width,), initializer="zeros", name="recurrent_bias"
        )

    def read_biases(self) -> None:
        """Reads the biases for the steps that follow."""
        self._biases = [ops.copy(b) for b in (self.bias, self.recurrent_bias)]

    def call(self, inputs, states, training=False):
        """Returns the new state, twice: as output and as state."""
        (state,), (bias, recurrent_bias) = states, self._biases
        given = ops.split(ops.add(ops.matmul(inputs, self.kernel), bias), 3, axis=-1)
        known = ops.add(ops.matmul(state, self.recurrent_kernel), recurrent_bias)
        known = ops.split(known, 3, axis=-1)
        update = ops.sigmoid(given[0] + known[0])
        reset = ops.sigmoid(given[1] + known[1])
        new = ops.tanh(given[2] + reset * known[2])
        state = update * state + (1 - update) * new
        return state, [state]

    def get_config(self) -> dict[str, Any]:
        """Returns what `__init__` takes."""
        return {**super().get_config(), "units": self.units}


@_register
class Gru(keras.layers.RNN):
    """A layer of gated recurrent units, as Keras' own computes them.

    tf2onnx makes one operator of this one: for that there must be two biases, each read outside
    the loop over the frames.
    """

    def call(self, sequences, initial_state=None, mask=None, training=False):
        """Returns `(B, T, units)`."""
        self.cell.read_biases()
        return super().call(sequences, initial_state, mask, training)


@_register
class WithMissing(keras.layers.Layer):
    """`(B, T, F)` and the mask to `(B, T, F + 1)`: 0 in missing frames, and 1 - mask behind."""

    def call(self, sequence, mask):
        """Returns `(B, T, F + 1)`."""
        mask = mask[..., None]
        return ops.concatenate([sequence * mask, 1 - mask], axis=-1)


def recurrent_layer(sequence, mask, units: int, *, kind: Kind = "lstm", both_ways: bool = False):
    """Passes a sequence through a recurrent layer.

    Args:
        sequence: `(B, T, F)`, symbolic.
        mask: `(B, T)`, symbolic.
        units: Of the layer, each way.
        kind: "lstm" or "gru".
        both_ways: Whether a second layer of as many units reads it backwards.

    Returns:
        `(B, T, units)`, twice as wide both ways; frames that are not in the mask hold no meaning.
    """
    layer = _lstm(units) if kind == "lstm" else Gru(GruCell(units), **_ALL)
    layer = keras.layers.Bidirectional(layer) if both_ways else layer
    return layer(WithMissing()(sequence, mask))


def _lstm(units: int) -> Any:
    start: Any = GatedStart("lstm")
    return keras.layers.LSTM(
        units, kernel_initializer=start, kernel_constraint=MissingFrameGate("lstm"), **_ALL
    )


def pool_frames(sequence, mask, *, pool: Pool, both_ways: bool = False):
    """Returns `(B, F)` of `(B, T, F)`, symbolic.

    Args:
        sequence: What `recurrent_layer` returned.
        mask: `(B, T)`.
        pool: "last": each direction's last answer; "mean": the mean over the mask.
        both_ways: Whether the second half of the features was read backwards.

    Raises:
        ValueError: another `pool`.
    """
    if pool not in ("last", "mean"):
        raise ValueError(f"pool must be 'last' or 'mean'. Received: {pool!r}")
    if pool == "mean":
        return MaskedMean()(sequence, mask)
    if not both_ways:
        return EndFrame("last")(sequence, mask)
    half = sequence.shape[-1] // 2
    ends = EndFrame("last")(sequence, mask), EndFrame("first")(sequence, mask)
    return keras.layers.Concatenate()([ends[0][:, :half], ends[1][:, half:]])


def classification_head(inputs, vector, *, classes: int, dropout: float, name: str) -> keras.Model:
    """Ends a model as the source does: batch normalisation (the embedding), then softmax.

    Args:
        inputs: What the model takes.
        vector: `(B, F)`, symbolic.
        classes: Number of answers.
        dropout: Share of the embedding left out in training.
        name: Of the model.

    Returns:
        The model.
    """
    embedding = keras.layers.BatchNormalization(momentum=MOMENTUM, name="embedding")(vector)
    kept = keras.layers.Dropout(dropout)(embedding)
    answers = keras.layers.Dense(classes, activation="softmax", name="head")(kept)
    return keras.Model(inputs, answers, name=name)
