"""Names of activities: MPII's 20 categories, and what any list of names must keep to.

MPII's stand in the fixed order that gives them their ids: the values of `RELEASE.act.cat_name`,
sorted. Source: Andriluka et al., "2D Human Pose Estimation: New Benchmark and State of the Art
Analysis", CVPR 2014.
"""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

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


def check_names(where: Path, names: Iterable[str | None]) -> None:
    """Refuses names that a person cannot tell apart: "Running" and "running" are no two classes.

    Args:
        where: The file or folder that the names stand in, for the message.
        names: Activities; None stands for none.

    Raises:
        ValueError: names that differ in upper and lower case, or in Unicode form, only.
    """
    seen: dict[str, str] = {}
    clashes = []
    for name in dict.fromkeys(names):
        if name is not None:
            first = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
            if first != name:
                clashes.append(f"{first!r} and {name!r}")
    if clashes:
        raise ValueError(
            f"{where}: activities must differ by more than upper and lower case. "
            f"Received: {some(clashes)}. Merge or rename them."
        )


def some(names: list[str], shown: int = 5) -> str:
    """Returns the first few of a list as text, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
