"""Configurations of runs on clips: which is one, and every mistake at once."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pose_activity.configs import reading
from pose_activity.configs.clips import ClipRun
from pose_activity.configs.pictures import PictureRun
from pose_activity.configs.sections import ConfigError, Run
from pose_activity.training import kinds

CLIPS: dict[str, Any] = {
    "run_dir": "runs/x",
    "clips": {"format": "videos", "path": "videos"},
}


def load(tmp_path: Path, tree: dict[str, Any], *overrides: str) -> Run:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return kinds.load(tmp_path / "x.yaml", overrides)


def load_clips(tmp_path: Path, *overrides: str) -> ClipRun:
    run = load(tmp_path, CLIPS, *overrides)
    assert isinstance(run, ClipRun)
    return run


def test_the_key_clips_makes_a_run_on_clips(tmp_path: Path) -> None:
    run = load_clips(tmp_path, "stage2.options={units: 8}", "sequence.frames=12")
    assert (run.sequence.frames, run.stage2.options) == (12, {"units": 8})
    (tmp_path / "again.yaml").write_text(reading.dump(run), encoding="utf-8")
    assert kinds.load(tmp_path / "again.yaml") == run
    pictures = {"run_dir": "runs/x", "data": {"format": "folder", "images": "photos"}}
    assert isinstance(load(tmp_path, pictures | {"stage1": {"train": False}}), PictureRun)


def test_patterns_and_paths_are_taken_as_they_are(tmp_path: Path) -> None:
    pattern = r"(?P<label>\w+) #\d: [a-z]"
    run = load_clips(tmp_path, f"clips.label_pattern={pattern}", "clips.ranges=no", "clips.path=7")
    assert run.clips.label_pattern == pattern
    assert (run.clips.ranges, run.clips.path) == (Path("no"), Path("7"))


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    wrong = ("clips.paht=x", "sequence.windows=some", "stage2.epochs=0", "stage1.train=true")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, CLIPS, *wrong)
    for part in (
        "clips.paht: unknown key. Did you mean 'path'?",
        "sequence.windows: Input should be 'first', 'sliding' or 'whole'. Received: 'some'",
        "stage2.epochs: must be at least 1. Received: 0",
        "stage1.train: unknown key.",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["clips.prefix=split1"], "format 'videos' takes no prefix: drop it"),
        (["clips.label_pattern='(anna'"], "label_pattern must be a regular expression"),
        (["clips.label_pattern=anna"], "must have a group named 'label', as in"),
        (["clips.format=features"], "needs stage2.linear"),
        (["stage2.encoder=runs/y"], "encoder gives vectors alone: add linear"),
        (
            ["clips.format=features", "split.open_set=true", "stage2.linear={kind: svm}"],
            "'features' takes no split.open_set",
        ),
        (
            ["clips.format=poses", "clips.prefix=split1", "clips.test_pattern=_2"],
            "gives labels and splits itself",
        ),
        (["report.gallery=_01"], "for people never seen: set split.open_set: true"),
        (["split.open_set=true", "report.split=val"], "set report.split: test"),
        (["split={train: 0.8, val: 0.2, test: 0.0}"], "needs split.test > 0"),
        (["sequence.channels=[x, y]"], "channels must be one of"),
        (["sequence.windows=whole", "sequence.rate=25"], "a rate of its own"),
        (["draw.folder=walkers", "clips.format=openpose"], "draw makes videos"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, CLIPS, *overrides)


def test_val_may_be_empty(tmp_path: Path) -> None:
    assert load_clips(tmp_path, "split={train: 0.8, val: 0.0, test: 0.2}").split
    with pytest.raises(ConfigError, match="train must not be empty"):
        load(tmp_path, CLIPS, "split={train: 0.0, val: 0.5, test: 0.5}")


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    run = load_clips(tmp_path, "stage1.graph=no/stage1", "clips.path=no/videos")
    with pytest.raises(ConfigError, match="(?s)clips.path.*no/videos.*stage1.graph.*no/stage1"):
        kinds.check_paths(run, ["annotations", "stage1"])
    kinds.check_paths(run, ["report"])


_OLD = [  # key, its name now, and a value
    ("split.unseen", "split.open_set", True),
    ("track.least_likeness", "track.min_similarity", 0.3),
    ("track.confirm_after", "track.min_hits", 4),
    ("track.max_gap", "track.max_age", 9),
    ("stage2.keep", "stage2.checkpoint", "last"),
    ("stage2.augment.view", "stage2.augment.yaw", 9.0),
    ("stage2.linear.unit", "stage2.linear.l2_normalize", True),
]


def nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


@pytest.mark.parametrize(("old", "new", "value"), _OLD)
def test_an_old_key(tmp_path: Path, old: str, new: str, value: object) -> None:
    """A person is told the new one; what a run wrote is translated."""
    line = re.escape(f"\n  - `{old}` is now `{new}`") + "$"
    with pytest.raises(ConfigError, match=line):
        load(tmp_path, CLIPS | nested(old, value))
    with pytest.raises(ConfigError, match=line):
        load(tmp_path, CLIPS, f"{old}={str(value).lower()}")
    expected = load(tmp_path, CLIPS | nested(new, value))
    write_run(tmp_path, CLIPS | nested(old, value))
    assert kinds.load(tmp_path / "config.yaml") == expected
    with pytest.raises(ConfigError, match=line):
        kinds.load(tmp_path / "config.yaml", [f"{old}={str(value).lower()}"])


def test_an_old_choice(tmp_path: Path) -> None:
    old, new = nested("sequence.short", "refuse"), nested("sequence.short", "error")
    line = "\n  - `sequence.short: refuse` is now `sequence.short: error`$"
    with pytest.raises(ConfigError, match=line):
        load(tmp_path, CLIPS | old)
    write_run(tmp_path, CLIPS | old)
    assert kinds.load(tmp_path / "config.yaml") == load(tmp_path, CLIPS | new)


def write_run(folder: Path, tree: dict[str, Any]) -> None:
    (folder / "versions.json").touch()
    (folder / "config.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("clips.lists=x clips.test_pattern=_2", "lists name the splits: drop val_pattern and"),
        ("clips.fold=2", "name the folder of the lists"),
        ("report.probes=_2", "probes are looked up in a gallery: set gallery, too"),
        ("report.gallery=_2", "set split.open_set: true, or split: given"),
    ],
)
def test_lists_and_galleries(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_clips(tmp_path, *setting.split())


def test_a_gallery_of_given_splits_is_of_people_never_seen(tmp_path: Path) -> None:
    assert load_clips(tmp_path, "split=given", "report.gallery=_2").open_set
    assert not load_clips(tmp_path, "split=given").open_set
