"""What can be asked of stage 1, as frozen values that are sections of a configuration too.

Imports nothing heavy, so that a mistake in a configuration is reported at once.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pose_activity.artifacts.ranges import (
    Above0,
    Checked,
    Count,
    Fraction,
    NotNegative,
    OutOfRange,
    Positive,
    Range,
)


@dataclass(frozen=True)
class PoseFit(Checked):
    """How stage 1 is trained; see `stage1_pose.fit.fit`. Defaults are for small data sets.

    Attributes:
        epochs: One number per round; a round starts from the last weights of the round before.
        image_size: Longer side in pixels, a multiple of 32.
        batch: Pictures a step.
        nbs: Nominal batch: gradients are summed over smaller batches up to so many pictures.
        freeze: The first so many of YOLOv8's 23 layers stay as they are, BatchNorm statistics too.
        optimizer: "auto", "SGD", "AdamW", ...; "auto" also chooses the learning rate.
        lr0: First learning rate.
        lrf: Last learning rate, as a share of `lr0`.
        cos_lr: Cosine rather than linear decay.
        warmup_epochs: The learning rate rises over these.
        warmup_bias_lr: From which the learning rate of biases goes to `lr0` meanwhile. ultralytics'
            own 0.1 throws AdamW far from where trained weights were.
        preserve_start: Whether training keeps what the weights know: see `fine_tuner`. Not for
            weights from scratch.
        pose: Weight of the joints' loss.
        dropout: Used by ultralytics for classifiers only; kept since the published recipe sets it.
        mosaic: Probability of four pictures in one.
        close_mosaic: None in the last so many epochs of a round.
        hsv_h: Jitter of the hue, as a share.
        hsv_s: Jitter of the saturation.
        hsv_v: Jitter of the brightness.
        degrees: Rotation.
        translate: Shift, as a share of the size.
        scale: Zoom, as a share.
        fliplr: Probability of mirroring.
        patience: A round ends after so many epochs without a better val score.
        workers: Processes that load pictures; 0 loads in this one.
        cache: Keep decoded pictures in memory or on disk.
        device: "cpu", "0"; "0,1" trains in a process per GPU, which share each batch; None takes a
            GPU where there is one.
        amp: bfloat16 arithmetic on a GPU.
        plots: Whether ultralytics draws its plots.
    """

    epochs: tuple[Positive, ...] = (20,)
    image_size: Annotated[int, Range(32)] = 640
    batch: Positive = 16
    nbs: Positive = 16
    freeze: Count = 10
    optimizer: str = "AdamW"
    lr0: Above0 = 0.0001
    lrf: Above0 = 0.01
    cos_lr: bool = True
    warmup_epochs: NotNegative = 1.0
    warmup_bias_lr: NotNegative = 0.0
    preserve_start: bool = True
    pose: Above0 = 12.0
    dropout: Fraction = 0.0
    mosaic: Fraction = 0.0
    close_mosaic: Count = 0
    hsv_h: Fraction = 0.02
    hsv_s: Fraction = 0.7
    hsv_v: Fraction = 0.5
    degrees: Annotated[float, Range(0, 180)] = 0.0
    translate: Fraction = 0.1
    scale: Fraction = 0.25
    fliplr: Fraction = 0.5
    patience: Count = 100
    workers: Count = 2
    cache: Literal["ram", "disk"] | None = None
    device: str | None = None
    amp: bool = False
    plots: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size % 32:
            must = f"must be a multiple of 32. Received: {self.image_size}"
            raise OutOfRange({"image_size": must})
        if not self.epochs:
            raise OutOfRange({"epochs": "must be one number per round. Received: none"})
        if self.batch % count_gpus(self.device):
            must = f"must be a multiple of the {count_gpus(self.device)} GPUs of device"
            raise OutOfRange({"batch": f"{must}. Received: {self.batch}"})


def count_gpus(device: str | None) -> int:
    """Returns how many GPUs `PoseFit.device` names; 1 where it is the CPU, or is not said."""
    return len([part for part in (device or "").split(",") if part.strip()]) or 1


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
