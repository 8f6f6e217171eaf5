"""What every kind of run shares never asks which kind it serves."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from pose_activity.configs import sections
from pose_activity.configs.sections import Run
from pose_activity.training import kinds

ROOT = Path(__file__).resolve().parent.parent
TABLES = {"training/kinds.py"}  # where a kind has its line
ENGINE = [
    *(ROOT / name for name in ("train.py", "command.py", "configs/loading.py")),
    *sorted((ROOT / "training").glob("*.py")),
    *sorted((ROOT / "training" / "report_page").glob("*.py")),
]
NAMES = [kind.name for kind in kinds.KINDS]
OF_ALL = "|".join(Run.model_fields)
SPEAKS_OF_A_KIND = {
    "its configuration": "|".join(rf"\b{kind.config}\b" for kind in kinds.KINDS),
    "its modules": rf"\b(training|inference|configs)\.({'|'.join(NAMES)})(?=[. ]|$)",
    "a section that only some kinds have": rf"\brun\.(?=[a-z])(?!(?:{OF_ALL})\b|model_)",
    "asking what a run is": r"isinstance\(\s*(asked|config|opened|run)\b",
}
FILES = ("steps", "labels", "build_cache", "train", "report", "card", "package")


@pytest.mark.parametrize("meaning", SPEAKS_OF_A_KIND)
@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_engine_asks_nobodys_kind(path: Path, meaning: str) -> None:
    if path.relative_to(ROOT).as_posix() in TABLES:
        pytest.skip("the table of kinds")
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [line.strip() for line in lines if re.search(SPEAKS_OF_A_KIND[meaning], line)]
    assert not found


@pytest.mark.parametrize("kind", kinds.KINDS, ids=NAMES)
def test_a_kind_is_its_folder_and_its_configuration(kind: kinds.Kind) -> None:
    config = getattr(kind.configs, kind.config)
    assert issubclass(config, Run) and kind.key in config.model_fields
    assert all(kind.has(name) for name in FILES)
    for module, names in {
        "steps": ("step_names", *sections.STEPS),
        "labels": ("draw_data_set", "try_annotations"),
        "report": ("say_scores", "comparison"),
        "val_figures": ("figures",),
        "package": ("takes_stage1", "describe"),
    }.items():
        found = import_module(f"pose_activity.training.{kind.name}.{module}")
        assert all(callable(getattr(found, name)) for name in names)


def test_every_kind_has_a_line() -> None:
    folders = {path.parent.name for path in (ROOT / "training").glob("*/steps.py")}
    assert folders == {*NAMES}
