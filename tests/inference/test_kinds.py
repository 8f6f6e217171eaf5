"""A kind of model is a folder and a line: nothing else of inference knows which there are."""

import ast
import re
from pathlib import Path

import pytest

from pose_activity.inference.kinds import KINDS
from pose_activity.inference.options import OptionError
from pose_activity.inference.predictor import Predictor
from tests.commands import ROOT
from tests.inference.motion_model import write_model

ENGINE = sorted((ROOT / "inference").glob("*.py"))
FILES = {"__init__.py", "predictor.py", "draw.py"}
# Of one kind alone, so nothing for the engine to say; a class, function, module or string.
WORDS = {
    *("PicturePredictor", "ClipPredictor", "VideoResult", "Explanations", "SequenceRecipe"),
    *("Recipe", "SequenceClassifier", "predict_sequences", "track_video", "see_people"),
    *("picture", "sequence", "by_person", "of_video", "of_motion", "names_motion"),
    *("one_by_one", "PosesPredictor", "PoseResult"),
}
ALLOWED = {
    "kinds.py": {
        *("PicturePredictor", "ClipPredictor", "PosesPredictor"),
        *("picture", "sequence", "track_video"),
    }
}


def words_of(path: Path) -> set[str]:
    """Returns the names and the short strings of a file's code."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(node.module or "").split(".")}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


@pytest.mark.parametrize("path", [*ENGINE, ROOT / "infer.py"], ids=lambda path: path.name)
def test_the_engine_names_no_kind(path: Path) -> None:
    assert not words_of(path) & WORDS - ALLOWED.get(path.name, set())
    folders = tuple(f"pose_activity.inference.{kind.folder}" for kind in KINDS.values())
    assert not [word for word in words_of(path) if word.startswith(folders)]


def test_every_kind_has_the_same_files() -> None:
    for kind in KINDS.values():
        assert {path.name for path in (ROOT / "inference" / kind.folder).glob("*.py")} >= FILES
        assert issubclass(kind.predictor_class, Predictor)
        assert {"paint", "add", "close"} <= set(dir(kind.drawings))


def test_no_flag_below_the_command_line() -> None:
    for path in sorted((ROOT / "inference").rglob("*.py")):
        said = [word for word in words_of(path) if re.search(r"(?<!\S)--[a-z]", word)]
        assert not said, path


def test_an_option_of_another_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="this kind of model does not have it") as raised:
        KINDS["picture"].load(write_model(tmp_path / "run"), fps=25.0)
    assert raised.value.option == "fps"
