"""What can be asked of a training, as frozen values that are sections of a configuration too.

Imports nothing heavy, so that a mistake in a configuration is reported at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pose_activity.artifacts.ranges import (
    Above0,
    Checked,
    Count,
    Fraction,
    NotNegative,
    Positive,
    Range,
    Share,
)
from pose_activity.learning.history import LOSS, Monitor

MonitorName = Literal["loss", "accuracy", "macro_f1"]
MONITORS: Mapping[MonitorName, Monitor] = {  # all on the validation tensors
    "loss": LOSS,
    "accuracy": Monitor("val_accuracy", "highest"),
    "macro_f1": Monitor("val_macro_f1", "highest"),
}
Turn = Annotated[float, Range(0, 180)]  # degrees
Slant = Annotated[float, Range(0, 90, "[)")]  # degrees


@dataclass(frozen=True)
class Augment(Checked):
    """How training images are changed at random; see `augment.build`. 0 turns a change off.

    Attributes:
        flip: Probability of mirroring left and right.
        rotate: Largest rotation, in degrees.
        translate: Largest shift, as a share of width and height.
        scale: Largest change of size: the factors of width and of height, each drawn by itself,
            lie in [1 - scale, 1 + scale].
        hue: Largest shift, as a share of the colour circle.
        saturation: Largest shift, as a share of its range.
        value: Largest shift of HSV's value, as a share of its range.
        brightness: Largest shift, as a share of the range 0..255.
        contrast: Largest relative change.
        shear: Largest slant of the picture's axes, each by its own, in degrees.
        perspective: Largest standard deviation of the corners' shifts inwards, as a share of width
            and height.
        grayscale: Probability that RGB becomes grey.
        blur: Largest standard deviation of a Gaussian blur, in pixels.
        noise: Largest standard deviation of Gaussian noise per value, as a share of 0..255.
        compression: Largest loss of JPEG quality, as a share of 100: the quality lies in
            [100 (1 - compression), 100].
        holes: Largest number of grey rectangles laid on RGB (not on the heatmap); each number from
            0 on is as likely.
        hole_size: Largest side of such a rectangle, as a share of width and height; the smallest is
            half of that.
        heatmap_dropout: Probability that the heatmap is blank, as where stage 1 finds nobody.
        random_changes: How many more changes are drawn for each picture from a fixed list of moves
            and looks; see `random_changes`.
        random_strength: Of these: 0 is next to nothing, 1 the most that is still a picture.
    """

    flip: Fraction = 0.5
    rotate: Turn = 10.0
    translate: Fraction = 0.05
    scale: Share = 0.1
    hue: Fraction = 0.02
    saturation: Fraction = 0.2
    value: Fraction = 0.1
    brightness: Fraction = 0.1
    contrast: Fraction = 0.1
    shear: Slant = 0.0
    perspective: Annotated[float, Range(0, 0.5, "[)")] = 0.0
    grayscale: Fraction = 0.0
    blur: NotNegative = 0.0
    noise: Fraction = 0.0
    compression: Fraction = 0.0
    holes: Count = 0
    hole_size: Annotated[float, Range(0, 1, "(]")] = 0.2
    heatmap_dropout: Fraction = 0.0
    random_changes: Count = 0
    random_strength: Annotated[float, Range(0, 1, "(]")] = 0.3


@dataclass(frozen=True)
class PictureFit(Checked):
    """What every training of a classifier of pictures is told; see `fit` and `fit_views`.

    Attributes:
        dropout: Share of features left out in training.
        batch: Images per step.
        patience: Epochs without a better value of the monitor after which a phase ends.
        monitor: Which figure on "val" chooses the epoch to keep.
        precision: Of the arithmetic in training, by Keras' names; a mixed one is faster on hardware
            that has it. The head computes in float32, weights and `classifier.keras` are float32.
        augment: What training images go through; None for nothing.
    """

    dropout: Share = 0.2
    batch: Positive = 32
    patience: Positive = 5
    monitor: MonitorName = "loss"
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    augment: Augment | None = Augment()


@dataclass(frozen=True)
class NetworkFit(PictureFit):
    """How a classifier is trained from a pretrained backbone on; see `fit.fit`.

    Attributes:
        adapter_start: See `models.images.adapter`.
        train_adapter: Whether the two adapter convolutions learn from the first epoch on. An
            untrained identity adapter sees RGB only; training it costs more than twice the time,
            since the gradient must then pass the whole backbone.
        epochs: At most, with a frozen backbone; may be 0.
        learning_rate: Adam's, with a frozen backbone.
        fine_tune_epochs: At most, after those; 0 for none.
        fine_tune_learning_rate: Adam's, then.
        fine_tune_layers: How many of the backbone's last layers learn then; None for all. Its
            batch normalisation stays in inference mode always.
        class_weights: Whether rare classes weigh more, by n / (classes * n_class).
        replicas: Accelerators of this machine that share every batch; see
            `learning.distribution`.
    """

    adapter_start: Literal["identity", "random", "branch"] = "identity"
    train_adapter: bool = True
    epochs: Count = 25
    learning_rate: Above0 = 1e-3
    fine_tune_epochs: Count = 0
    fine_tune_learning_rate: Above0 = 1e-4
    fine_tune_layers: Positive | None = None
    class_weights: bool = False
    replicas: Positive = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epochs + self.fine_tune_epochs < 1:
            raise ValueError("epochs + fine_tune_epochs must be at least 1. Received: 0")


@dataclass(frozen=True)
class FineTune(Checked):
    """How all of a classifier learns, from the head on that was fitted on frozen features.

    The rate falls by a cosine over all epochs, the small ones too.

    Attributes:
        epochs: At most, on pictures of the cache's size.
        small_epochs: At most, before those, on smaller pictures: they cost `small` squared.
        small: Factor of their height and width.
        learning_rate: Of the backbone's last block.
        layer_decay: The block before has this share of that rate, the one before its square, and
            so on.
        head_learning_rate: Of the head. It sums thousands of features, and each step of Adam moves
            every weight by about the rate: much more than this undoes the start.
        frozen_blocks: How many of the backbone's first blocks do not learn; its batch normalisation
            never does.
        adapter_learning_rate: Of the layers that bring the heatmap in, which nobody has trained
            before.
        weight_decay: Of kernels, per unit of their rate.
        warmup_epochs: In which the rates rise from 0.
        label_smoothing: Share of the truth that is spread over all classes; in the history's losses
            too.
        mixup: Above 0, each example is mixed with another one, by a share from Beta(mixup, mixup).
        ema: Momentum of the average of the weights, step by step, that is validated and kept; 0:
            the weights themselves are.
        imbalance: What makes up for classes with few pictures: "weights" lets these weigh more, by
            n / (classes * n_class); "sampling" shows each class as often; "focal" lets hard
            examples weigh more.
        focus: Power of "focal".
        mirror: Whether the exported graph answers by the mean over a picture and its mirror image.
    """

    epochs: Positive = 3
    small_epochs: Count = 0
    small: Annotated[float, Range(0, 1, "(]")] = 0.5
    learning_rate: Above0 = 1e-4
    layer_decay: Annotated[float, Range(0, 1, "(]")] = 0.8
    head_learning_rate: Above0 = 1e-5
    frozen_blocks: Count = 0
    adapter_learning_rate: Above0 = 3e-3
    weight_decay: NotNegative = 0.01
    warmup_epochs: NotNegative = 0.5
    label_smoothing: Share = 0.1
    mixup: NotNegative = 0.2
    ema: Share = 0.98
    imbalance: Literal["none", "weights", "sampling", "focal"] = "none"
    focus: Above0 = 2.0
    mirror: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.warmup_epochs >= self.epochs + self.small_epochs:
            raise ValueError(
                "warmup_epochs must end before the last epoch. Received: "
                f"{self.warmup_epochs} of {self.epochs + self.small_epochs}"
            )


@dataclass(frozen=True)
class SequenceAugment(Checked):
    """How training sequences are changed at random; see `sequence_augment.build`.

    Attributes:
        mirror: Probability of mirroring left and right; left and right joints change places.
        rotate: Largest rotation around the origin (maps: the middle), in degrees.
        scale: Largest change of size: the factor lies in [1 - scale, 1 + scale].
        shear: Largest slant of what is upright, in degrees.
        yaw: Largest turn of the body around its upright axis, in degrees, as if the camera were
            elsewhere. Left and right joints are assumed to be before and behind a person who is
            seen from the side. Not for maps.
        joint_shift: Standard deviation by which each found joint moves, by the same in all frames:
            another camera and other clothes let stage 1 err otherwise. In the tensor's units. Not
            for maps.
        noise: Standard deviation by which each found joint moves in each frame, in the tensor's
            units. Not for maps.
        speed: Largest change of pace: the factor lies in [1 - speed, 1 + speed]. Slower, a random
            part of the window is seen; faster, zeros are added at its end.
        time_warp: How much the pace changes within a window: it rises and falls smoothly, by
            factors up to e^time_warp.
        time_crop: Largest share of the frames that is cut off, before and behind together.
        frame_dropout: Probability, for each frame, that nobody is found in it.
        joint_dropout: Probability, for each joint, that it is found in no frame of the window.
    """

    mirror: Fraction = 0.5
    rotate: Turn = 10.0
    scale: Share = 0.1
    shear: Slant = 0.0
    yaw: Slant = 0.0
    joint_shift: NotNegative = 0.0
    noise: NotNegative = 0.0
    speed: Share = 0.1
    time_warp: NotNegative = 0.0
    time_crop: Share = 0.0
    frame_dropout: Fraction = 0.0
    joint_dropout: Fraction = 0.0


@dataclass(frozen=True)
class SequenceFit(Checked):
    """How a classifier of sequences is trained; see `fit_sequences.fit`.

    Attributes:
        model: A key of `models.sequences.registry.SEQUENCE_MODELS`.
        options: The model's own, see its function; what is not named has its default.
        dropout: Share of the embedding left out in training.
        batch: Sequences per step.
        epochs: At most.
        learning_rate: Adam's, after the warm-up.
        schedule: "constant", or "cosine": falls to 0 at the last epoch.
        warmup_epochs: In which the learning rate rises from 0, step by step.
        weight_decay: Of all weights, per unit of learning rate; above 0 Adam becomes AdamW.
        label_smoothing: Share of the truth that is spread over all classes; in the history's losses
            too.
        patience: Epochs without a better value of the monitor after which training ends; None:
            none.
        monitor: Which figure on "val" tells the best epoch.
        checkpoint: "best": the best epoch by the monitor; "last": the last one.
        class_weights: Whether rare classes weigh more, by n / (classes * n_class).
        augment: What training sequences go through; None for nothing.
    """

    model: str = "lstm"
    options: dict[str, Any] = field(default_factory=dict)
    dropout: Share = 0.0
    batch: Positive = 32
    epochs: Positive = 50
    learning_rate: Above0 = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_epochs: NotNegative = 0.0
    weight_decay: NotNegative = 0.0
    label_smoothing: Share = 0.0
    patience: Positive | None = None
    monitor: MonitorName = "loss"
    checkpoint: Literal["best", "last"] = "best"
    class_weights: bool = False
    augment: SequenceAugment | None = SequenceAugment()


@dataclass(frozen=True)
class UnknownAnswers(Checked):
    """From which probability on answers are given; see `calibrate.threshold`.

    Attributes:
        unknown_precision: Share of right answers that the threshold is to give.
        unknown_min_coverage: Share of the answers that are given in any case.
    """

    unknown_precision: Fraction = 0.9
    unknown_min_coverage: Fraction = 0.8


@dataclass(frozen=True)
class LinearOptions(Checked):
    """A classifier of vectors from scikit-learn; see `vectors.fit.fit`.

    Attributes:
        kind: "logistic": one-vs-rest logistic regression (liblinear, which also shrinks the bias);
            "softmax": multinomial logistic regression; "svm": linear support vector machine,
            one-vs-rest; "rbf": likewise with an RBF kernel; "lda": linear discriminant analysis
            with a shrunk covariance, which on few vectors is far too confident; "ridge": least
            squares on the classes as -1 and 1, in which every class counts the same.
        C: Inverse strength of the penalty on the weights; "lda" has none.
        standardise: Whether every number gets mean 0 and deviation 1 over the vectors.
        l2_normalize: Whether vectors are first divided by their lengths: angles alone count.
        gamma: Of the RBF kernel, on what came out of the two; None: 1 / (D x variance).
        shrinkage: Of the covariance towards a multiple of the identity; None: by Ledoit and Wolf's
            formula. "lda" alone.
        calibration_folds: 0: the probabilities stay as the kind makes them. 2 or more: a
            temperature is fitted on probabilities of vectors held back in so many folds.
    """

    kind: Literal["logistic", "softmax", "svm", "rbf", "lda", "ridge"] = "logistic"
    C: Above0 = 1.0
    standardise: bool = False
    l2_normalize: bool = False
    gamma: Above0 | None = None
    shrinkage: Fraction | None = None
    calibration_folds: Count = 0


@dataclass(frozen=True)
class FrozenHead(Checked):
    """A linear classifier on the features of a frozen backbone; see `frozen.fit.fit`.

    Attributes:
        also: Further networks whose features stand beside those of the model, with the weights
            that they publish as "imagenet". Such a classifier cannot be fine-tuned.
        pooling: What becomes of a feature's map: its "mean" and its "max" over the picture.
        mirror: Whether mirror images are learned from as well.
        C: Inverse strength of the penalty on the weights; None: chosen by `folds`.
        folds: Number of folds of the training pictures, for choosing C and for calibration.
    """

    also: tuple[Literal["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"], ...] = ()
    pooling: tuple[Literal["mean", "max"], ...] = ("mean", "max")
    mirror: bool = False
    C: Above0 | None = None
    folds: Annotated[int, Range(2)] = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.pooling or len({*self.pooling}) != len(self.pooling):
            raise ValueError(
                f"pooling must name mean, max or both, and none twice. Received: {self.pooling}"
            )
        if len({*self.also}) != len(self.also):
            raise ValueError(f"also must name no network twice. Received: {self.also}")
