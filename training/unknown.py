"""Says at the end of a training which answers will be called unknown, or why none will."""

import json
from pathlib import Path

from pose_activity.runtime.calibrate import NEVER_UNKNOWN
from pose_activity.stage2_classifier.sidecar import SIDECAR
from pose_activity.training.console import say, say_notes


def say_unknown(folder: Path, *, held_out: int, by_linear: bool = False) -> None:
    """Prints the threshold for `unknown` of a finished step `stage2`: coverage and precision.

    Args:
        folder: Of the step.
        held_out: Size of the split val.
        by_linear: Whether `stage2.linear` classifies, for which none is fitted.
    """
    about = {} if by_linear else json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
    fitted = about.get("of_clips") or about
    below = fitted.get("unknown_below")
    if below:
        precision, count = fitted.get("answer_precision"), fitted.get("fitted_on")
        right = "" if precision is None else f", and {precision:.1%} of those are right"
        say(
            f"unknown: answers of a probability below {below:.3f} are called unknown. Of "
            f"{count or held_out:,} held-out answers, {fitted['unknown_coverage']:.1%} are "
            f"above{right}."
        )
        return
    if by_linear:
        reason = "No threshold is fitted for stage2.linear."
    elif below is not None:
        reason = (
            "All held-out answers together are right as often as stage2.unknown_precision asks."
        )
    elif held_out:
        reason = "No threshold reaches the stage2.unknown_precision asked for on val."
    else:
        reason = "The threshold is fitted on the split val, which is empty: set split.val above 0."
    say_notes([f"{NEVER_UNKNOWN} {reason}"])
