"""A frozen backbone and a fitted head into `classifier.onnx` and `classifier.json`.

The graph is checked before it is written: on real pictures it must answer as plain arithmetic on
the backbone's features does.
"""

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx

from pose_activity.artifacts import atomic
from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import Example, as_float, stack
from pose_activity.runtime import graph
from pose_activity.runtime.calibrate import Calibration
from pose_activity.stage2_classifier import sidecar
from pose_activity.stage2_classifier.frozen.compose import compose
from pose_activity.stage2_classifier.frozen.head import LinearHead


def export(
    out: Path,
    *,
    backbone: Path,
    fitted: LinearHead,
    recipe: Recipe,
    classes: Sequence[str],
    pooling: Collection[str],
    calibration: Calibration,
    examples: Sequence[Example],
    vectors: np.ndarray,
    tolerance: float = 1e-5,
) -> float:
    """Writes the graph and its sidecar.

    Args:
        out: The folder.
        backbone: See `features.find`.
        fitted: The head.
        recipe: What the arrays are; goes into the sidecar.
        classes: Activities in the order of the outputs.
        pooling: Whose columns the head takes.
        calibration: Of the head's answers.
        examples: Real ones, one or more, on which the graph is compared.
        vectors: `(len(examples), D)`, their vectors.
        tolerance: Largest difference of a probability that is accepted, or `fitted.rounding`.

    Returns:
        The largest difference seen.

    Raises:
        ValueError: it is larger; nothing is written then.
    """
    allowed = max(tolerance, fitted.rounding)
    model = compose(onnx.load(backbone), fitted, recipe=recipe, pooling=pooling)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / sidecar.GRAPH
        onnx.save(model, path)
        run = graph.load(path, engine="onnxruntime", threads=1)
        expected = fitted.probabilities(vectors)
        parity = max(
            float(np.abs(run(as_float(stack([example.x])))[0][0] - row).max())
            for example, row in zip(examples, expected, strict=True)
        )
        if not parity <= allowed:
            raise ValueError(
                "The composed graph must answer as the head does on the backbone's features, "
                f"within {allowed:g}. Received: a difference of {parity:g}. Report it."
            )
        atomic.write_bytes(out / sidecar.GRAPH, path.read_bytes())
    about = {"classes": list(classes), "recipe": recipe.as_json()}
    sidecar.write(out, about, parity=parity, calibration=asdict(calibration))
    return parity
