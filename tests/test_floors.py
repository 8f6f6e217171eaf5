"""The plan of the house as a test: who may import whom, and where torch and TensorFlow live."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "pose_activity"
FLOORS = (  # from below; a room imports those of lower floors, and itself
    ("artifacts",),
    ("annotations", "runtime"),
    ("stage1_pose",),
    ("cache",),
    ("backbones", "learning"),
    ("stage2_classifier", "stage1_parts"),
    ("inference",),
    ("training", "serving"),
)
NOT_BELOW = {  # of the rooms below, those that a room must not know
    "annotations": {"runtime"},
    "runtime": {"annotations"},
    "cache": {"stage1_pose"},
    "backbones": {"annotations", "runtime", "stage1_pose", "cache"},
}
# Imported by training and the roof alone. Its sections are the rooms' own frozen values.
BESIDE = {
    "configs": {
        "annotations",
        "artifacts",
        "stage1_pose",
        "cache",
        "stage2_classifier",
        "stage1_parts",
    }
}
ALLOWED = {
    room: set[str]().union(*FLOORS[:height]) - NOT_BELOW.get(room, set())
    for height, rooms in enumerate(FLOORS)
    for room in rooms
} | BESIDE
ALLOWED["training"] |= set(BESIDE)
ROOF = {"train", "infer", "serve", "command", "terminal"}
TORCH = {"torch", "torchvision", "ultralytics"}
TENSORFLOW = {"tensorflow", "keras", "tf2onnx", "efficientnet"}
TORCH_ROOMS = {
    "stage1_pose/fit.py",
    "stage1_pose/fine_tuner.py",
    "stage1_pose/resumable_trainer.py",
    "stage1_pose/validate.py",
    "stage1_pose/export.py",
}
TENSORFLOW_ROOMS = {
    "stage2_classifier/fit.py",
    "stage2_classifier/fit_sequences.py",
    "stage2_classifier/fit_views.py",
    "stage2_classifier/export.py",
    "stage2_classifier/export_graph.py",
    "stage2_classifier/export_sequences.py",
    "stage1_parts/export.py",
    "stage1_parts/fit.py",
    "stage1_parts/losses.py",
    "stage1_parts/metrics.py",
    "stage1_parts/schedules.py",
}
SCIKIT_LEARN_ROOMS = {
    "stage2_classifier/frozen/fit.py",
    "stage2_classifier/vectors/fit.py",
    "stage2_classifier/scores/evaluate.py",
}
TENSORFLOW_FOLDERS = (
    "backbones/",
    "learning/",
    "stage2_classifier/models/",
    "stage1_parts/models/",
)
FILES = sorted(path for room in ALLOWED for path in (ROOT / room).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> frozenset[str]:
    """Top-level names of all modules that a file imports, wherever in the file it does."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            if node.module == PACKAGE:
                names |= {f"{PACKAGE}.{alias.name}" for alias in node.names}
    return frozenset(names)


def files_of(room: str) -> list[Path]:
    return [path for path in FILES if path.relative_to(ROOT).parts[0] == room]


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_look_down(room: str) -> None:
    for path in files_of(room):
        names = imports(path)
        tops = {name.split(".")[0] for name in names}
        ours = {name.split(".")[1] for name in names if name.startswith(f"{PACKAGE}.")}
        assert not (ours & set(ALLOWED)) - {room} - ALLOWED[room], path
        assert not ours & ROOF, f"{path}: nothing imports the roof"
        assert not tops & {*ALLOWED, *ROOF}, f"{path}: write from {PACKAGE}.ROOM import ..."
        assert "__future__" not in names, path


@pytest.mark.parametrize("room", ALLOWED)
def test_large_libraries_stay_in_their_rooms(room: str) -> None:
    for path in files_of(room):
        name = path.relative_to(ROOT).as_posix()
        tops = {imported.split(".")[0] for imported in imports(path)}
        if name not in TORCH_ROOMS:
            assert not tops & TORCH, path
        if name not in TENSORFLOW_ROOMS and not name.startswith(TENSORFLOW_FOLDERS):
            assert not tops & TENSORFLOW, path
        if name not in SCIKIT_LEARN_ROOMS:
            assert not tops & {"sklearn", "pandas"}, path
        if room != "runtime":
            assert not tops & {"onnxruntime", "openvino"}, path
        if name != "backbones/lite_weights.py":
            assert not tops & {"pickle", "joblib"}, path


def imported_at_once(path: Path) -> set[str]:
    """Names of all modules that importing a file imports, of ours and foreign ones."""
    names, files = set(), [path]
    while files:
        found = {
            name
            for node in tree_of(files.pop()).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
            )
        }
        ours = [ROOT / Path(*name.split(".")[1:]) for name in found - names if PACKAGE in name]
        files += [file for one in ours if (file := one.with_suffix(".py")).is_file()]
        names |= found
    return names


@pytest.mark.parametrize("step", ["labels", "build_cache", "report"])
@pytest.mark.parametrize("kind", ["pictures", "clips", "parts"])
def test_steps_that_share_a_process_import_no_large_library(kind: str, step: str) -> None:
    names = imported_at_once(ROOT / "training" / kind / f"{step}.py")
    assert f"{PACKAGE}.training.steps" in names
    assert not {name.split(".")[0] for name in names} & (TORCH | TENSORFLOW)


@pytest.mark.parametrize("room", ALLOWED)
def test_package_files_import_nothing(room: str) -> None:
    for path in (ROOT / room).rglob("__init__.py"):
        assert not imports(path)
        assert ast.get_docstring(tree_of(path))


def test_no_room_without_a_meaning() -> None:
    names = {path.stem for path in FILES} | {path.parent.name for path in FILES}
    assert not names & {"utils", "helpers", "common", "base", "misc", "manager"}


def test_nothing_below_the_roof_prints() -> None:
    for path in FILES:
        calls = (n for n in ast.walk(tree_of(path)) if isinstance(n, ast.Call))
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls), path
