"""Where the graph of a frozen backbone comes from: made once, kept in the user's cache folder.

A graph's name there says what it was made from: the model, the digest of its weights and the
version of the layout. An EfficientNet-Lite's is written in a second. Another model's is exported by
TensorFlow, which is imported only then. A file `.onnx` as weights is a backbone already: one of
another machine's cache folder.
"""

from collections.abc import Callable
from pathlib import Path

import onnx

from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.artifacts.user_cache import kept_graphs
from pose_activity.backbones.lite_layout import LITES
from pose_activity.backbones.lite_weights import read_state_dict
from pose_activity.stage2_classifier.frozen import lite_graph

_VERSION = 1  # of what a graph takes and answers
Export = Callable[[str, Path, Path], None]


def find(
    model: str,
    weights: Path,
    *,
    export: Export,
    folder: Path | None = None,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Returns the graph; makes it where it is not there.

    Args:
        model: A key of `backbones.registry.MODELS`.
        weights: The file that the model starts from; an `.onnx` file is taken as the graph.
        export: `export_backbone.export`, handed in by who may import Keras.
        folder: Where graphs are kept; None: in the user's cache folder.
        on_progress: Told before a graph is made, and where it is.

    Raises:
        ValueError: the weights do not fit the model, or the graph is no backbone.
    """
    if weights.suffix == ".onnx":
        return _checked(weights)
    report = on_progress or (lambda done, total, text: None)
    made_of = [model, sha256_file(weights), _VERSION, lite_graph.VERSION]
    path = (folder or kept_graphs()) / f"{model}-{sha256_json(made_of)[:16]}.onnx"
    if not path.is_file():
        report(0, 1, f"making the graph of {model}'s backbone")
        with atomic.replacing(path) as temporary:
            if model in LITES and weights.suffix == ".pth":
                onnx.save(lite_graph.build(model, read_state_dict(weights)), temporary)
            else:
                export(model, weights, temporary)
        report(1, 1, f"kept for later runs: {path}")
    return path


def _checked(path: Path) -> Path:
    ends = onnx.load(path, load_external_data=False).graph
    names = [end.name for end in (*ends.input, *ends.output)]
    if names != ["image", "features"]:
        raise ValueError(
            "The graph of a backbone must take 'image' and answer with 'features'. "
            f"Received: {path} with {names}. Name one from {kept_graphs()}, or weights."
        )
    return path
