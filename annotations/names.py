"""Names of activities: MPII's 20 categories, and what any list of names must keep to.

MPII's are in the fixed order that gives them their ids: the values of `RELEASE.act.cat_name`,
sorted. Source: Andriluka et al., "2D Human Pose Estimation: New Benchmark and State of the Art
Analysis", CVPR 2014.
"""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from pose_activity.annotations.text import preview

MPII_ACTIVITIES = (
    "bicycling",
    "conditioning exercise",
    "dancing",
    "fishing and hunting",
    "home activities",
    "home repair",
    "inactivity quiet/light",
    "lawn and garden",
    "miscellaneous",
    "music playing",
    "occupation",
    "religious activities",
    "running",
    "self care",
    "sports",
    "transportation",
    "volunteer activities",
    "walking",
    "water activities",
    "winter activities",
)


# What a prediction says where it names no activity; see `inference.pictures.predictor`.
STATES = ("unknown", "nobody", "error")


def check_names(where: Path, names: Iterable[str | None]) -> None:
    """Refuses names that a person cannot tell apart, such as "Running" and "running".

    Args:
        where: The file or folder that the names are in, for the message.
        names: Activities; None for none.

    Raises:
        ValueError: names that differ in upper and lower case, in Unicode form, or in spaces around
            them, only; or one that is a state of a prediction, such as "unknown".
    """
    seen: dict[str, str] = {}
    clashes, states = [], []
    for name in dict.fromkeys(names):
        if name is not None:
            key = unicodedata.normalize("NFC", name).casefold().strip()
            if key in STATES:
                states.append(repr(name))
            first = seen.setdefault(key, name)
            if first != name:
                clashes.append(f"{first!r} and {name!r}")
    if states:
        raise ValueError(
            f"{where}: an activity must not be called {', '.join(STATES)}: predictions say so "
            f"where they name no activity. Received: {preview(states)}. Rename it, or leave it out."
        )
    if clashes:
        raise ValueError(
            f"{where}: activities must differ by more than upper and lower case. "
            f"Received: {preview(clashes)}. Merge or rename them."
        )
