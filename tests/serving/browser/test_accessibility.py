"""No rule of axe-core is broken, in any state that the page can be in, light or dark."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pose_activity.training.report_page import facts
from pose_activity.training.report_page import html as report_html
from tests.inference.motion_model import picture
from tests.serving.browser.conftest import FAKE_CAMERA, opened, write_mjpeg, write_picture
from tests.serving.running import Running
from tests.training.report_page.test_html import all_blocks

pytestmark = pytest.mark.browser
schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


def broken_rules(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found]


@schemes
def test_start_result_and_error(
    browser: Any, walkers: Running, film: Path, tmp_path: Path, scheme: str
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with opened(browser, walkers, color_scheme=scheme) as page:
        assert not broken_rules(page)
        page.set_input_files("#files", film)
        page.get_by_role("button", name="Delete now").wait_for()
        page.locator("summary").click()
        assert not broken_rules(page)
        page.set_input_files("#files", broken)
        page.locator("article .problem").first.wait_for()
        assert not broken_rules(page)
        page.wrong.clear()  # the browser logs the answer's status


@schemes
def test_a_named_picture(browser: Any, colours: Running, tmp_path: Path, scheme: str) -> None:
    red = write_picture(tmp_path / "red.jpg", picture(red=(60, 20)))
    with opened(browser, colours, color_scheme=scheme) as page:
        page.set_input_files("#files", red)
        page.locator("article .answer").wait_for()
        assert not broken_rules(page)


def test_the_camera(
    launch: Callable[..., Any], colours: Running, tmp_path_factory: pytest.TempPathFactory
) -> None:
    film = tmp_path_factory.mktemp("camera") / "red.mjpeg"
    write_mjpeg(film, [picture(red=(60, 20))] * 10)
    filming = launch(*FAKE_CAMERA, f"--use-file-for-fake-video-capture={film}")
    with opened(filming, colours) as page:
        page.get_by_role("button", name="Use the camera").click()
        page.locator("#camera-answer .answer").wait_for()
        assert not broken_rules(page)


@schemes
def test_the_gallery(
    browser: Any, walkers: Running, film: Path, tmp_path: Path, scheme: str
) -> None:
    job = walkers.send(film.read_bytes(), name="film.webm")
    done = walkers.finish(job)
    page_of_it = tmp_path / "gallery.html"
    page_of_it.write_bytes(walkers.client.get(done["files"]["gallery"]).content)
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(page_of_it.as_uri())
        assert not broken_rules(page)


@schemes
def test_the_report(browser: Any, tmp_path: Path, scheme: str) -> None:
    """A page with every kind of block that a report has."""
    section = facts.Section("all", "All", "Every block.", all_blocks("words"))
    report = tmp_path / "report.html"
    report_html.write_page(report, facts.Facts("A run", "A model", [section]))
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(report.as_uri())
        assert not broken_rules(page)
