"""The table of readers is true: functions, options and what the labels can give."""

import inspect
import subprocess
import sys
from typing import Any

import pytest

from pose_activity.annotations.readers.registry import (
    CLIPS,
    PARTS,
    PATTERNS,
    PICTURES,
    Reader,
    load,
)
from pose_activity.configs.clips import Clips
from pose_activity.configs.pictures import Data

READERS = [*PICTURES.items(), *CLIPS.items(), *PARTS.items()]
CALLBACKS = {"on_note", "on_unread"}


def keywords(function: Any) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


@pytest.mark.parametrize(("name", "reader"), READERS)
def test_options_are_those_of_the_function(name: str, reader: Reader):
    assert reader.options == keywords(load(reader.function)) - {"choose"}, name


@pytest.mark.parametrize(("table", "section"), [(PICTURES, Data), (CLIPS, Clips)])
def test_options_are_keys_of_the_configuration(table: dict[str, Reader], section: Any):
    taken = set().union(*(reader.options for reader in table.values())) - CALLBACKS
    assert taken <= set(section.model_fields)


@pytest.mark.parametrize(("name", "reader"), READERS)
def test_patterns_come_together(name: str, reader: Reader):
    assert name in ("folder", *PARTS) or reader.options & PATTERNS in (set(), PATTERNS)


def test_lists_of_files_are_functions():
    assert [name for name, reader in PICTURES.items() if reader.files] == ["yolo"]
    assert callable(load(str(PICTURES["yolo"].files)))
    assert PICTURES["mpii"].list_files() is None


def test_the_table_imports_no_reader():
    code = (
        "import sys, pose_activity.annotations.readers.registry;"
        "sys.exit('numpy' in sys.modules or 'cv2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
