"""What can be asked of the cleaner, as a frozen value that is a section of a configuration too.

Imports nothing heavy, so that a mistake in a configuration is reported at once.
"""

from dataclasses import dataclass

from pose_activity.artifacts.ranges import Checked, Fraction


@dataclass(frozen=True)
class CleanOptions(Checked):
    """How labels are fixed; see `clean.clean`.

    Attributes:
        padding: By what fraction of its height a box made from joints grows over a missing head top
            and below missing ankles.
    """

    padding: Fraction = 0.1
