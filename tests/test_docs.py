"""What the documents name exists: commands, options, settings, configurations, files, imports."""

import importlib
import inspect
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer
import yaml

from pose_activity.command import app
from pose_activity.training import kinds

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CURRENT = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]  # that one tells of the past
SCRIPTS = {"train.py": "train", "infer.py": "predict"}
# TensorBoard's, a benchmark's, docker's.
FOREIGN = {"--logdir", "--count", "--tmpfs", "--build-arg"}
# report.md is no setting
ENDINGS = {"onnx", "py", "yaml", "md", "html", "csv", "json", "jsonl", "parquet"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path) -> Iterator[str]:
    """The code blocks of a document, without the word that names their language."""
    yield from re.findall(r"^```\w*\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


def spans(path: Path) -> list[str]:
    """The pieces of code within a document's sentences."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.findall(r"`([^`]+)`", text)


def commands(path: Path) -> Iterator[list[str]]:
    """Every command of ours in a document, as the words after `pose-activity`."""
    for block in [*blocks(path), *spans(path)]:
        for line in re.split(
            r"\n(?=\S)", re.sub(r"\\\n\s*", " ", block)
        ):  # quoted text is indented
            script = re.match(r"(?:python )?(train\.py|infer\.py) (?! )", line)
            if "..." in line or not (script or line.startswith("pose-activity ")):
                continue
            words = shlex.split(line.removeprefix("python "), comments=True)
            yield [SCRIPTS[words[0]], *words[1:]] if script else words[1:]


def resolve(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and the words after its name."""
    found: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and not rest[0].startswith("-") and hasattr(found, "commands"):
        assert rest[0] in found.commands, f"{shlex.join(words)}: no command {rest[0]}"
        found = found.commands[rest.pop(0)]
    return found, rest


def options_of(command: Any) -> set[str]:
    """Every option of a command, and of those below it."""
    found = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    return found.union(*map(options_of, getattr(command, "commands", {}).values()))


@pytest.mark.parametrize("path", CURRENT, ids=named)
def test_commands_and_their_options_exist(path: Path) -> None:
    for words in commands(path):
        command, rest = resolve(words)
        options = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert options <= options_of(command), shlex.join(words)


@pytest.mark.parametrize("path", CURRENT, ids=named)
def test_options_within_sentences_exist(path: Path) -> None:
    said = {option for code in spans(path) for option in re.findall(r"(?<!\S)--[\w-]+", code)}
    assert said <= options_of(typer.main.get_command(app)) | FOREIGN


@pytest.mark.parametrize("path", CURRENT, ids=named)
def test_configurations_exist_and_take_the_settings(path: Path) -> None:
    for words in commands(path):
        values = {"--config": [], "--set": []}
        for option, value in pairwise(words):
            values.get(option, []).append(value)
        for name in values["--config"]:
            kinds.load(ROOT / name if "/" in name else Path(name), values["--set"])


def settings_of(section: Any, prefix: str = "") -> set[str]:
    """Dotted names of all settings of a section, whatever of the allowed types they have."""
    if not inspect.isclass(section):
        return set().union(*(settings_of(part, prefix) for part in get_args(section)))
    if not section.__module__.startswith("pose_activity."):
        return set()
    found = {f"{prefix}{name}": kind for name, kind in get_type_hints(section).items()}
    return set(found).union(*(settings_of(kind, f"{name}.") for name, kind in found.items()))


@pytest.mark.parametrize("path", CURRENT, ids=named)
def test_settings_within_sentences_exist(path: Path) -> None:
    runs = [getattr(kind.configs, kind.config) for kind in kinds.KINDS]
    known = set[str]().union(*map(settings_of, runs))
    sections = {name.partition(".")[0] for name in known if "." in name}
    pattern = rf"((?:{'|'.join(sections)})(?:\.[a-z]\w*)+)(?=$|[:=])"
    said = {match[1] for code in spans(path) if (match := re.match(pattern, code))}
    assert {name for name in said if name.rpartition(".")[2] not in ENDINGS} <= known


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("https://", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("path", CURRENT, ids=named)
def test_files_that_are_named_exist(path: Path) -> None:
    rooms = "|".join(sorted({file.parts[0] for file in tracked() if len(file.parts) > 1}))
    pattern = rf"`((?:{rooms})/[\w./]+\.(?:py|yaml|json|j2|html)|(?:{rooms})/[\w/]+/)`"
    made = ("cache/", "annotations/")  # a run's folders are called like rooms
    for name in re.findall(pattern, path.read_text(encoding="utf-8")):
        of_a_run = name.startswith(made) and not name.endswith((".py", ".yaml", "/"))
        if "NAME" not in name and not of_a_run:
            assert (ROOT / name).exists(), name


@pytest.mark.parametrize("path", CURRENT, ids=named)
def test_files_and_names_without_a_folder_exist(path: Path) -> None:
    """Of the documents for those who change the code: names such as `registry.py`, `RULES`."""
    rooms = [folder for folder in ROOT.glob("[!.]*") if folder.is_dir()]
    code = [*ROOT.glob("*.py"), *(file for room in rooms for file in room.rglob("*.py"))]
    files = {file.name for file in code}
    defined = "\n".join(file.read_text(encoding="utf-8") for file in code)
    for span in spans(path):
        if re.fullmatch(r"\w+\.py", span):
            assert span in files, span
        elif path.name == "CONTRIBUTING.md" and re.fullmatch(r"_?[A-Z][A-Za-z_]+", span):
            pattern = rf"^\s*(class {span}\b|{span}\b[^\n]* = )"
            assert re.search(pattern, defined, re.M) or span == "POSE_ACTIVITY_DATA", span


def tracked() -> list[Path]:
    """Files of the project; without git, those of the folders that hold a package."""
    command = ["git", "ls-files"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    if done.returncode == 0:
        return [Path(name) for name in done.stdout.splitlines()]
    return [path.relative_to(ROOT) for path in ROOT.glob("*/*.py")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_imports_resolve(path: Path) -> None:
    for block in blocks(path):
        for module, names in re.findall(r"^\s*from (\S+) import (.+)$", block, re.M):
            assert module.split(".")[0] == "pose_activity", module
            for name in names.split(","):
                assert hasattr(importlib.import_module(module), name.strip()), (module, name)


@pytest.mark.parametrize("path", CURRENT, ids=named)
def test_make_targets_exist(path: Path) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^)make ([\w-]+)", text, re.M)) <= set(targets)


def test_the_citation_names_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])


def test_pre_commit_runs_what_make_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]]
    recipe = re.search(
        r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M
    )
    assert recipe
    lint = recipe[1].replace("$(BIN)", ".venv/bin").split("\n\t")
    assert entries == [line.strip() for line in lint]
