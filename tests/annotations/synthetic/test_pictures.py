"""The drawn data set: read back by our own reader and cleaner, and checked against its pixels."""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import loadmat
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pose_activity.annotations.cleaning.clean import clean
from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.readers.mpii import read_mpii
from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.synthetic import pictures
from pose_activity.annotations.synthetic.body import ACTIVITIES
from pose_activity.annotations.synthetic.options import DrawnPictures
from pose_activity.annotations.synthetic.pictures import FAULTS
from pose_activity.annotations.types import Sample

SIZE = (256, 256)


def write(folder: Path, *, size: tuple[int, int], **rest: Any) -> Path:
    others = {name: rest.pop(name) for name in ("seed", "on_progress") if name in rest}
    asked = DrawnPictures(width=size[0], height=size[1], **rest)
    return pictures.write(folder, asked, **others)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write(folder, images=240, size=SIZE, seed=3, faults=False)
    return folder


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spoiled")
    write(folder, images=64, size=SIZE, seed=4)
    return folder


def samples(folder: Path) -> list[Sample]:
    return list(read_mpii(folder / "release.mat", folder / "images"))


def faults(folder: Path) -> dict[str, list[str]]:
    return json.loads((folder / "faults.json").read_text(encoding="utf-8"))


def joint(sample: Sample, name: str) -> np.ndarray:
    return sample.keypoints[:, MPII16.index(name)]


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_cleaner_finds_what_was_injected(spoiled: Path) -> None:
    injected = faults(spoiled)
    report = clean(samples(spoiled), root=spoiled / "images").report
    counts, touched = report["rules"], report["touched"]
    expected = {
        "negative": ["negative_joint"],
        "outside": ["outside_joint"],
        "no_annotations": ["no_annorect", "empty_annopoints"],
        "empty_activity": ["no_activity"],
        "missing_file": ["missing_file"],
        "unreadable": ["empty_file", "truncated_file"],
        "head_padding": ["no_head_top"],
        "ankle_padding": ["no_ankles"],
        "no_visible_joints": [],
    }
    for rule, kinds in expected.items():
        names = sorted(name for kind in kinds for name in injected[kind])
        assert (counts[rule], sorted(touched[rule])) == (len(names), names), rule
    assert report["entries"] == 64
    assert report["kept"] == 64 - 9


def test_faults_are_recorded_and_never_meet(spoiled: Path) -> None:
    injected = faults(spoiled)
    assert {fault: len(names) for fault, names in injected.items()} == FAULTS
    names = [name for names in injected.values() for name in names]
    assert len(set(names)) == len(names)


def test_without_faults_nothing_is_cleaned(whole: Path) -> None:
    report = clean(samples(whole), root=whole).report
    assert report["kept"] == report["entries"] == 240
    harmless = ("box_from_joints",)
    assert not any(n for rule, n in report["rules"].items() if rule not in harmless)
    assert not any(faults(whole).values())


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write(tmp_path / name, images=20, size=(96, 64), seed=seed)
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert a == b
    assert a != c


def test_a_picture_does_not_depend_on_how_many_follow(tmp_path: Path) -> None:
    write(tmp_path / "few", images=4, size=(96, 64), seed=1, faults=False)
    write(tmp_path / "more", images=6, size=(96, 64), seed=1, faults=False)
    few, more = digests(tmp_path / "few"), digests(tmp_path / "more")
    assert {name: more[name] for name in few if name.endswith(".jpg")} == {
        name: digest for name, digest in few.items() if name.endswith(".jpg")
    }


def test_another_seed_leaves_no_stale_picture(tmp_path: Path) -> None:
    for seed in (1, 2):
        write(tmp_path, images=20, size=(96, 64), seed=seed)
        for name in faults(tmp_path)["missing_file"]:
            assert not (tmp_path / "images" / name).exists()


def test_samples_are_whole(whole: Path) -> None:
    for sample in samples(whole):
        xy = sample.keypoints[..., :2]
        assert len(xy) in (1, 2)
        assert sample.activity in ACTIVITIES
        assert (xy >= 0).all() and (xy < SIZE).all()
        assert (sample.keypoints[..., 2] > 0).all()
        assert (sample.head_sizes > 0).all()


def test_every_activity_is_equally_frequent_and_clips_agree(whole: Path) -> None:
    by_clip: dict[str | None, list[str | None]] = {}
    for sample in samples(whole):
        by_clip.setdefault(sample.group, []).append(sample.activity)
    assert all(len(clip) == 2 and len(set(clip)) == 1 for clip in by_clip.values())
    firsts = [clip[0] for clip in by_clip.values()]
    assert {activity: firsts.count(activity) for activity in ACTIVITIES} == dict.fromkeys(
        ACTIVITIES, 15
    )


def test_some_joints_are_hidden_and_some_pictures_show_two(whole: Path) -> None:
    read = samples(whole)
    visible = np.concatenate([sample.keypoints[..., 2].ravel() for sample in read])
    assert set(visible.tolist()) == {0.5, 1.0}
    assert 0.03 < (visible == 0.5).mean() < 0.3
    assert 0.1 < np.mean([len(sample.boxes) == 2 for sample in read]) < 0.4


def test_right_is_the_persons_right(whole: Path) -> None:
    """Who faces the viewer has the right shoulder on the picture's left, mirrored or not."""
    front = [s for s in samples(whole) if s.activity in ("standing", "waving", "arms raised")]
    gap = np.concatenate([joint(s, "left_shoulder") - joint(s, "right_shoulder") for s in front])
    assert len(gap) > 80
    assert (gap[:, 0] > 0).all()


def test_both_arms_wave_about_equally_often(whole: Path) -> None:
    waving = [sample for sample in samples(whole) if sample.activity == "waving"]
    lower = [joint(s, "right_wrist")[0, 1] < joint(s, "left_wrist")[0, 1] for s in waving]
    assert 0.25 < np.mean(lower) < 0.75


def test_joints_lie_on_what_was_drawn(whole: Path) -> None:
    """Hands and necks are bare: where both can be seen, their pixels have one skin colour."""
    gaps = []
    for sample in samples(whole):
        image = load_rgb(sample.image).astype(float)
        for person in sample.keypoints:
            wrist = person[MPII16.index("right_wrist")]
            head = person[[MPII16.index("upper_neck"), MPII16.index("head_top")]]
            throat = 0.9 * head[0] + 0.1 * head[1]
            if wrist[2] < 1:
                continue
            spots = [
                cv2.blur(image, (3, 3))[int(point[1]), int(point[0])] for point in (wrist, throat)
            ]
            tones = [spot / spot.sum() for spot in spots]
            gaps.append(float(np.abs(tones[0] - tones[1]).max()))
    assert len(gaps) > 150
    assert np.mean(np.asarray(gaps) < 0.05) > 0.8


def test_the_pose_decides_the_activity(whole: Path) -> None:
    """Joints alone, seen from their own middle at their own size, tell the activities apart."""
    read = samples(whole)
    features = []
    for sample in read:
        xy = sample.keypoints[0, :, :2]
        features.append(((xy - xy.mean(0)) / xy.std()).ravel())
    labels = [sample.activity for sample in read]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(features[:160], labels[:160])
    assert model.score(features[160:], labels[160:]) > 0.95


def test_walkers_are_drawn_from_both_sides(tmp_path: Path) -> None:
    path = write(tmp_path, images=24, size=(96, 96), seed=0, faults=False, walking=True)
    read = list(read_mpii(path, tmp_path / "images"))
    assert {sample.activity for sample in read} == {"walking"}
    # The nearer arm hides nothing of itself: who walks to the right shows the right one.
    sides = [np.sign((joint(s, "right_wrist") - joint(s, "left_wrist"))[:, 2]) for s in read]
    assert {-1, 1} <= set(np.concatenate(sides).tolist())
    thighs = np.concatenate([joint(s, "left_knee") - joint(s, "right_knee") for s in read])
    spread = np.abs(thighs[:, 0]) / np.concatenate([sample.head_sizes for sample in read])
    assert spread.max() > 1.5 and spread.std() > 0.3, "they are at all moments of a stride"


def test_the_file_has_mpiis_layout(spoiled: Path) -> None:
    release = loadmat(spoiled / "release.mat")["RELEASE"][0, 0]
    assert release["annolist"].shape == release["img_train"].shape == (1, 64)
    assert release["act"].shape == release["single_person"].shape == (64, 1)
    entry = release["annolist"][0, int(faults(spoiled)["negative_joint"][0][:-4]) - 1]
    person = entry["annorect"][0, 0]
    assert set(person.dtype.names) == {"x1", "y1", "x2", "y2", "annopoints", "scale", "objpos"}
    points = person["annopoints"][0, 0]["point"][0]
    assert [int(point["id"][0, 0]) for point in points] == list(range(16))
    kinds = {point["is_visible"].dtype.kind if point["is_visible"].size else "" for point in points}
    assert {"U", ""} < kinds


def test_progress_is_told(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    path = write(
        tmp_path,
        images=3,
        size=(64, 64),
        seed=0,
        faults=False,
        on_progress=lambda *step: seen.append(step),
    )
    assert path == tmp_path / "release.mat"
    assert seen == [(i, 3, f"{i:09d}.jpg") for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("images", "size", "message"),
    [
        (10, (96, 96), r"images >= 17 \(one per fault\).*Received: images=10"),
        (40, (96, 32), "height must be at least 64. Received: 32"),
    ],
)
def test_too_little_is_refused(
    tmp_path: Path, images: int, size: tuple[int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "new", images=images, size=size, seed=0)
    assert not (tmp_path / "new").exists()
