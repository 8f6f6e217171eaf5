"""Says at the end of a training that nothing will be called unknown, and why."""

import json
from pathlib import Path

from pose_activity.stage2_classifier.calibrate import NEVER_UNKNOWN
from pose_activity.stage2_classifier.sidecar import SIDECAR
from pose_activity.training.console import say_notes


def say_if_never_unknown(folder: Path, *, held_out: int, by_linear: bool = False) -> None:
    """Prints a note where a finished step `stage2` has no threshold for `unknown`.

    Args:
        folder: Of the step.
        held_out: Size of the split val.
        by_linear: Whether `stage2.linear` answers, for which none is fitted.
    """
    about = {} if by_linear else json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
    if by_linear:
        reason = "No threshold is fitted for stage2.linear."
    elif (about.get("of_clips") or about).get("unknown_below") is not None:
        return
    elif held_out:
        reason = "No answers on val are right as often as stage2.unknown_precision asks."
    else:
        reason = "The threshold is fitted on the split val, which is empty: set split.val above 0."
    say_notes([f"{NEVER_UNKNOWN} {reason}"])
