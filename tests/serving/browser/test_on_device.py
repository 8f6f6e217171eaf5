"""Answers that are made in the browser: right, and without a picture leaving it.

Needs the page's runtime (`make web`); without it tests are skipped, unless REQUIRE_BROWSER is set.
"""

import json
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pose_activity.inference import on_device
from pose_activity.serving.device_routes import NO_RUNTIME, RUNTIME
from pose_activity.serving.page_routes import PAGE
from tests.inference import device_model
from tests.inference.motion_model import picture
from tests.serving.browser.conftest import FAKE_CAMERA, opened, until, write_mjpeg, write_picture
from tests.serving.running import Running, running

pytestmark = pytest.mark.browser
PACKAGES = {"colours": device_model.package_colours, "walkers": device_model.package_walkers}


@pytest.fixture(scope="module", autouse=True)
def runtime() -> None:
    if not all((PAGE / "ort" / name).is_file() for name in RUNTIME):
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(NO_RUNTIME)
        pytest.skip(NO_RUNTIME)


@pytest.fixture(scope="module", params=PACKAGES)
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp(request.param)
    with running(PACKAGES[request.param](folder), folder / "state", threads=2) as found:
        yield found


@pytest.fixture(scope="module")
def filming(launch: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser whose camera shows somebody red who walks to the right."""
    film = tmp_path_factory.mktemp("camera") / "walking.mjpeg"
    write_mjpeg(film, [picture(red=(5 + i, 20)) for i in range(125)])
    yield launch(*FAKE_CAMERA, f"--use-file-for-fake-video-capture={film}")


def switch_on(page: Any) -> str:
    page.locator("#device-on").check()
    until(page, "!document.querySelector('#device-on').disabled", seconds=60)
    return page.locator("#device-state").inner_text()


@pytest.mark.parametrize("package", ["colours"], indirect=True)
def test_no_request_leaves_while_frames_are_named(
    filming: Any, package: Running, tmp_path: Path
) -> None:
    with opened(filming, package) as page:
        assert "answers as the server does" in switch_on(page)
        left: list[str] = []
        page.on("request", lambda asked: asked.url.startswith("blob:") or left.append(asked.url))
        page.on("websocket", lambda socket: left.append(socket.url))
        page.get_by_role("button", name="Use the camera").click()
        until(page, "document.querySelector('#camera-drawing').dataset.frame >= 49", seconds=60)
        assert page.locator("#camera-answer .answer").inner_text() == "red"
        assert page.evaluate("document.querySelector('#camera-drawing').dataset.people") == "1"
        assert "Nothing is sent" in page.locator("#camera-privacy").inner_text()
        page.get_by_role("button", name="Stop").click()
        blue = write_picture(tmp_path / "blue.jpg", picture(blue=(60, 20)))
        page.locator("#files").set_input_files(blue)
        page.locator(".card .answer").wait_for()
        assert page.locator(".card .answer").inner_text() == "blue"
        film = tmp_path / "film.webm"
        film.write_bytes(b"\x1a\x45\xdf\xa3")
        page.locator("#files").set_input_files(film)
        page.locator(".card .problem").wait_for()
        assert "nothing was sent" in page.locator(".card .problem").inner_text()
        assert left == []


@pytest.mark.parametrize("package", ["walkers"], indirect=True)
def test_of_a_model_of_motion_joints_alone_are_sent(filming: Any, package: Running) -> None:
    sent: list[bytes] = []

    def watch(socket: Any) -> None:
        socket.on("framesent", lambda frame: sent.append(frame))

    with opened(filming, package) as page:
        assert "answers as the server does" in switch_on(page)
        page.on("websocket", watch)
        left: list[str] = []
        page.on("request", lambda asked: left.append(asked.url))
        page.get_by_role("button", name="Use the camera").click()
        named = "document.querySelector('#camera-answer .answer')?.textContent"
        until(page, f"{named}.endsWith(': to the right')", seconds=30)
        assert "only their joints" in page.locator("#camera-privacy").inner_text()
        assert left == [] and len(sent) > 1
    for frame in sent:
        _, width, height, _ = struct.unpack_from("<IHHd", frame)
        assert width and height and (len(frame) - 16) % (4 * (5 + 3 * 17)) == 0


@pytest.mark.parametrize("package", ["colours"], indirect=True)
def test_a_browser_that_answers_otherwise_is_not_trusted(browser: Any, package: Running) -> None:
    """The sample's expected answers are made wrong on their way."""

    def spoil(route: Any) -> None:
        about = route.fetch().json()
        about["sample"]["pictures"][0]["activities"] = ["nobody"]
        about["sample"]["pictures"][1]["people"][0][0] = [9.0, 9.0, 0.9]
        route.fulfill(body=json.dumps(about), content_type="application/json")

    with opened(browser, package) as page:
        page.route("**/v1/device", spoil)
        said = switch_on(page)
        assert "92 % the same activity" in said and "The server goes on answering" in said
        assert not page.locator("#device-on").is_checked()


@pytest.mark.parametrize("package", ["colours"], indirect=True)
def test_a_graph_that_was_altered_is_not_run(browser: Any, package: Running) -> None:
    with opened(browser, package) as page:
        other = on_device.SAMPLE  # some other bytes
        page.route(
            "**/v1/device/pose.onnx", lambda r: r.fulfill(path=package.service.model / other)
        )
        assert "pose.onnx arrived damaged" in switch_on(page)


def test_a_run_offers_nothing(browser: Any, colours: Running) -> None:
    with opened(browser, colours) as page:
        assert not page.locator("#device").is_visible()
