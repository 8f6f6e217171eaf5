"""Text files and pipes are UTF-8 wherever they are opened, whatever the locale says.

Ruff has such a rule, PLW1514, in preview only, and it sees just the calls whose type it can infer.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {"runs", "build"}  # and hidden folders: an environment alone has 18,000 files
FILES = sorted(
    path
    for top in ROOT.iterdir()
    if top.name not in SKIPPED and not top.name.startswith(".")
    for path in (top.rglob("*.py") if top.is_dir() else [top] if top.suffix == ".py" else [])
)
# These open no text: pictures, file descriptors, and writing that names its encoding itself.
OTHERS = {"Image", "os", "atomic", "zipfile", "tarfile"}


def leaves_it_to_the_locale(call: ast.Call) -> bool:
    """Whether a call reads or writes text without an encoding."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    name = getattr(call.func, "attr", getattr(call.func, "id", None))
    owner = getattr(getattr(call.func, "value", None), "id", None)
    if owner in OTHERS or "encoding" in keywords:
        return False
    if name == "open":
        mode = keywords.get("mode", next(iter(call.args[owner_takes(call) :]), None))
        return not (isinstance(mode, ast.Constant) and "b" in str(mode.value))
    if name == "read_text":
        return not call.args
    if name == "write_text":  # ours takes a path and the text
        return len(call.args) < 2 and isinstance(call.func, ast.Attribute)
    return "text" in keywords and name in {"run", "Popen", "check_output"}


def owner_takes(call: ast.Call) -> int:
    """Position of the mode: `path.open(mode)` but `open(path, mode)`."""
    return 0 if isinstance(call.func, ast.Attribute) else 1


def test_every_text_file_names_its_encoding() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and leaves_it_to_the_locale(node)
    ]
    assert len(FILES) > 300 and not wrong, wrong


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("path.read_text()", True),
        ("path.read_text(encoding='utf-8')", False),
        ("path.write_text('x')", True),
        ("write_text(path, 'x')", False),
        ("path.open()", True),
        ("path.open('w', newline='')", True),
        ("path.open('rb')", False),
        ("open(path)", True),
        ("open(path, 'ab')", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command, text=True, encoding='utf-8')", False),
    ],
)
def test_the_walk_sees_what_it_looks_for(source: str, expected: bool) -> None:
    call = ast.parse(source, mode="eval").body
    assert isinstance(call, ast.Call)
    assert leaves_it_to_the_locale(call) is expected
