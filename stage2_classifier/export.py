"""A trained classifier of pictures into `classifier.onnx` with its sidecar `classifier.json`.

The graph takes float32 planes `(B, H, W, C)` in 0..255, or the arrays of a recipe with two views by
their names. Its outputs are `probabilities` `(B, classes)`, which are what Keras answers, and for
each view an `activation_map` `(B, h, w)`, where it looked (see `models.images.activation_map`).
"""

from pathlib import Path
from typing import Any

import keras

from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import Input
from pose_activity.learning import loop
from pose_activity.stage2_classifier import export_graph
from pose_activity.stage2_classifier.models.images import adapter  # noqa: F401 (saved layers)
from pose_activity.stage2_classifier.models.images.activation_map import with_activation_map
from pose_activity.stage2_classifier.options import UnknownAnswers


def export(
    out: Path,
    *,
    recipe: Recipe,
    classes: tuple[str, ...],
    tensors: Input,
    validation: export_graph.Answers = (),
    unknown_precision: float = UnknownAnswers.unknown_precision,
    unknown_min_coverage: float = UnknownAnswers.unknown_min_coverage,
    mirror: bool = False,
    threads: int = 1,
    tolerance: float = 1e-5,
) -> float:
    """Writes `out/classifier.onnx` and `out/classifier.json` from `out/classifier.keras`.

    Args:
        out: The folder that `fit` wrote.
        recipe: What the planes are; goes into the sidecar.
        classes: Activities in the order of the outputs.
        tensors: `(N, H, W, C)` uint8, N >= 1, by name where there are several: real planes, on
            which Keras and the graph are compared, all at once and the first alone.
        validation: `(H, W, C)` uint8 planes and class id of each validation image, read once. The
            temperature and the threshold are fitted on the graph's answers to them; without any,
            the temperature is 1 and nothing is unknown.
        unknown_precision: Share of right answers that the threshold is to give; see
            `calibrate.threshold`.
        unknown_min_coverage: Share of the answers that are given in any case.
        mirror: Whether the answer is the mean over a picture and its mirror image, which takes
            twice as long.
        threads: CPU threads for those answers.
        tolerance: Largest difference of a probability that is accepted.

    Returns:
        The largest difference seen.

    Raises:
        ValueError: the difference is larger than `tolerance`; nothing is written then.
    """
    mapped, outputs = with_activation_map(load_network(out), mirror=mirror)
    return export_graph.write(
        out,
        mapped,
        outputs=outputs,
        reference=keras.Model(mapped.input, mapped.output[0]),
        about={"classes": list(classes), "recipe": recipe.as_json()},
        tensors=tensors,
        validation=validation,
        unknown_precision=unknown_precision,
        unknown_min_coverage=unknown_min_coverage,
        threads=threads,
        tolerance=tolerance,
    )


def load_network(out: Path) -> Any:
    """Loads the Keras network that `fit` wrote to `out`, with its own layers."""
    return keras.models.load_model(out / loop.CLASSIFIER, compile=False)
