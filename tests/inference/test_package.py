"""A packaged model answers as its run does, and says clearly what is wrong with it."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.videos import Frame
from pose_activity.cache.store import open_cache
from pose_activity.inference.package import (
    CARD,
    NAME,
    PackageError,
    check_target,
    files_of,
    open_model,
    write_package,
)
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.runtime.graph import twin_of
from pose_activity.training.package import make_package
from pose_activity.training.runs import open_run
from tests.commands import call, copy_of


@pytest.fixture(scope="module")
def packaged(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of the tiny run, made by the command."""
    out = tmp_path_factory.mktemp("packages") / "model"
    done = call("train.py", "package", "--run", tiny_run, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture
def model(packaged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(packaged, tmp_path / "model"))


def change_json(path: Path, change: Callable[[dict], object]) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def vouch_again(model: Path) -> None:
    """Brings model.json up to date with files that a test has changed."""

    def digest_all(value: dict) -> None:
        for name in value["files"]:
            value["files"][name] = hashlib.sha256((model / name).read_bytes()).hexdigest()

    change_json(model / NAME, digest_all)


def test_it_answers_as_its_run(tiny_run: Path, packaged: Path) -> None:
    image = open_cache(tiny_run / "cache").entries[0].source
    (first,), (second,) = (
        PicturePredictor(folder, engine="onnxruntime", threads=1)
        .answer(Frame.of_picture(image))
        .rows
        for folder in (tiny_run, packaged)
    )
    assert first.probabilities is not None and second.probabilities is not None
    assert np.array_equal(first.probabilities, second.probabilities)


def test_every_file_is_vouched_for(tiny_run: Path, packaged: Path) -> None:
    value = json.loads((packaged / NAME).read_text(encoding="utf-8"))
    assert set(value["files"]) == {path.name for path in packaged.iterdir()} - {NAME}
    for name, digest in value["files"].items():
        assert hashlib.sha256((packaged / name).read_bytes()).hexdigest() == digest
    metrics = json.loads((tiny_run / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert value["scores"]["accuracy"] == metrics["accuracy"] and value["scores"]["n"] == 10
    assert value["recipe"]["stage2"]["dropout"] == 0.2


def test_the_card_tells_a_person(packaged: Path) -> None:
    card = (packaged / CARD).read_text(encoding="utf-8")
    value = json.loads((packaged / NAME).read_text(encoding="utf-8"))
    assert "one of 8" in card and "arms raised, arms spread" in card
    assert "On 10 pictures of the split `test`" in card and "| accuracy | " in card
    assert "| pictures in the labels | 60 |" in card
    assert "ultralytics, AGPL-3.0" in card and "random weights" in card
    for name, digest in value["files"].items():
        assert name == CARD or f"| `{name}` | `{digest}` |" in card


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pose.onnx", "pose.onnx was altered"),
        ("classifier.onnx", "classifier.onnx is not the graph"),
        ("pose.json", "pose.json was altered after it was packaged"),
        ("classifier.json", "classifier.json was altered after it was packaged"),
        (CARD, "MODEL_CARD.md was altered after it was packaged"),
    ],
)
def test_altered_files_are_named(model: Path, name: str, message: str) -> None:
    with (model / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ValueError, match=message):
        PicturePredictor(model, engine="onnxruntime", threads=1)


OF_A_MODEL = [
    *(f"{stem}_int8{suffix}" for stem in ("pose", "classifier") for suffix in (".xml", ".bin")),
    *("pose_int8.json", "classifier_int8.json", "linear.json", "linear.npz", "track.json"),
    "precision.json",
]


@pytest.mark.parametrize("name", OF_A_MODEL)
def test_a_file_that_was_added_is_refused(model: Path, name: str) -> None:
    """Whatever it says: nobody vouches for it, and a model of another kind would use it."""
    (model / name).write_text("{}", encoding="utf-8")
    with pytest.raises(PackageError, match=f"that its model.json lists. Received: {name} besides"):
        open_model(model)
    with pytest.raises(FileExistsError, match=f"files of another model \\({name}\\)"):
        check_target(model)


@pytest.mark.parametrize("name", ["pose.onnx", "pose.json", "precision.json"])
def test_a_file_that_is_no_longer_listed_is_refused(model: Path, name: str) -> None:
    (model / name).touch()
    change_json(model / NAME, lambda value: value["files"].pop(name, None))
    with pytest.raises(PackageError, match=f"Received: {name} besides"):
        PicturePredictor(model)


def test_other_things_beside_a_model_do_no_harm(model: Path) -> None:
    for name in ("answers.csv", "notes.json", "photo.png"):
        (model / name).write_text("mine", encoding="utf-8")
    assert open_model(model).packaged


def test_a_graph_and_a_sidecar_of_two_models(model: Path) -> None:
    change_json(model / NAME, lambda value: value["files"].update({"pose.onnx": "0" * 64}))
    with pytest.raises(PackageError, match="sidecars disagree about pose.onnx"):
        open_model(model)


def test_a_missing_file_is_named(model: Path, tmp_path: Path) -> None:
    (model / "classifier.onnx").unlink()
    out = tmp_path / "rows.csv"
    done = call("infer.py", model / CARD, "--model", model, "--out", out)
    assert done.returncode == 2 and "classifier.onnx is missing" in done.stdout
    assert not list(tmp_path.glob("rows*"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 2, "files": {}}', "must have format 1. Received: 2"),
        ('{"format": 1, "files": {"../x": ""}}', "of its own folder only. Received: .*x"),
    ],
)
def test_a_list_that_is_none(model: Path, text: str, message: str) -> None:
    (model / NAME).write_text(text, encoding="utf-8")
    with pytest.raises(PackageError, match=message):
        open_model(model)


def test_another_number_of_classes_or_joints(model: Path) -> None:
    change_json(model / "classifier.json", lambda value: value["classes"].append("flying"))
    vouch_again(model)
    with pytest.raises(ValueError, match=r"answer with arrays of \(9,\).*answers with \(8,\)"):
        PicturePredictor(model, engine="onnxruntime", threads=1)
    change_json(model / "classifier.json", lambda value: value["classes"].pop())
    change_json(model / "pose.json", lambda value: value.update(skeleton="coco17"))
    vouch_again(model)
    with pytest.raises(ValueError, match="finds 16 joints a person, but its skeleton 'coco17' has"):
        PicturePredictor(model, engine="onnxruntime", threads=1)


def test_neither_a_run_nor_a_package(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="stage2 is missing, and so is .*model.json"):
        open_model(tmp_path)


def test_only_finished_runs_that_fit_together(tiny_run: Path, tmp_path: Path) -> None:
    run, out = copy_of(tiny_run, tmp_path), tmp_path / "out"
    (run / "report" / "manifest.json").unlink()
    with pytest.raises(ValueError, match="Step 'report' is not finished"):
        make_package(open_run(run), out)
    with pytest.raises(ValueError, match="Step 'stage2' does not fit: recipe.dropout: 0.2 -> 0.5"):
        make_package(open_run(run, None, ["stage2.dropout=0.5"]), out)
    with pytest.raises(ValueError, match="needs a classifier, and this run has none"):
        make_package(open_run(run, None, ["stage2=null"]), out)
    assert not out.exists()


def test_a_folder_with_other_things_is_left_alone(tiny_run: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years", encoding="utf-8")
    with pytest.raises(FileExistsError, match="exists and is not a packaged model"):
        make_package(open_run(tiny_run), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_older_package_is_replaced(tmp_path: Path) -> None:
    for name in ("old.json", "new.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    out = tmp_path / "model"
    write_package(out, [tmp_path / "old.json"], card="first\n", about={})
    (out / "mine.txt").write_text("stays", encoding="utf-8")
    write_package(out, [tmp_path / "new.json"], card="second\n", about={"name": "two"})
    assert {path.name for path in out.iterdir()} == {"new.json", CARD, NAME, "mine.txt"}
    assert (out / CARD).read_text(encoding="utf-8").startswith("second\n")
    open_model(out)


def test_int8_graphs_and_their_gate_travel(tiny_run: Path, tmp_path: Path) -> None:
    run, out = copy_of(tiny_run, tmp_path), tmp_path / "out"
    graph = run / "stage2" / "classifier.onnx"
    for suffix in (".xml", ".bin"):
        twin_of(graph, suffix).write_text("a graph", encoding="utf-8")
    files = (graph, twin_of(graph), twin_of(graph, ".bin"))
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    twin_of(graph, ".json").write_text(json.dumps({"sha256": digests}), encoding="utf-8")
    record = {"precision": "f32/int8", "engine": "openvino", "passes": True, "text": "hardly moved"}
    (run / "precision.json").write_text(json.dumps([record]), encoding="utf-8")
    make_package(open_run(run), out)
    names = {path.name for path in out.iterdir()}
    assert names >= {f"classifier_int8{suffix}" for suffix in (".xml", ".bin", ".json")}
    assert json.loads((out / "precision.json").read_text(encoding="utf-8")) == [record]
    assert "f32/int8 on openvino: hardly moved; allowed" in (out / CARD).read_text(encoding="utf-8")
    open_model(out)
    graph.write_bytes(b"exported anew")  # whose twin this is not
    assert twin_of(graph) not in files_of(run)
