"""A real browser against a real server: what a page does wrong on its own, fails every test.

Needs Debian's chromium and playwright, which drives it; without them tests are skipped, unless
REQUIRE_BROWSER is set.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.inference import motion_model, view_model
from tests.inference.motion_model import RECIPE, SIZE, crossing
from tests.serving.running import Running, running

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --mute-audio"
).split()
FAKE_CAMERA = "--use-fake-device-for-media-stream --use-fake-ui-for-media-stream".split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Any]]:
    """Starts a browser with more options."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        sync_playwright = None
    if sync_playwright is None or CHROMIUM is None:
        missing = "chromium" if CHROMIUM is None else "playwright"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(f"{missing} is not installed")
        pytest.skip(f"{missing} is not installed")
    with sync_playwright() as driver:
        started = []

        def start(*options: str) -> Any:
            browser = driver.chromium.launch(
                executable_path=CHROMIUM, headless=True, args=[*QUIET, *options]
            )
            started.append(browser)
            return browser

        yield start
        for browser in started:
            browser.close()


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Any]) -> Any:
    return launch()


@contextmanager
def opened(browser: Any, server: Running, path: str = "", **context: Any) -> Iterator[Any]:
    """Opens the page; at the end it must have made no error and asked no other host."""
    wrong: list[str] = []
    with browser.new_context(**context) as held:
        page = held.new_page()
        page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        allowed = (server.url, "blob:", "data:")
        page.on(
            "request",
            lambda asked: asked.url.startswith(allowed) or wrong.append(f"asks {asked.url}"),
        )
        page.goto(server.url + path)
        until(page, "document.querySelector('#facts').textContent !== ''")
        page.wrong = wrong
        yield page
        assert not wrong


def until(page: Any, condition: str, *, seconds: float = 20) -> None:
    """Waits for an expression to be true; what playwright has for it, the page's policy forbids."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        page.wait_for_timeout(50)


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of a model of pictures: it names the colour of the person."""
    folder = tmp_path_factory.mktemp("colours")
    examples = folder / "examples"
    examples.mkdir()
    write_picture(examples / "red.jpg", motion_model.picture(red=(60, 20)))
    model = view_model.write_model(folder / "run")
    with running(model, folder / "state", threads=2, examples=examples) as found:
        yield found


@pytest.fixture(scope="session")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of a model of motion, which can be live."""
    folder = tmp_path_factory.mktemp("walkers")
    model = motion_model.write_model(folder / "run", replace(RECIPE, rate=10.0))
    with running(model, folder / "state", threads=2) as found:
        yield found


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video that browsers play: red and blue walk past each other."""
    return write_webm(tmp_path_factory.mktemp("films") / "crossing.webm", crossing())


def write_picture(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return path


def write_webm(path: Path, frames: list[np.ndarray]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), 10, SIZE)
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def write_mjpeg(path: Path, frames: list[np.ndarray]) -> Path:
    """Writes what the browser's fake camera plays over and over: JPEGs, one behind the other."""
    large = [cv2.resize(frame, (640, 512), interpolation=cv2.INTER_NEAREST) for frame in frames]
    path.write_bytes(b"".join(cv2.imencode(".jpg", f[..., ::-1])[1].tobytes() for f in large))
    return path
