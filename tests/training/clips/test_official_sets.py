"""The configurations of published sets of videos, on miniatures in their layouts."""

from collections import Counter
from pathlib import Path

import pytest

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.clips import Clip
from pose_activity.configs.clips import ClipRun
from pose_activity.training import kinds
from pose_activity.training.clips.labels import make_annotations, try_annotations
from pose_activity.training.clips.unseen_identities import divide

CONFIGS = Path(__file__).resolve().parents[3] / "configs"


def load(name: str, tmp_path: Path, *settings: str) -> ClipRun:
    places = (f"run_dir={tmp_path / 'run'}", f"clips.path={tmp_path / 'videos'}")
    lists = f"clips.lists={tmp_path / 'lists'}"
    run = kinds.load(CONFIGS / name, [*places, lists, *settings])
    assert isinstance(run, ClipRun)
    return run


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def annotate(run: ClipRun) -> list[Clip]:
    try_annotations(run, strict=True)
    folder = run.run_dir / "annotations"
    folder.mkdir(parents=True)
    make_annotations(run, folder)
    return read_clips(folder / "clips.parquet")


def ucf101(tmp_path: Path) -> None:
    names = [
        f"{label}/v_{label}_g{group:02d}_c0{clip}.avi"
        for label in ("ApplyEyeMakeup", "YoYo")
        for group in (1, 8, 9)
        for clip in (1, 2)
    ]
    write(tmp_path / "videos", {name: name for name in names})
    train, test = ([n for n in names if ("_g01_" in n) == held_out] for held_out in (False, True))
    number = {"ApplyEyeMakeup": 1, "YoYo": 2}
    lines = "".join(f"{name} {number[name.split('/')[0]]}\n" for name in train)
    write(
        tmp_path / "lists",
        {
            "classInd.txt": "1 ApplyEyeMakeup\n2 YoYo\n",
            "trainlist01.txt": lines,
            "testlist01.txt": "".join(f"{name}\n" for name in test),
        },
    )


def test_ucf101(tmp_path: Path) -> None:
    ucf101(tmp_path)
    clips = annotate(load("actions_ucf101.yaml", tmp_path))
    assert Counter((clip.label, clip.split) for clip in clips) == {
        (label, split): count
        for label in ("ApplyEyeMakeup", "YoYo")
        for split, count in (("train", 4), ("test", 2))
    }
    assert {clip.group for clip in clips if clip.split == "test"} == {
        "ApplyEyeMakeup_g01",
        "YoYo_g01",
    }


def test_a_val_of_whole_groups_comes_from_the_official_train_list(tmp_path: Path) -> None:
    ucf101(tmp_path)
    sizes = "split={train: 0.4, val: 0.4, test: 0.2}"
    clips = annotate(load("actions_ucf101.yaml", tmp_path, sizes))
    groups = {
        split: {c.group for c in clips if c.split == split} for split in ("train", "val", "test")
    }
    assert groups["test"] == {"ApplyEyeMakeup_g01", "YoYo_g01"}
    assert groups["val"] and not groups["val"] & (groups["train"] | groups["test"])


def test_hmdb51(tmp_path: Path) -> None:
    lists = dict[str, str]()
    for label in ("brush_hair", "wave"):
        names = [f"film{i}_{label}_u_nm_np1_ba_goo_{i}.avi" for i in range(4)]
        write(tmp_path / "videos", {f"{label}/{name}": label + name for name in names})
        lists[f"{label}_test_split1.txt"] = "".join(
            f"{name} {digit} \n" for name, digit in zip(names, (1, 1, 2, 0), strict=True)
        )
    write(tmp_path / "lists", lists)
    clips = annotate(load("actions_hmdb51.yaml", tmp_path))
    assert Counter(clip.split for clip in clips) == {"train": 4, "test": 2, None: 2}


WALKS = [
    f"{kind}{i:02d}" for kind, last in (("n", 12), ("b", 4), ("s", 4)) for i in range(1, last + 1)
]


@pytest.mark.parametrize(
    ("probes", "expected"),
    [
        (None, ["n05", "n06", "b01", "b02", "s01", "s02"]),
        (r"/n0[56]\.", ["n05", "n06"]),
        (r"/(n1[12]|b0[34]|s0[34])\.", ["n11", "n12", "b03", "b04", "s03", "s04"]),
    ],
)
def test_tum_gaid(tmp_path: Path, probes: str | None, expected: list[str]) -> None:
    people = [f"p00{i}" for i in range(1, 7)]
    names = [f"{person}/{walk}.mp4" for person in people for walk in WALKS]
    write(tmp_path / "videos", {name: name for name in names})
    roles = {"train": people[:2], "val": people[2:4], "test": people[4:]}
    files = {f"tumgaid{role}ids.lst": "\n".join(own) for role, own in roles.items()}
    write(tmp_path / "lists", files)
    run = load("gait_tum_gaid.yaml", tmp_path, *([f"report.probes={probes}"] if probes else []))
    assert run.open_set
    clips = [clip for clip in annotate(run) if clip.split == "test"]
    assert {clip.label for clip in clips} == {"p005", "p006"}
    found = [clip.name for clip in clips]
    labels = [str(clip.label) for clip in clips]
    gallery, asked = divide(found, labels, str(run.report.gallery), run.report.probes)
    walks = {name: {found[i][5:8] for i in rows} for name, rows in (("g", gallery), ("p", asked))}
    assert walks == {"g": {"n01", "n02", "n03", "n04"}, "p": {*expected}}
