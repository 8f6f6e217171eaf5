"""What can be asked of a tensor, as frozen values: parts of a recipe, sections of a configuration.

Imports nothing heavy, so that a mistake in a configuration is told at once.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pose_activity.artifacts.ranges import (
    Above0,
    Checked,
    Count,
    Fraction,
    NotNegative,
    Positive,
    Range,
)

Plane = Literal["rgb", "heatmap", "parts", "rgb_person"]
OF_PARTS = ("parts", "rgb_person")  # planes that a parts network draws
Grey = Annotated[int, Range(0, 255)]
KNOWN = ("x", "y", "confidence", "valid")  # what is known of a joint in a frame
CHANNELS = (("x", "y", "valid"), KNOWN)


@dataclass(frozen=True)
class Style(Checked):
    """How people are drawn.

    Attributes:
        style: "skeleton" draws bones and joints as lines and discs (the published recipe),
            "gaussian" a blob per joint, weighted by its confidence, where blobs meet the maximum.
        bone_value: Grey value of a bone, 0..255 (skeleton).
        joint_value: Grey value of a joint, 0..255 (skeleton).
        bone_width: Line width in pixels (skeleton).
        joint_radius: In pixels (skeleton).
        sigma: Of a blob in pixels (gaussian).
        min_confidence: Joints with a lower v are not drawn.
    """

    style: Literal["skeleton", "gaussian"] = "skeleton"
    bone_value: Grey = 190
    joint_value: Grey = 250
    bone_width: Positive = 4
    joint_radius: Count = 4
    sigma: Above0 = 8.0
    min_confidence: Fraction = 0.25


@dataclass(frozen=True)
class PersonView(Checked):
    """A second view of a picture: a square around one of the people in it.

    The square is centred on the person's box; where it reaches outside the picture it is grey 114,
    so proportions are kept. Where nobody was found, the whole picture is shown in it, letterboxed.

    Attributes:
        planes: Each once, in the order of the channels. The heatmap shows that person alone.
        size: Of a side, in pixels.
        people: Policy from `cache.people.POLICIES` that chooses one.
        margin: Added on each side of the box, as a share of its longer side.
        heatmap: How the person is drawn.
        joints: Whether that person's joints are an input as well, as numbers; see
            `cache.joint_numbers`.
    """

    planes: tuple[Plane, ...] = ("rgb",)
    size: Positive = 320
    people: Literal["most_prominent", "centre", "largest", "top_score"] = "most_prominent"
    margin: Annotated[float, Range(0, 10)] = 0.125
    heatmap: Style = field(default_factory=Style)
    joints: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_planes(self.planes)


@dataclass(frozen=True)
class PlaneOptions(Checked):
    """What a picture's tensors show.

    Attributes:
        planes: Each once, in the order of the channels: the picture; people drawn from their
            joints; six soft planes of body parts (head, torso, upper and lower arms, upper and
            lower legs) of the same people; the picture with everything but them black.
        width: Of the tensor, in pixels.
        height: Of the tensor, in pixels.
        resize: "stretch" ignores the picture's proportions (the published recipe), "letterbox"
            keeps them and pads with grey 114.
        people: Policy from `cache.people.POLICIES`: who is drawn. Or "each": a tensor shows one
            person, and a picture becomes as many tensors as it has people.
        person: How "each" shows the one: "crop" cuts the picture to the person's box, "mask" keeps
            the whole picture and paints grey 114 outside that box. Others' joints are not drawn.
        margin: Added on each side of that box, as a share of its longer side.
        heatmap: How they are drawn.
        person_view: A second view, of one person; None: the picture alone.
    """

    planes: tuple[Plane, ...] = ("rgb", "heatmap")
    width: Positive = 640
    height: Positive = 480
    resize: Literal["stretch", "letterbox"] = "stretch"
    people: Literal[
        "centre_and_farthest", "most_prominent", "centre", "largest", "top_score", "all", "each"
    ] = "centre_and_farthest"
    person: Literal["crop", "mask"] = "crop"
    margin: Annotated[float, Range(0, 10)] = 0.2
    heatmap: Style = field(default_factory=Style)
    person_view: PersonView | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_planes(self.planes)
        if self.person_view and self.one_by_one:
            raise ValueError(
                "person_view shows one person beside the picture: it needs another policy than "
                "people 'each', whose tensors show one person already."
            )

    @property
    def one_by_one(self) -> bool:
        """Whether a tensor shows one person."""
        return self.people == "each"

    @property
    def needs_poses(self) -> bool:
        """Whether stage 1 has to find people."""
        drawn = "heatmap" in self.planes or self.needs_parts
        return drawn or self.one_by_one or self.person_view is not None

    @property
    def needs_parts(self) -> bool:
        """Whether a parts network has to find body parts."""
        views = [view.planes for view in (self, self.person_view) if view]
        return any(plane in planes for planes in views for plane in OF_PARTS)


def _check_planes(planes: tuple[Plane, ...]) -> None:
    if not planes or len(set(planes)) != len(planes):
        raise ValueError(f"planes must name at least one plane, and none twice. Received: {planes}")


@dataclass(frozen=True)
class PartsOptions(Checked):
    """What a network of body parts sees of a picture.

    Attributes:
        planes: "rgb", or "rgb" and "bones": parts drawn from the joints that a pose model finds, as
            help; see `cache.bones`.
        width: Of the tensor, in pixels.
        height: Of the tensor, in pixels.
        resize: "letterbox" keeps the picture's proportions and pads with grey 114, "stretch"
            ignores them.
    """

    planes: tuple[Literal["rgb", "bones"], ...] = ("rgb",)
    width: Positive = 320
    height: Positive = 256
    resize: Literal["letterbox", "stretch"] = "letterbox"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.planes not in (("rgb",), ("rgb", "bones")):
            raise ValueError(
                "planes must be [rgb], or [rgb, bones] with the poses of stage 1 as help. "
                f"Received: {[*self.planes]}"
            )

    @property
    def needs_poses(self) -> bool:
        """Whether stage 1 has to find people."""
        return "bones" in self.planes


@dataclass(frozen=True)
class SequenceOptions(Checked):
    """What a clip's tensors show.

    Attributes:
        kind: "joints": `(frames, K, C)` float32; "maps": `(frames, height, width, K)` uint8, a
            picture a joint, 255 where it surely is.
        skeleton: Whose K joints: a name from `SKELETONS`, or the text of another one (see
            `Skeleton.as_text`). Clips of other skeletons become "openpose18" where that is asked.
        frames: T of a tensor.
        windows: What is cut from a clip: its "first" frames; "sliding" every `stride` frames, and
            once more at the end where frames are left over; or the "whole" clip, resampled to
            `frames`. A clip begins and ends with a frame in which a joint was found.
        stride: Frames from window to window (sliding).
        rate: Frames a second to which a clip is resampled by its true times; None takes the frames
            as they come. Not for "whole", which has a rate of its own for each clip.
        short: What happens to a clip with fewer frames than a window: "pad" adds zeros at its end
            ("whole" needs none, it stretches), "error" raises.
        gaps: A joint that is missing in a frame: "interpolate" puts it on the line, in time,
            between where it was found before and after, and at the clip's ends where it was found
            nearest in time; "zero" leaves x = y = 0. `valid` is 0 in both.
        centre: The origin: the neck in each "frame", or one for the "clip", which keeps the path
            (see `cache.normalize.origins`). Maps: the middle of the box around the joints.
        scale: The unit: the torso's median length over the "clip", or its length in each "frame",
            which jitters (see `cache.normalize.units`). Maps: the size of that box.
        channels: C of joints. x to the right and y down, from the origin, in units. "confidence":
            stage 1's, 0 where not valid. "valid", always the last: 1 where the joint was found in
            that frame, 0 where it is filled in, or the frame added. Nobody was found in a frame
            that has 0 for all its joints; models leave it out.
        min_confidence: A joint with a lower v is missing.
        width: Of a map, in pixels.
        height: Of a map, in pixels.
        sigma: Of a joint's blob, in pixels of the map; its height is the joint's confidence.
        margin: Added on each side of the box, as a share of its longer side (maps).
    """

    kind: Literal["joints", "maps"] = "joints"
    skeleton: str = "openpose18"
    frames: Positive = 50
    windows: Literal["first", "sliding", "whole"] = "first"
    stride: Positive = 25
    rate: Above0 | None = None
    short: Literal["pad", "error"] = "pad"
    gaps: Literal["interpolate", "zero"] = "interpolate"
    centre: Literal["frame", "clip"] = "frame"
    scale: Literal["clip", "frame"] = "clip"
    channels: tuple[str, ...] = CHANNELS[0]
    min_confidence: Fraction = 0.0
    width: Positive = 24
    height: Positive = 32
    sigma: Above0 = 1.0
    margin: NotNegative = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels not in CHANNELS:
            raise ValueError(
                f"channels must be one of {[list(choice) for choice in CHANNELS]}. "
                f"Received: {self.channels}"
            )
        if self.windows == "whole" and self.rate is not None:
            raise ValueError(
                "rate must be null where windows is 'whole', which has a rate of its own for each "
                f"clip. Received: {self.rate}"
            )
