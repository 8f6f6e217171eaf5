"""The camera, by the browser's fake one, which plays a film; and the game."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.inference.motion_model import picture
from tests.serving.browser.conftest import FAKE_CAMERA, opened, until, write_mjpeg
from tests.serving.running import Running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def filming(launch: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser whose camera shows somebody red."""
    film = tmp_path_factory.mktemp("camera") / "red.mjpeg"
    write_mjpeg(film, [picture(red=(60, 20))] * 10)
    yield launch(*FAKE_CAMERA, f"--use-file-for-fake-video-capture={film}")


@pytest.fixture(scope="module")
def walking(launch: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser whose camera shows somebody who walks to the right, 30 frames a second."""
    film = tmp_path_factory.mktemp("camera") / "walking.mjpeg"
    write_mjpeg(film, [picture(red=(5 + i, 20)) for i in range(125)])
    yield launch(*FAKE_CAMERA, f"--use-file-for-fake-video-capture={film}")


def open_camera(page: Any) -> None:
    page.get_by_role("button", name="Use the camera").click()


def test_the_camera_names_what_it_sees(filming: Any, colours: Running) -> None:
    with opened(filming, colours) as page:
        open_camera(page)
        page.locator("#camera-answer .answer").wait_for(timeout=10_000)
        until(
            page,
            "document.querySelector('#camera-answer .answer').textContent === 'red'",
            seconds=3,
        )
        assert "frames/s, answered after" in page.locator("#rates").inner_text()
        until(page, "document.querySelector('#camera-drawing').dataset.people === '1'")
        assert page.locator("#camera-menu option").count() >= 1
        page.get_by_role("button", name="Stop").click()
        assert page.evaluate("document.querySelector('#preview').srcObject") is None
    _all_let_go(colours)


def test_who_walks_is_named_while_walking(walking: Any, walkers: Running) -> None:
    with opened(walking, walkers) as page:
        open_camera(page)
        until(
            page,
            "document.querySelector('#camera-answer .answer')?.textContent"
            ".endsWith(': to the right')",
            seconds=15,
        )
    _all_let_go(walkers)


def test_a_hidden_page_lets_the_camera_go(filming: Any, colours: Running) -> None:
    with opened(filming, colours) as page:
        open_camera(page)
        page.locator("#camera-answer .answer").wait_for(timeout=10_000)
        page.evaluate(
            """() => {
                Object.defineProperty(document, "hidden", {value: true});
                document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
        until(page, "document.querySelector('#preview').srcObject === null")
        assert "while this page was hidden" in page.locator("#camera-problem").inner_text()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NotAllowedError", "The camera was refused."),
        ("NotFoundError", "There is no camera on this device."),
        ("NotReadableError", "another program uses it"),
        ("OverconstrainedError", "Choose another one."),
    ],
)
def test_a_camera_that_does_not_start_has_its_sentence(
    browser: Any, colours: Running, name: str, sentence: str
) -> None:
    with opened(browser, colours) as page:
        page.evaluate(
            """(name) => {
                navigator.mediaDevices.getUserMedia =
                    () => Promise.reject(new DOMException("no", name));
            }""",
            name,
        )
        open_camera(page)
        page.locator("#camera-problem").wait_for()
        assert sentence in page.locator("#camera-problem").inner_text()


def test_an_insecure_page_says_how_to_become_secure(browser: Any, colours: Running) -> None:
    with opened(browser, colours) as page:
        page.evaluate("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
        open_camera(page)
        assert "ssh -L 8000:localhost:8000" in page.locator("#camera-problem").inner_text()


def test_the_game_scores_what_the_camera_shows(filming: Any, colours: Running) -> None:
    """The film shows red alone: every round that asks for it is a hit, the others say why not."""

    def shorten(route: Any) -> None:
        sent = json.loads(route.request.post_data)
        route.continue_(post_data=json.dumps({**sent, "seed": 1, "rounds": 3, "seconds": 1.5}))

    with opened(filming, colours) as page:
        page.route("**/v1/game", shorten)
        page.route("**/v1/game/score", shorten)
        open_camera(page)
        page.locator("#camera-answer .answer").wait_for(timeout=10_000)
        page.get_by_role("button", name="Start the game").click()
        page.locator("#game-result .answer").wait_for(timeout=20_000)
        rows = page.locator("#game-result tbody tr").all_inner_texts()
    assert len(rows) == 3
    for row in rows:
        action, what, points = row.split("\t")
        assert (int(points) > 250) == (action == "red")
        assert ("held" in what) if action == "red" else ("seen as red" in what)


def _all_let_go(server: Running) -> None:
    deadline = time.monotonic() + 5
    while server.service.watching and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.service.watching == 0
