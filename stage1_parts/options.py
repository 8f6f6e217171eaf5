"""What can be asked of a training of body parts, as frozen values: sections of a configuration.

Imports nothing heavy, so that a mistake in a configuration is told at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pose_activity.artifacts.ranges import Checked, Fraction, Range, Share
from pose_activity.learning.history import LOSS, Monitor

LossName = Literal[
    "crossentropy",
    "weighted_crossentropy",
    "dice",
    "crossentropy_dice",
    "part_distance_far",
    "part_distance_near",
    "squared",
]
OptimizerName = Literal["adam", "nadam", "sgd", "sgd_decay", "sgd_plateau"]
PartsMonitorName = Literal["loss", "miou", "body_recall"]
PARTS_MONITORS: Mapping[PartsMonitorName, Monitor] = {  # all on the validation tensors
    "loss": LOSS,
    "miou": Monitor("val_miou", "highest"),
    "body_recall": Monitor("val_body_recall", "highest"),
}


@dataclass(frozen=True)
class PartsAugment(Checked):
    """How training images are changed at random, and their masks with them. 0 turns a change off.

    Attributes:
        mirror: Probability of mirroring; left and right parts change places.
        rotate: Largest rotation, in degrees.
        smallest: Smallest factor of the size; what is beyond the picture is grey and not learned.
        largest: Largest factor of the size; a part of the picture is seen then.
        stretch: Largest change of the proportions: the factor lies in [1 - stretch, 1 + stretch].
        on_people: Probability that what is seen is centred on a pixel of somebody.
        brightness: Largest shift, as a share of the range 0..255.
        contrast: Largest relative change.
        saturation: Likewise.
        tint: Largest relative change of each colour by itself.
        bones_dropout: Probability that the bones are blank, as where stage 1 finds nobody.
    """

    mirror: Fraction = 0.5
    rotate: Annotated[float, Range(0, 180)] = 12.0
    smallest: Annotated[float, Range(0, 1, "(]")] = 0.75
    largest: Annotated[float, Range(1, 8)] = 1.9
    stretch: Share = 0.1
    on_people: Fraction = 0.7
    brightness: Fraction = 0.1
    contrast: Fraction = 0.3
    saturation: Fraction = 0.4
    tint: Fraction = 0.1
    bones_dropout: Fraction = 0.1
