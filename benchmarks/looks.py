"""What a frozen backbone sees of photos, for `ablations.py` and `novelty.py`.

A `Look` is one picture made of a photo: all of it, a square around somebody, a hand; as it is, as a
heatmap, or with the pose drawn over it. Its vector is the mean and the maximum of each feature over
all places, or the features at groups of joints. Looks that show the same pixels of a photo are
computed once, and all vectors are kept in a folder: the next call computes what is missing, but of
photos of which a kept look shows the same pixels.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console

from benchmarks.accuracy import train
from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.types import Poses
from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.ordered import in_order
from pose_activity.backbones import registry
from pose_activity.cache import poses as pose_file
from pose_activity.cache.framing import Framed, crop_square, resize
from pose_activity.cache.heatmap import draw
from pose_activity.cache.options import Style
from pose_activity.cache.people import POLICIES
from pose_activity.runtime import graph
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_pose import predict
from pose_activity.stage2_classifier.frozen.backbone import find as find_backbone

MODEL = "efficientnet_lite0"
PART = 250  # photos whose vectors are in one file
PAINT = 0.7  # share of the drawing where a pose is drawn over a picture
_SEEN = 0.25  # confidence from which on a joint is looked at
_HAND, _HEAD = 0.3, 0.35  # sides of their squares, as shares of the longer side of a person's box
_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
# What the three colours of a heatmap by body parts show, and at which joints features are read.
_PARTS = (
    (*_FACE, "left_shoulder", "right_shoulder", "left_hip", "right_hip"),
    tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("elbow", "wrist")),
    tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("knee", "ankle")),
)
_GROUPS = (_FACE, *(
    tuple(f"{side}_{joint}" for side in ("left", "right"))
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee")
))  # fmt: skip

Area = Literal["picture", "person", "second", "everyone", "head", "left_hand", "right_hand"]


@dataclass(frozen=True)
class Look:
    """One picture made of a photo.

    Attributes:
        area: What it shows: all of the photo, or a square around the person whom `people` chooses,
            the next prominent one, all people, or a part of the person. Where there is no person,
            all of the photo; of the second or a part that is not there, the vector is zero.
        width: In pixels.
        height: In pixels.
        resize: Of the whole photo.
        margin: Of a square, as `cache.options.PersonView` has it.
        people: Whose square.
        shows: The photo, the heatmap, or the heatmap drawn over the photo.
        drawn: Policy: who is in the heatmap.
        style: Of the heatmap.
        colours: "one" grey plane; a colour for each of three "people", the rest with the last; or
            a colour for each of three groups of body "parts".
        weighted: Whether blobs are weighted by the confidence of their joint.
        at_joints: Features at six groups of the person's joints in place of mean and maximum.
        mirrored: Left and right exchanged.
    """

    area: Area = "picture"
    width: int = 640
    height: int = 480
    resize: Literal["stretch", "letterbox"] = "stretch"
    margin: float = 0.125
    people: str = "most_prominent"
    shows: Literal["rgb", "heatmap", "drawn"] = "rgb"
    drawn: str = "all"
    style: Style = Style()
    colours: Literal["one", "people", "parts"] = "one"
    weighted: bool = True
    at_joints: bool = False
    mirrored: bool = False

    @property
    def key(self) -> str:
        """Its name in a file."""
        return sha256_json(asdict(self))[:16]


PICTURE = Look()
PERSON = Look("person", 320, 320, drawn="most_prominent")


@dataclass(frozen=True, eq=False)
class Photos:
    """Labelled photos, sorted by name, with their poses.

    Attributes:
        poses: With the photos' paths.
        classes: In the order of the ids.
        ids: `(N,)` class ids.
        groups: N names; photos of one scene share theirs.
        clusters: `(N,)` int: the groups, numbered.
    """

    poses: list[Poses]
    classes: tuple[str, ...]
    ids: np.ndarray
    groups: list[str]

    @property
    def clusters(self) -> np.ndarray:
        """`(N,)` int: the groups, numbered."""
        return np.unique(self.groups, return_inverse=True)[1].ravel()


def read_photos(photos: Path, weights: str, work: Path, threads: int) -> Photos:
    """Reads the labels, and finds the people, by the steps of a run in `work`."""
    run = work / "run"
    data = (f"data.images={photos}", f"stage1.weights={weights}", f"threads={threads}")
    for step in ("annotations", "stage1"):
        train(step, "folder", run, data)
    samples = sorted(read_samples(run / "annotations" / "samples.jsonl"), key=lambda s: s.image)
    pose = predict.load(run / "stage1", threads=1)

    def find(pixels: Sequence[np.ndarray], paths: Sequence[Path]) -> list[Poses]:
        pairs = zip(pixels, paths, strict=True)
        return [*in_order(lambda pair: pose([pair[0]], [pair[1]])[0], pairs, workers=threads)]

    with progress_bar("finding people", Console()) as show:
        found = pose_file.find(
            work / pose_file.FILE,
            [sample.image for sample in samples],
            find,
            source={"pose": pose.sha256},
            on_progress=show,
        )
    classes, ids = np.unique([str(sample.activity) for sample in samples], return_inverse=True)
    return Photos(
        poses=[found.poses[sample.image] for sample in samples],
        classes=tuple(classes.tolist()),
        ids=ids,
        groups=[sample.group or str(sample.image) for sample in samples],
    )


def find_vectors(
    looks: Sequence[Look], photos: Photos, work: Path, threads: int
) -> dict[Look, np.ndarray]:
    """Returns `(N, D)` float32 for each look; computes what the files in `work` do not have."""
    backbone = find_backbone_graph()
    run = graph.load(backbone, engine="onnxruntime", threads=threads, streams=threads)
    folder = work / f"vectors_{sha256_file(backbone)[:16]}"
    parts = [photos.poses[i : i + PART] for i in range(0, len(photos.poses), PART)]
    found: list[dict[str, np.ndarray]] = []
    with progress_bar("vectors", Console()) as show:
        for number, poses in enumerate(parts):
            names = [one.image.name for one in poses]
            path = folder / f"{number:02}_{sha256_json(names)[:16]}.npz"
            there = _read(path)
            missing = [look for look in looks if look.key not in there]
            if missing:
                kept = {look: there[look.key] for look in looks if look.key in there}
                items = [
                    (one, {look: vectors[row] for look, vectors in kept.items()})
                    for row, one in enumerate(poses)
                ]
                rows = in_order(
                    lambda item, wanted=missing: _vectors(item[0], item[1], wanted, run),
                    items,
                    workers=threads,
                )
                columns = zip(*rows, strict=True)
                new = [np.stack(column) for column in columns]
                there |= {look.key: v for look, v in zip(missing, new, strict=True)}
                _write(path, there)
            found.append(there)
            show(number + 1, len(parts), names[-1])
    return {look: np.concatenate([part[look.key] for part in found]) for look in looks}


def find_backbone_graph() -> Path:
    """Returns the graph of the backbone, exported once for all runs of this machine."""
    weights = registry.find_weights(MODEL, "imagenet") or Path()
    return find_backbone(MODEL, weights, export=_export)


def joint_numbers(poses: Poses, *, mirrored: bool = False) -> np.ndarray:
    """Returns `(3 K + 1,)`: the most prominent person's joints, relative to the box, and its shape.

    x and y are from the middle of the box, in its longer side; each with its v. The last is width
    over height, as a logarithm. All zero where nobody was found.
    """
    chosen = POLICIES["most_prominent"](poses)
    if not len(chosen):
        return np.zeros(3 * len(poses.skeleton) + 1, np.float32)
    box, joints = poses.boxes[chosen[0]], poses.keypoints[chosen[0]].copy()
    size = np.maximum(box[2:] - box[:2], 1)
    there = joints[:, 2] > 0
    joints[there, :2] -= (box[:2] + box[2:]) / 2
    joints[:, :2] /= size.max()
    if mirrored:
        joints = joints[list(poses.skeleton.flip_index)] * (-1, 1, 1)
    return np.append(joints.ravel(), np.log(size[0] / size[1])).astype(np.float32)


def show(look: Look, image: np.ndarray, poses: Poses) -> tuple[np.ndarray, Framed] | None:
    """Returns the picture `(H, W, 3)` uint8, and how it was framed; None: not there."""
    framed = _frame(look, image, poses)
    if framed is None:
        return None
    pixels = framed[0]
    if look.shows != "rgb":
        plane = _heatmap(look, poses, framed)
        shown = np.broadcast_to(plane, pixels.shape) if look.colours == "one" else plane
        if look.shows == "drawn":
            # One plane is drawn in red: what is neither skin nor ground.
            ink = plane * np.array((1, 0, 0), np.uint8) if look.colours == "one" else plane
            mixed = (1 - PAINT) * pixels + PAINT * ink
            shown = np.where(plane.max(2, keepdims=True) > 0, mixed, pixels).astype(np.uint8)
        pixels = shown
    return (pixels[:, ::-1] if look.mirrored else pixels), framed


def _export(model: str, weights: Path, path: Path) -> None:
    from pose_activity.stage2_classifier import export_backbone  # TensorFlow's start: seconds

    export_backbone.export(model, weights, path)


def _vectors(
    poses: Poses,
    kept: Mapping[Look, np.ndarray],
    looks: Sequence[Look],
    run: Callable[[np.ndarray], Sequence[np.ndarray]],
) -> list[np.ndarray]:
    """Returns the vector of each look at a photo, of which `kept` looks are known."""
    image, maps, vectors = load_rgb(poses.image), {}, []
    sizes = {(look.width, look.height) for look in looks}
    known: dict[tuple[tuple[int, ...], bytes], np.ndarray] = {}
    for look, vector in kept.items():
        if (look.width, look.height) in sizes and look.shows == "rgb" and not look.at_joints:
            shown = show(look, image, poses)
            if shown is not None:
                known[shown[0].shape, shown[0].tobytes()] = vector
    for look in looks:
        shown = show(look, image, poses)
        size = len(_GROUPS) if look.at_joints else 2
        if shown is None:
            vectors.append(np.zeros(size * _FEATURES, np.float32))
            continue
        pixels, framed = shown
        digest = pixels.shape, pixels.tobytes()
        if digest in known and not look.at_joints:
            vectors.append(known[digest])
            continue
        if digest not in maps:
            maps[digest] = run(np.ascontiguousarray(pixels[None], np.float32))[0][0]
        found = maps[digest]
        if look.at_joints:
            vectors.append(_at_joints(found, look, poses, framed))
        else:
            vectors.append(np.concatenate([found.mean((0, 1)), found.max((0, 1))]))
    return vectors


_FEATURES = 1280  # of the backbone


def _frame(look: Look, image: np.ndarray, poses: Poses) -> Framed | None:
    whole = (look.width, look.height)
    if look.area == "picture":
        return resize(image, whole, look.resize)
    box = _box(look, poses)
    if box is not None:
        return crop_square(image, box, margin=look.margin, size=look.width)
    return resize(image, whole, "letterbox") if look.area in ("person", "everyone") else None


def _box(look: Look, poses: Poses) -> np.ndarray | None:
    """Returns the box `(4,)` around what the look shows; None where it was not found."""
    chosen = _people(look.people, poses)
    if not len(chosen):
        return None
    if look.area == "person":
        return poses.boxes[chosen[0]]
    if look.area == "everyone":
        return np.append(poses.boxes[:, :2].min(0), poses.boxes[:, 2:].max(0))
    if look.area == "second":
        return poses.boxes[chosen[1]] if len(chosen) > 1 else None
    return _part(look.area, poses, int(chosen[0]))


def _people(policy: str, poses: Poses) -> np.ndarray:
    """Returns whom a policy chooses; after the most prominent person come the others in turn."""
    if policy != "most_prominent":
        return POLICIES[policy](poses)
    sizes = np.prod(poses.boxes[:, 2:] - poses.boxes[:, :2], axis=1)
    return np.argsort(-poses.scores * sizes, kind="stable")


def _part(area: str, poses: Poses, person: int) -> np.ndarray | None:
    """Returns the square around the head, or a hand: past the wrist, as the forearm points."""
    joints = dict(zip(poses.skeleton.joints, poses.keypoints[person], strict=True))
    longer = float((poses.boxes[person, 2:] - poses.boxes[person, :2]).max())
    if area == "head":
        seen = [joints[name][:2] for name in _FACE if joints[name][2] >= _SEEN]
        middle, side = (np.mean(seen, axis=0), _HEAD * longer) if seen else (None, 0.0)
    else:
        side = _HAND * longer
        elbow, wrist = (joints[area.replace("hand", joint)] for joint in ("elbow", "wrist"))
        middle = wrist[:2] if wrist[2] >= _SEEN else None
        if middle is not None and elbow[2] >= _SEEN:
            middle = middle + 0.35 * (wrist[:2] - elbow[:2])
    if middle is None:
        return None
    return np.concatenate([middle - side / 2, middle + side / 2]).astype(np.float32)


def _heatmap(look: Look, poses: Poses, framed: Framed) -> np.ndarray:
    """Returns `(H, W, 1)` or, in colours, `(H, W, 3)` uint8."""
    _, scale, offset = framed
    chosen = _people(look.drawn, poses)
    chosen = chosen[:1] if look.drawn == "most_prominent" and look.colours != "people" else chosen
    keypoints = poses.keypoints[chosen]
    keypoints[..., :2] = keypoints[..., :2] * scale + offset
    shape, skeleton = (look.height, look.width), poses.skeleton
    if not look.weighted:
        keypoints[..., 2] = keypoints[..., 2] >= look.style.min_confidence
    if look.colours == "one":
        return draw(keypoints, skeleton, shape, look.style)[..., None]
    if look.colours == "people":
        each = [keypoints[:1], keypoints[1:2], keypoints[2:]]
    else:
        # A bone belongs to the part of its end: a limb begins at the joint before its own.
        each = [_only(keypoints, skeleton.joints, names) for names in _PARTS]
    return np.dstack([draw(part, skeleton, shape, look.style) for part in each])


_BEGIN = {"elbow": "shoulder", "knee": "hip"}


def _only(keypoints: np.ndarray, joints: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Returns the keypoints with those alone that a part is drawn from."""
    begins = [name.replace(joint, before) for name in names for joint, before in _BEGIN.items()]
    kept = np.array([name in {*names, *begins} for name in joints])
    return np.where(kept[:, None], keypoints, np.float32(0))


def _at_joints(found: np.ndarray, look: Look, poses: Poses, framed: Framed) -> np.ndarray:
    """Returns the features at each group of joints, `(6 D,)`; zero where none of it was seen."""
    chosen = _people(look.people, poses)
    vectors = np.zeros((len(_GROUPS), found.shape[-1]), np.float32)
    if not len(chosen):
        return vectors.ravel()
    keypoints = poses.keypoints[chosen[0]]
    places = keypoints[:, :2] * framed[1] + framed[2]
    places *= np.array(found.shape[1::-1]) / (look.width, look.height)
    x, y = places.astype(int).clip(0, np.array(found.shape[1::-1]) - 1).T
    for number, names in enumerate(_GROUPS):
        seen = [
            i
            for i, name in enumerate(poses.skeleton.joints)
            if name in names and keypoints[i, 2] >= _SEEN
        ]
        if seen:
            vectors[number] = found[y[seen], x[seen]].mean(0)
    return vectors.ravel()


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _write(path: Path, arrays: dict[str, Any]) -> None:
    with atomic.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def mirrored(looks: Sequence[Look]) -> Iterator[Look]:
    """Yields the looks at the mirror image."""
    for look in looks:
        yield replace(look, mirrored=True)
