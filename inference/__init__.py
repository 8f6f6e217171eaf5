"""Frames in, rows out: sources, the pipelines, writers (floor 4).

`from inference import Classifier` (or `predict_action`) is the room's face; it is loaded when it is
asked for.
"""


def __getattr__(name: str) -> object:
    """Returns the public names of `inference.api` (PEP 562)."""
    if name in ("Classifier", "Prediction", "predict_action"):
        from inference import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
