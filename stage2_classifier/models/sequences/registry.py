"""Which classifiers of sequences there are; importing this file imports no TensorFlow.

Adding a model: write a function of its name in a file of this folder,

    NAME(*, recipe_shape, skeleton, classes, dropout, **options of its own) -> keras.Model

(see `recurrent_models.py`) and add its line to `SEQUENCE_MODELS`. `recipe_shape` is (T, K, C), the
last channel being `valid`, or (T, H, W, K) of joint maps; `skeleton` names the K joints. The model
takes float32 `(B, *recipe_shape)` as `cache.sequence` makes it (maps in 0..255) and returns float32
`(B, classes)` probabilities. A layer named `embedding` gives the `(B, D)` vector before the head.
Frames in which nobody was found must not change the answer: `motion_layers` and `recurrent` know
how. Options have defaults that can be written in YAML. No Lambda layers and no train_step of its
own; layers of its own are registered with Keras; `export_sequences` must find the same answers in
ONNX, which a test in tests/stage2_classifier/test_sequence_models.py tries for each model.
"""

import ast
import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_HERE = __name__.rpartition(".")[0]
SEQUENCE_MODELS = {
    "lstm": f"{_HERE}.recurrent_models",
    "bilstm": f"{_HERE}.recurrent_models",
    "stacked_lstm": f"{_HERE}.recurrent_models",
    "gru": f"{_HERE}.recurrent_models",
    "gait_embedding": f"{_HERE}.gait_embedding",
    "gait_statistics": f"{_HERE}.gait_statistics",
    "motion_cnn": f"{_HERE}.motion_cnn",
}
_SHARED = ("recipe_shape", "skeleton", "classes", "dropout")


def options_of(model: str) -> dict[str, Any]:
    """Returns a model's own options with their defaults, read without importing TensorFlow.

    Args:
        model: A key of `SEQUENCE_MODELS`.

    Raises:
        ValueError: there is no such model.
    """
    spec = find_spec(_name(model))
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{_name(model)} is registered in SEQUENCE_MODELS, but missing.")
    body = ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body
    (function,) = (n for n in body if isinstance(n, ast.FunctionDef) and n.name == model)
    pairs = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return {
        argument.arg: ast.literal_eval(default)
        for argument, default in pairs
        if argument.arg not in _SHARED and default is not None
    }


def check_options(model: str, options: Mapping[str, Any]) -> None:
    """Refuses options that a model does not have.

    Raises:
        ValueError: there is no such model or option.
    """
    known = options_of(model)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f"{model} has the options {known}. Received: {', '.join(unknown)}")


def build(model: str, **arguments: Any) -> Any:
    """Builds one of `SEQUENCE_MODELS`; its module (and so TensorFlow) is imported only now.

    Args:
        model: A key of `SEQUENCE_MODELS`.
        **arguments: Of the model's own function.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: there is no such model, or it cannot use such tensors.
    """
    return getattr(load_layers(model), model)(**arguments)


def load_layers(model: str) -> Any:
    """Imports a model's module, and so its layers, without which a saved one cannot be loaded."""
    return importlib.import_module(_name(model))


def _name(model: str) -> str:
    if model not in SEQUENCE_MODELS:
        raise ValueError(f"model must be one of {list(SEQUENCE_MODELS)}. Received: {model!r}")
    return SEQUENCE_MODELS[model]
