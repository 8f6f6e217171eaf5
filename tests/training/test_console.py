"""Names and paths are printed as they are, wherever something is printed."""

import ast
from pathlib import Path

import pytest

from pose_activity.training.console import say, say_notes, say_rows

ROOT = Path(__file__).resolve().parents[2]
ODD = "runs/x [v1] [/red] [bold]\\"


def test_brackets_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    say(ODD, mark="[v2]", style="red")
    say_notes([ODD])
    say_rows(ODD, [{"[v3]": ODD}])
    lines = capsys.readouterr().out
    assert lines.startswith(f"[v2] {ODD}\nnote: {ODD}\n")
    assert lines.count(ODD) == 4 and "[v3]" in lines


def test_a_long_path_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    say("/long folder" * 40)
    assert capsys.readouterr().out == "/long folder" * 40 + "\n"


def is_plain(node: ast.expr) -> bool:
    """Whether nothing in an argument can be taken for markup: constants, numbers, escaped text."""
    match node:
        case ast.Constant() | ast.Starred(value=ast.Call(func=ast.Name("map"))):
            return True
        case ast.Call(func=ast.Name(name)):
            return name in ("escape", "decimal")
        case ast.JoinedStr(values=parts):
            return all(map(is_plain, parts))
        case ast.FormattedValue(value=value, format_spec=spec):
            return spec is not None or is_plain(value)
        case ast.IfExp(body=one, orelse=other):
            return is_plain(one) and is_plain(other)
        case ast.Name(name):
            return name in ("table", "rows", "line")  # rich's own values; texts are spelled out
    return False


def prints_of(tree: ast.AST) -> list[ast.Call]:
    """Calls of `print` that rich takes for markup."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    printing = []
    for call in calls:
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        plain = isinstance(keywords.get("markup"), ast.Constant)  # markup=False
        if isinstance(call.func, ast.Attribute) and call.func.attr == "print" and not plain:
            printing.append(call)
    return printing


def test_no_text_is_printed_as_markup_unescaped() -> None:
    """Of today's and of every later line: `say` it, escape it, or print with markup=False."""
    files = [ROOT / "train.py", ROOT / "infer.py"]
    for room in ("training", "inference", "stage1_pose", "stage2_classifier", "cache", "runtime"):
        files += (ROOT / room).rglob("*.py")
    wrong = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for file in files
        for call in prints_of(ast.parse(file.read_text(encoding="utf-8")))
        if file != ROOT / "training" / "console.py" and not all(map(is_plain, call.args))
    ]
    assert not wrong, wrong


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ('console.print(f"in {folder}")', False),
        ("console.print(text)", False),
        ('console.print(f"[red]x[/] {escape(str(folder))}: {share:.2f}")', True),
        ('console.print("report: " + str(path))', False),
        ('console.print(f"in {folder}", markup=False)', True),
    ],
)
def test_that_test_finds_them(line: str, plain: bool) -> None:
    assert plain == all(is_plain(a) for call in prints_of(ast.parse(line)) for a in call.args)
