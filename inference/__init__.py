"""Frames in, rows out: sources, the pipeline, writers (floor 4).

`from inference import Classifier` is the room's face; it is loaded when it is asked for.
"""


def __getattr__(name: str) -> object:
    """Returns the public names of `inference.api` (PEP 562)."""
    if name in ("Classifier", "Prediction"):
        from inference import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
