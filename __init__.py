"""Still image -> pose -> activity: two stages that you can train; and people in motion.

    from pose_activity import Classifier
    classify = Classifier("model/")
    print(classify("photo.jpg").activity)

The names below are loaded when they are asked for: importing the package imports no library.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pose_activity.inference.api import Classifier, Prediction, load_model, predict_action

    __version__: str

__all__ = ["Classifier", "Prediction", "__version__", "load_model", "predict_action"]


def __getattr__(name: str) -> object:
    """Returns the public names (PEP 562)."""
    if name == "__version__":
        from pose_activity.version import version

        return version()
    if name in __all__:
        from pose_activity.inference import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
