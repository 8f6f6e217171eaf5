"""What can be asked of stage 1, as frozen values that are sections of a configuration too.

Imports nothing heavy, so that a mistake in a configuration is reported at once.
"""

from dataclasses import dataclass
from typing import Annotated

from pose_activity.artifacts.ranges import Checked, Count, Fraction, Positive, Range


@dataclass(frozen=True)
class PoseFilter(Checked):
    """Which of the people that a pose graph finds are kept; see `stage1_pose.predict.load`.

    Attributes:
        confidence: A person is kept above this score.
        iou: Of two people whose boxes overlap by more than this, the weaker is dropped.
        max_people: Per picture.
    """

    confidence: Fraction = 0.25
    iou: Fraction = 0.7
    max_people: Positive = 300


@dataclass(frozen=True)
class TrackOptions(Checked):
    """How people are followed through a video; see `stage1_pose.track.Tracker`.

    Attributes:
        min_similarity: In (0, 1]; a person less similar than this to everybody followed is new.
        min_hits: People found in fewer frames are taken for mistakes and left out.
        max_age: Somebody not found for more frames than this is given up; who comes then is
            somebody new. In frames of the video, also where only some of them are looked at.
    """

    min_similarity: Annotated[float, Range(0, 1, "(]")] = 0.2
    min_hits: Positive = 3
    max_age: Count = 30
