"""Configurations: every mistake at once, in the first second, and no dead knob."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pose_activity.annotations.readers.registry import PICTURES
from pose_activity.cache.options import PersonView
from pose_activity.configs import reading, sections
from pose_activity.configs.pictures import Stage2, check_paths, load
from pose_activity.configs.sections import ConfigError, Split
from pose_activity.stage2_classifier.options import FineTune
from pose_activity.training import kinds

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
FOLDER = {
    "run_dir": "runs/x",
    "data": {"format": "folder", "images": "photos"},
    "stage1": {"train": False},
}


def write(path: Path, tree: object) -> Path:
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configs_are_valid_and_survive_dumping(path: Path, tmp_path: Path) -> None:
    run = kinds.load(path)
    (tmp_path / "again.yaml").write_text(reading.dump(run), encoding="utf-8")
    assert kinds.load(tmp_path / "again.yaml") == run
    assert path.read_text(encoding="utf-8").startswith("#"), (
        "a header tells command, machine, minutes, score"
    )


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    tree = {
        "run_dir": "runs/x",
        "data": {"format": "folder", "images": "photos", "annotatons": "x.mat"},
        "stage1": {"train": False, "fit": {"epochs": [0], "hsvh": 0.1}},
        "cache": {"planes": ["rgb", "depth"], "width": "wide"},
        "stage2": {"model": "resnet"},
        "colour": 1,
    }
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path / "x.yaml", tree), ["stage2", "run_dir.x=1"])
    text = str(caught.value)
    for part in (
        "--set wants key=value. Received: 'stage2'",
        "--set run_dir.x: 'run_dir' is a value, not a section",
        "data.annotatons: unknown key. Did you mean 'annotations'?",
        "stage1.fit.hsvh: unknown key. Did you mean 'hsv_h'?",
        "stage1.fit.epochs: must be at least 1. Received: (0,)",
        "cache.planes.1: Input should be 'rgb', 'heatmap', 'parts' or 'rgb_person'.",
        "cache.width: Input should be a valid integer",
        "stage2.model: Input should be 'efficientnet_lite0', 'efficientnet_lite1', ",
        "colour: unknown key. Known keys: run_dir",
    ):
        assert part in text, text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage1": {"train": True}}, "has no joints to train stage 1 on"),
        ({"draw": {"folder": "d", "images": 9}}, "draw makes a data set in MPII's layout"),
        ({"split": {"train": 0.8, "val": 0.2, "test": 0.0}}, "needs split.test > 0"),
        ({"split": {"train": 0.8, "val": 0.2, "test": 0.2}}, "must not sum to more than 1"),
        ({"split": {"train": 0.8, "val": 100, "test": 100}}, "not a mixture"),
        ({"split": {"train": 0, "val": 100, "test": 100}}, "train and val must not be empty"),
        ({"cache": {"planes": ["rgb", "parts"]}}, "rgb_person need stage1.parts, the folder"),
        ({"stage1": {"train": False, "parts": "p"}}, "stage1.parts is for cache.planes parts"),
        ({"data": {"format": "mpii", "images": "p"}}, "needs data.annotations"),
        ({"data": {"format": "coco", "images": "p"}}, "'coco' needs data.annotations, a COCO"),
        ({"data": {"format": "yolo"}}, "'yolo' needs data.annotations, the data.yaml"),
        ({"data": {"format": "table", "annotations": "x.csv"}}, "'table' needs data.images"),
        ({"data": {"format": "tables"}}, "'coco', 'yolo' or 'table'. Received: 'tables'"),
        (
            {"data": {"format": "table", "annotations": "x", "images": "p"}}
            | {"stage1": {"train": True}},
            "'table' has no joints to train stage 1 on",
        ),
        (
            {"data": {"format": "coco", "annotations": "x", "images": "p", "group_pattern": "x"}},
            "'coco' takes no group_pattern: groups come from the key group",
        ),
        (
            {"split": "given", "data": {"format": "mpii", "annotations": "x", "images": "p"}},
            "'mpii' names no splits: give sizes",
        ),
        ({"split": "gven"}, "split: Input should be 'given'. Received: 'gven'"),
        ({"split": {"trian": 0.5}}, "split.trian: unknown key. Did you mean 'train'"),
        ({"split": {"train": -1}}, "split.train: Input should be greater than or equal to 0"),
        (
            {"stage2": {"weights": "noisy_student"}},
            "published for efficientnet_b0 to _b3, not for efficientnet_lite0",
        ),
        (
            {"stage2": {"linear": {"also": ["efficientnet_lite1"]}, "fine_tune": {}}},
            r"fine_tune trains one network: set linear.also: \[\], or fine_tune: null",
        ),
        (
            {"stage2": {"linear": {"also": ["efficientnet_lite0"]}}},
            "linear.also names efficientnet_lite0, which model is already",
        ),
        (
            {"stage2": {"linear": {"also": ["efficientnet_lite1"] * 2}}},
            "also must name no network twice",
        ),
        (
            {"stage2": {"linear": {}, "epochs": 5}},
            "stage2.epochs: changes nothing here, since linear trains no network: .* Received: 5",
        ),
        (
            {"stage2": {"linear": {}, "fine_tune": {}, "learning_rate": 0.1}},
            "stage2.learning_rate: changes nothing here, since fine_tune has its own",
        ),
        (
            {"stage2": {"augment": {"heatmap_dropout": 0.1}}, "cache": {"planes": ["rgb"]}},
            "heatmap_dropout needs cache.planes",
        ),
        (
            {
                "stage2": {"augment": {"heatmap_dropout": 0.1}},
                "cache": {"person_view": {"planes": ["heatmap"]}},
            },
            "heatmap_dropout needs .* and no view that is a heatmap alone",
        ),
        ({"stage2": None}, "leave nothing to train"),
        ({"cache": {"poses": "labels"}}, "needs labelled joints, and data.format 'folder' has"),
        (
            {"data": {"format": "folder", "images": "p", "annotations": "a.mat"}},
            "takes no data.annotations",
        ),
        (
            {"data": {"format": "folder", "images": "p", "group_pattern": "(x"}},
            "group_pattern must be a regular expression",
        ),
        (
            {"data": {"format": "folder", "images": "p", "group_pattern": "(x)"}},
            "must have a group named 'group', as in",
        ),
        ({"stage1": {"train": False, "weights": "yolov8n-pose.yaml"}}, "untrained architecture"),
        ({"stage1": {"train": False, "resize": [64, 48]}}, "belong to training"),
        ({"cache": {"planes": ["rgb", "rgb"]}}, "none twice"),
        ({"cache": {"person": "mask"}}, "person: how one person is shown needs people: each"),
        (
            {"cache": {"people": "each", "person_view": {}}},
            "person_view shows one person beside the picture: it needs another policy",
        ),
        ({"cache": {"person_view": {"people": "each"}}}, "cache.person_view.people: .*'centre'"),
        ({"cache": {"person_view": {"sise": 320}}}, "person_view.sise: .*Did you mean 'size'"),
        ({"cache": {"person_view": {"size": 31}}}, "person_view.size.* must be at least 32"),
        ({"cache": {"person_view": {"planes": ["rgb", "depth"]}}}, "person_view.planes.1: "),
        ({"stage1": {"train": False, "export_size": 100}}, "multiple of 32"),
    ],
)
def test_impossible_combinations(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(write(tmp_path / "x.yaml", FOLDER | change))


def test_a_view_of_the_person(tmp_path: Path) -> None:
    both = FOLDER | {"stage2": {"linear": {}}}
    path = write(tmp_path / "x.yaml", both | {"cache": {"planes": ["rgb"], "person_view": {}}})
    run = load(path, ["cache.person_view.planes=[rgb, heatmap]", "cache.person_view.size=224"])
    assert load(path).cache.person_view == PersonView() and load(path).cache.needs_poses
    assert run.cache.person_view == PersonView(("rgb", "heatmap"), size=224)
    (tmp_path / "again.yaml").write_text(reading.dump(run), encoding="utf-8")
    assert load(tmp_path / "again.yaml") == run
    dropout = "stage2.augment.heatmap_dropout=0.1"
    tuned = ["stage2.fine_tune={}", dropout, "cache.person_view.planes=[rgb, heatmap]"]
    assert load(path, tuned).stage2
    none = load(write(tmp_path / "y.yaml", both), ["cache.person_view.margin=0.25"])
    assert none.cache.person_view == PersonView(margin=0.25)
    assert load(path, ["cache.person_view=null"]).cache.person_view is None
    with pytest.raises(ConfigError, match="person_view needs stage2.linear"):
        load(path, ["stage2.linear=null"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["stage2.linear=null"], "fine_tune starts from the head of linear"),
        (["stage2.class_weights=true"], "set fine_tune.imbalance"),
        (["stage2.weights=mine.onnx"], "is a graph, which cannot be trained"),
        (["stage2.fine_tune.epochs=1", "stage2.fine_tune.warmup_epochs=1"], "warmup_epochs must"),
        (["stage2.fine_tune.mixxup=1"], "Did you mean 'mixup'"),
    ],
)
def test_fine_tuning_starts_from_a_linear_head(tmp_path: Path, changes, message) -> None:
    section = {"stage2": {"linear": {}, "fine_tune": {"mixup": 0.1}}}
    path = write(tmp_path / "x.yaml", FOLDER | section)
    assert load(path).classifier.fine_tune == FineTune(mixup=0.1)
    with pytest.raises(ConfigError, match=message):
        load(path, changes)


def test_stage_1_is_trained_by_default_where_there_are_joints(tmp_path: Path) -> None:
    for format_, reader in PICTURES.items():
        data = {"format": format_, "images": "photos"}
        data |= {"annotations": "labels"} if reader.file else {}
        for stage1 in ({}, {"stage1": {}}, {"stage1": {"export_size": 320}}):
            path = write(tmp_path / "x.yaml", {"run_dir": "runs/x", "data": data, **stage1})
            section = load(path).stage1
            assert (section.train, section.skeleton) == (reader.has_joints, "coco17")
            assert section.weights == "yolov8n-pose.pt"
    data = {"data": {"format": "mpii", "images": "p", "annotations": "x.mat"}}
    kept = load(write(tmp_path / "x.yaml", FOLDER | data))
    assert not kept.stage1.train


def test_overrides(tmp_path: Path) -> None:
    path = write(tmp_path / "x.yaml", FOLDER)
    run = load(path, ["cache.width=320", "cache.planes=[rgb]", "cache.heatmap.sigma=3"])
    assert run.cache.width == 320 and run.cache.planes == ("rgb",)
    assert run.cache.heatmap.sigma == 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("set #2", "set #2"),
        ("a: b", "a: b"),
        ("2026-11-28", "2026-11-28"),
        ("7", "7"),
        ("007", "007"),
        ("no", "no"),
        ("12:30", "12:30"),
        ("[a, b]", "[a, b]"),
        ("{x}", "{x}"),
        ("*.d", "*.d"),
        ("a=b", "a=b"),
        ('"set #2"', "set #2"),
        ("'it is'", "it is"),
        ("'a' and 'b'", "'a' and 'b'"),
        ("Fotos/Küche", "Fotos/Küche"),
    ],
)
def test_a_path_or_text_is_taken_as_it_is(tmp_path: Path, value: str, expected: str) -> None:
    names = ("run_dir", "data.images", "stage1.weights", "stage1.fit.device")
    path = write(tmp_path / "x.yaml", FOLDER)
    run = load(path, [f"{name}={value}" for name in names])
    given = (run.run_dir, run.data.images, Path(run.stage1.weights), run.stage1.fit.device)
    assert given == (Path(expected), Path(expected), Path(expected), expected)


@pytest.mark.parametrize("value", ["2026-11-28", "7", "007", "no", "12:30", "1e3", "0x10", "1_000"])
def test_a_path_or_text_of_a_file_is_taken_as_it_is_written(tmp_path: Path, value: str) -> None:
    (tmp_path / "x.yaml").write_text(
        f"run_dir: {value}\ndata: {{format: folder, images: {value}, group_pattern: null}}\n"
        f"stage1: {{train: no, fit: {{device: {value}}}}}\n",
        encoding="utf-8",
    )
    run = load(tmp_path / "x.yaml")
    assert (run.run_dir, run.data.images) == (Path(value), Path(value))
    assert (run.stage1.fit.device, run.data.group_pattern) == (value, None)
    (tmp_path / "again.yaml").write_text(reading.dump(run), encoding="utf-8")
    assert load(tmp_path / "again.yaml") == run


@pytest.mark.parametrize("empty", ["", "null", "~", "''"])
def test_nothing_is_none_where_a_key_may_be_empty(tmp_path: Path, empty: str) -> None:
    path = write(tmp_path / "x.yaml", FOLDER | {"stage1": {"train": False, "fit": {"device": "0"}}})
    assert load(path, [f"stage1.fit.device={empty}"]).stage1.fit.device is None
    with pytest.raises(ConfigError, match="run_dir: .* Received: None"):
        load(path, ["run_dir="])


def test_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    tree = FOLDER | {"run_dir": "~/runs/x", "stage1": {"train": False, "weights": "~/a.pt"}}
    run = load(write(tmp_path / "x.yaml", tree), ["data.images=~/photos"])
    assert (run.run_dir, run.data.images) == (tmp_path / "runs/x", tmp_path / "photos")
    assert run.stage1.weights == str(tmp_path / "a.pt")
    assert load(tmp_path / "x.yaml", ["run_dir=a~/b"]).run_dir == Path("a~/b")


def test_a_key_given_twice_is_refused_with_its_lines(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "run_dir: runs/x\ndata: {format: folder, images: p}\nstage2:\n  epochs: 3\n"
        "  batch: 8\n  epochs: 30\nrun_dir: runs/y\n",
        encoding="utf-8",
    )
    with pytest.raises(
        ConfigError,
        match=r"x.yaml: .*stage2.epochs in the lines 4 and 6; run_dir in the lines 1 and 7",
    ):
        load(tmp_path / "x.yaml")


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes("run_dir: x\ndata: {images: Küche}\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="x.yaml, line 2: .*0xfc after .*images: K"):
        load(tmp_path / "x.yaml")


@pytest.mark.parametrize("text", ["- 1", "a: [", "\x00"])
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="x.yaml"):
        load(tmp_path / "x.yaml")
    with pytest.raises(ConfigError, match="absent.yaml: cannot be opened"):
        load(tmp_path / "absent.yaml")


def test_paths_are_checked_for_the_steps_asked(tmp_path: Path) -> None:
    tree = {
        "run_dir": "runs/x",
        "data": {"format": "mpii", "images": "no/photos", "annotations": "no/labels.mat"},
    }
    run = load(write(tmp_path / "x.yaml", tree))
    with pytest.raises(ConfigError, match="(?s)no/labels.mat.*no/photos"):
        check_paths(run, ["annotations"])
    with pytest.raises(ConfigError, match="no/labels.mat$"):
        check_paths(run, ["dry_run"])
    check_paths(run, ["report"])


def test_a_mistake_is_told_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    path = write(tmp_path / "x.yaml", {**FOLDER, "colour": 1})
    code = """
import runpy, sys
sys.argv = ["train.py", "all", "--config", sys.argv[1]]
try:
    runpy.run_path("train.py", run_name="__main__")
except SystemExit as stop:
    heavy = {"numpy", "cv2", "torch", "ultralytics", "tensorflow", "keras"} & set(sys.modules)
    sys.exit(stop.code if not heavy else f"imported {heavy}")
"""
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 2, done.stderr
    assert "colour: unknown key" in done.stdout


def test_combinations_are_judged_beside_wrong_keys(tmp_path: Path) -> None:
    tree = {
        **FOLDER,
        "split": {"train": 0.8, "val": 0.2, "test": 0.0},
        "stage1": {"train": True, "weights": "yolov8n-pose.yaml"},
        "stage2": {"epoch": 3, "train_adapter": False, "adapter_start": "random"},
    }
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path / "x.yaml", tree))
    for part in (
        "stage2.epoch: unknown key. Did you mean 'epochs'?",
        "has no joints to train stage 1 on",
        "needs split.test > 0",
        "stage1.fit.freeze of untrained weights keeps them random",
        "an adapter that is never trained ignores the heatmap",
        "a random adapter must be trained",
    ):
        assert part in str(caught.value), caught.value


def test_weights_that_are_not_there_are_told_at_once(tmp_path: Path) -> None:
    weights = ["stage1.weights=dir/typo.pt", "stage2.weights=no.h5", f"data.images={tmp_path}"]
    run = load(write(tmp_path / "x.yaml", FOLDER), weights)
    with pytest.raises(ConfigError, match=r"(?s)stage1.weights.*typo.pt.*stage2.weights"):
        check_paths(run, sections.STEPS)
    check_paths(run, ["report"])


def test_the_splits_of_the_labels_and_stage_1_alone(tmp_path: Path) -> None:
    tree = {
        "run_dir": "runs/x",
        "data": {"format": "yolo", "annotations": "set/data.yaml"},
        "split": "given",
        "stage2": None,
    }
    run = load(write(tmp_path / "x.yaml", tree))
    assert run.split == "given" and run.stage2 is None and run.data.folder == Path("set")
    (tmp_path / "again.yaml").write_text(reading.dump(run), encoding="utf-8")
    assert load(tmp_path / "again.yaml") == run
    with pytest.raises(ValueError, match=r"trains stage 1 alone \(stage2: null\)"):
        _ = run.classifier
    changed = load(tmp_path / "x.yaml", ["split={train: 8, val: 2, test: 1}", "stage2={}"])
    assert changed.split == Split(train=8, val=2, test=1)
    assert changed.classifier == Stage2()


def test_the_old_key_of_stage_1(tmp_path: Path) -> None:
    tree = FOLDER | {"data": {"format": "mpii", "images": "photos", "annotations": "x.mat"}}
    old, new = tree | {"stage1": {"squash": [64, 48]}}, tree | {"stage1": {"resize": [64, 48]}}
    with pytest.raises(ConfigError, match="\n  - `stage1.squash` is now `stage1.resize`$"):
        load(write(tmp_path / "x.yaml", old))
    (tmp_path / "versions.json").touch()
    kept = kinds.load(write(tmp_path / "config.yaml", old))
    assert kept == load(write(tmp_path / "x.yaml", new))


def test_urls_of_what_must_be_here_are_refused_at_once(tmp_path: Path) -> None:
    urls = {"data": {"format": "folder", "images": "s3://bucket/photos"}, "run_dir": "gs://b/x"}
    path = write(tmp_path / "x.yaml", FOLDER | urls)
    with pytest.raises(ConfigError) as raised:
        kinds.load(path, ["stage1.weights=https://x.org/a.pt", "stage1.graph=s3://b/graph"])
    text = str(raised.value)
    for key, url in (
        ("run_dir", "gs://b/x"),
        ("data.images", "s3://bucket/photos"),
        ("stage1.weights", "https://x.org/a.pt"),
        ("stage1.graph", "s3://b/graph"),
    ):
        assert f"{key}: must be a path on this machine" in text and f"Received: {url}" in text
