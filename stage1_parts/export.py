"""A trained network of body parts into `parts.onnx` with its sidecar `parts.json`.

The graph takes float32 planes `(B, H, W, C)` in 0..255 and answers with `probabilities`
`(B, H, W, classes)` for every pixel, which are what Keras answers, enlarged where the network's are
coarser.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from pose_activity.annotations.parts import IGNORE, PARTS15
from pose_activity.artifacts import atomic, manifest
from pose_activity.learning import onnx_export
from pose_activity.learning.loop import CLASSIFIER
from pose_activity.runtime import calibrate, graph
from pose_activity.stage1_parts import (
    balance,
    fit,  # noqa: F401 (the layers of a saved network)
)
from pose_activity.stage1_parts.metrics import common_groups
from pose_activity.stage1_parts.predict import GRAPH, SIDECAR

ops: Any = keras.ops  # its own types say that everything may be None
_PIXELS = 2000  # of each validation image, for the temperature
Labelled = Iterable[tuple[np.ndarray, np.ndarray]]


def export(
    out: Path,
    *,
    recipe: Any,
    tensors: np.ndarray,
    validation: Labelled = (),
    mirror: bool = False,
    threads: int = 1,
    tolerance: float = 1e-4,
) -> float:
    """Writes `out/parts.onnx` and `out/parts.json` from `out/classifier.keras`.

    Args:
        out: The folder that `fit` wrote.
        recipe: The cache's `PartsRecipe`; goes into the sidecar.
        tensors: `(N, H, W, C)` uint8, N >= 1: real planes, on which Keras and the graph are
            compared, all at once and the first alone.
        validation: "x" and "y" of each validation image, read once. The temperature and what
            classes weigh (see `balance`) are fitted on pixels of the graph's answers; without any
            they are 1.
        mirror: Whether the answer is the mean over an image and its mirror image, which takes twice
            as long.
        threads: CPU threads for those answers.
        tolerance: Largest difference of a probability that is accepted.

    Returns:
        The largest difference seen.

    Raises:
        ValueError: the difference is larger than `tolerance`; nothing is written then.
    """
    network = load_network(out, recipe, mirror=mirror)
    parity = onnx_export.write(
        out / GRAPH,
        network,
        outputs=["probabilities"],
        reference=network,
        tensors=tensors,
        tolerance=tolerance,
    )
    found = _calibrated(out / GRAPH, recipe, validation, threads)
    about = {
        "kind": "parts",
        "classes": list(recipe.scheme.names),
        "recipe": recipe.as_json(),
        "model": network.name,
        "mirror": mirror,
        "sha256": manifest.sha256_file(out / GRAPH),
        "keras_sha256": manifest.sha256_file(out / CLASSIFIER),
        "parity": parity,
        "temperature": found.temperature,
        "calibration_error": {"before": found.before, "after": found.after},
        "weights": [round(weight, 4) for weight in found.weights],
    }
    atomic.write_json(out / SIDECAR, about)
    return parity


def load_network(out: Path, recipe: Any, *, mirror: bool = False) -> keras.Model:
    """Loads the Keras network of `out` with an answer for every pixel; see `for_every_pixel`."""
    learned = keras.models.load_model(out / CLASSIFIER, compile=False)
    return for_every_pixel(learned, recipe, mirror=mirror)


def for_every_pixel(network: Any, recipe: Any, *, mirror: bool = False) -> keras.Model:
    """Returns the network with an answer for each pixel of its input, averaged with the mirror's.

    Args:
        network: From `fit`.
        recipe: What it sees, and the classes, whose sides change places in a mirrored image.
        mirror: Whether to average.
    """
    height, width, channels = recipe.shape
    inputs = keras.Input((height, width, channels), name="planes")
    answer = _enlarged(network(inputs), height, width)
    if mirror:
        other = _enlarged(network(_mirrored(inputs, recipe.planes)), height, width)
        other = ops.take(ops.flip(other, axis=2), np.array(recipe.scheme.flip_index), axis=3)
        answer = (answer + other) / 2
    return keras.Model(inputs, answer, name=network.name)


def _enlarged(answer: Any, height: int, width: int) -> Any:
    """Enlarges linearly; a pixel of the answer lies where it was compared with the target.

    That is at the full size's index i * factor + factor // 2 (`losses.at_centres`): half a pixel
    beside where resizing would put it, which would cost small parts a tenth of their overlap.
    """
    return _stretched(_stretched(answer, height, axis=1), width, axis=2)


def _stretched(answer: Any, length: int, *, axis: int) -> Any:
    """Enlarges one axis of `(B, h, w, C)`; at its ends the last pixels stay."""
    sides = list(answer.shape)
    factor = length // sides[axis]
    if factor == 1:
        return answer
    place = [slice(None)] * 4

    def cut(x: Any, start: int, end: int) -> Any:
        return x[(*place[:axis], slice(start, end), *place[axis + 1 :])]

    count = sides[axis]
    x = ops.concatenate([cut(answer, 0, 1), answer, cut(answer, count - 1, count)], axis=axis)
    here, after = cut(x, 0, count + 1), cut(x, 1, count + 2)
    between = [here + (after - here) * (step / factor) for step in range(factor)]
    sides[axis] = (count + 1) * factor
    x = ops.reshape(ops.stack(between, axis=axis + 1), (-1, *sides[1:]))
    start = factor - factor // 2
    return cut(x, start, start + length)


def _mirrored(planes: Any, names: tuple[str, ...]) -> Any:
    flipped = ops.flip(planes, axis=2)
    if names[1:] != ("bones",):
        return flipped
    sides = np.array(PARTS15.flip_index, np.float32)
    swapped = ops.take(ops.convert_to_tensor(sides), ops.cast(flipped[..., 3:], "int32"))
    return ops.concatenate([flipped[..., :3], swapped], axis=-1)


class _Calibrated(NamedTuple):
    """What pixels of val say.

    Attributes:
        temperature: See `calibrate.temperature`.
        before: The expected calibration error without it; None without pixels.
        after: With it.
        weights: Of the classes, see `balance.fit_weights`.
    """

    temperature: float
    before: float | None
    after: float | None
    weights: list[float]


def _calibrated(path: Path, recipe: Any, validation: Labelled, threads: int) -> _Calibrated:
    """Fits both on answers merged to what the labels tell apart."""
    run = graph.load(path, engine="onnxruntime", threads=threads)
    answers, targets = [], []
    rng = np.random.default_rng(0)
    for x, y in validation:
        places = np.flatnonzero(y.ravel() != IGNORE)
        places = rng.permutation(places)[:_PIXELS]
        answer = run(x[None].astype(np.float32))[0][0]
        answers.append(answer.reshape(-1, answer.shape[-1])[places])
        targets.append(y.ravel()[places])
    if not answers:
        return _Calibrated(1.0, None, None, [1.0] * len(recipe.scheme))
    said, there = np.concatenate(answers), np.concatenate(targets)
    occurring = np.bincount(there, minlength=len(recipe.targets)) > 0
    of_target, of_class = common_groups(recipe.membership, occurring)
    merged = said @ np.eye(max(of_class) + 1, dtype=np.float32)[of_class]
    labels = np.array(of_target)[there]
    temperature = calibrate.temperature(merged, labels)
    calibrated = calibrate.apply(merged, temperature)
    before, after = (
        round(calibrate.expected_error(one, labels), 4) for one in (merged, calibrated)
    )
    weights = balance.fit_weights(calibrated, labels)[of_class]
    return _Calibrated(temperature, before, after, weights.tolist())
