"""What a visitor sees and does: pictures, videos, errors, by mouse, keyboard and on a phone."""

import csv
import io
import os
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.serving.jobs import Job
from tests.inference.motion_model import picture
from tests.serving.browser.conftest import opened, until, write_picture
from tests.serving.running import Running
from tests.waiting import wait_for

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def both(tmp_path: Path) -> Path:
    return write_picture(tmp_path / "both.jpg", picture(red=(20, 20), blue=(110, 30)))


BLUE = (79, 157, 255)  # of the first person's drawing


def drawn_pixels(page: Any) -> int:
    """How many pixels of the drawing a visitor sees."""
    data = np.frombuffer(card(page).locator(".stage").screenshot(), np.uint8)
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1].astype(int)
    return int((abs(pixels - BLUE).max(axis=-1) < 20).sum())


def card(page: Any) -> Any:
    return page.locator("#results article").first


def test_a_picture_is_named_with_its_people(browser: Any, colours: Running, both: Path) -> None:
    with opened(browser, colours) as page:
        page.set_input_files("#files", both)
        card(page).locator(".answer").wait_for()
        assert card(page).locator(".answer").inner_text() in ("red", "blue")
        until(page, "document.querySelector('article canvas').dataset.people === '2'")
        assert drawn_pixels(page) > 100
        assert card(page).locator(".bars li").count() == 3
        assert "both.jpg: " in page.locator("#status").inner_text()


def test_several_files_each_get_a_card(
    browser: Any, colours: Running, both: Path, tmp_path: Path
) -> None:
    other = write_picture(tmp_path / "red.jpg", picture(red=(60, 20)))
    with opened(browser, colours) as page:
        page.set_input_files("#files", [both, other])
        page.locator("article[aria-label='red.jpg'] .answer").wait_for()
        assert page.locator("article").count() == 2


def test_a_dropped_and_a_pasted_picture(browser: Any, colours: Running, both: Path) -> None:
    give = """([name, numbers]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(numbers)], "given.jpg", {type: "image/jpeg"}));
        const more = name === "paste" ? {clipboardData: data} : {dataTransfer: data};
        const event = name === "paste" ? new ClipboardEvent(name, {...more, bubbles: true})
            : new DragEvent(name, {...more, bubbles: true});
        document.querySelector("#drop").dispatchEvent(event);
    }"""
    with opened(browser, colours) as page:
        for count, name in enumerate(("drop", "paste"), 1):
            page.evaluate(give, [name, list(both.read_bytes())])
            until(page, f"document.querySelectorAll('article .answer').length === {count}")


def test_an_example_ships_with_the_page(browser: Any, colours: Running) -> None:
    with opened(browser, colours) as page:
        page.get_by_role("button", name="red.jpg").click()
        card(page).locator(".answer").wait_for()
        assert card(page).locator(".answer").inner_text() == "red"


def test_by_keyboard_alone(browser: Any, colours: Running) -> None:
    with opened(browser, colours) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        for _ in range(12):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent") == "red.jpg":
                break
        page.keyboard.press("Enter")
        card(page).locator(".answer").wait_for()


def test_what_is_no_picture_is_said_in_the_card(
    browser: Any, colours: Running, tmp_path: Path
) -> None:
    broken = tmp_path / "<b>list<b>.jpg"
    broken.write_text("ffconcat version 1.0\nfile 'secret.mp4'\n", encoding="utf-8")
    with opened(browser, colours) as page:
        page.set_input_files("#files", broken)
        card(page).locator(".problem").wait_for()
        assert card(page).locator("h2").inner_text() == "<b>list<b>.jpg"
        said = [text for text in page.wrong if "415" not in text]  # the browser logs the status
        page.wrong[:] = said


def test_a_file_that_is_too_large_is_not_sent(browser: Any, colours: Running) -> None:
    with opened(browser, colours) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.method))
        page.evaluate(
            """() => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(201e6)], "long.mp4", {type: "video/mp4"}));
                document.querySelector("#drop").dispatchEvent(
                    new DragEvent("drop", {dataTransfer: data, bubbles: true}));
            }"""
        )
        card(page).locator(".problem").wait_for()
        assert "a file may have 200 MB" in card(page).locator(".problem").inner_text()
        assert "POST" not in asked


def test_a_video_names_its_people_and_gives_their_table(
    browser: Any, walkers: Running, film: Path
) -> None:
    with opened(browser, walkers) as page:
        page.set_input_files("#files", film)
        card(page).locator(".answer").nth(1).wait_for()
        names = card(page).locator(".answer").all_inner_texts()
        assert [name.lstrip("● ") for name in names] == [
            "Person 1: to the right",
            "Person 2: to the left",
        ]
        until(page, "document.querySelector('article canvas').dataset.people === '2'")
        assert drawn_pixels(page) > 100, "the drawing is above the video and its controls"
        with page.expect_download() as saved:
            card(page).get_by_role("button", name="Table (CSV)").click()
        rows = list(csv.DictReader(io.StringIO(saved.value.path().read_text(encoding="utf-8"))))
        assert [row["activity"] for row in rows] == ["to the right", "to the left"]
        job = page.evaluate("location.hash").removeprefix("#job=")
        assert (
            saved.value.path().read_bytes()
            == walkers.client.get(f"/v1/jobs/{job}/rows.csv").content
        )


def test_a_job_survives_reloading_and_its_drawing_plays(
    browser: Any, walkers: Running, film: Path
) -> None:
    with opened(browser, walkers) as page:
        page.set_input_files("#files", film)
        until(page, "location.hash.startsWith('#job=')")
        page.reload()
        card(page).locator(".answer").nth(1).wait_for()
        card(page).get_by_role("button", name="Show the video with drawings").click()
        video = card(page).locator("video")
        video.wait_for()
        page.evaluate("document.querySelector('article video').play()")
        until(page, "document.querySelector('article video').currentTime > 0.2")
        assert page.evaluate("document.querySelector('article video').error") is None


def test_work_can_be_watched_and_cancelled(
    browser: Any, walkers: Running, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = Job.tell

    def tell_slowly(job: Job, done: int, of: int) -> None:
        time.sleep(0.3)
        tell(job, done, of)

    monkeypatch.setattr(Job, "tell", tell_slowly)
    of_other_tests = {*walkers.left()}
    with opened(browser, walkers) as page:
        page.set_input_files("#files", film)
        until(page, "document.querySelector('article progress').value > 0")
        until(page, "document.querySelector('article p').textContent.startsWith('Frame ')")
        before = page.evaluate("document.querySelector('article progress').value")
        until(page, f"document.querySelector('article progress').value > {before}")
        card(page).get_by_role("button", name="Cancel").click()
        card(page).locator(".problem").wait_for()
        assert "Nothing of it is kept" in card(page).locator(".problem").inner_text()
    wait_for(lambda: of_other_tests.issuperset(walkers.left()))


def test_a_model_of_people_asks_for_their_consent(
    browser: Any, colours: Running, both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pose_activity.serving.model_facts._identifies", lambda about: True)
    with opened(browser, colours) as page:
        assert page.title() == "Who is it?"
        assert page.locator("#files").is_disabled()
        page.get_by_role("button", name="red.jpg").click()
        assert not page.locator("article").count(), "nothing is looked at before"
        page.get_by_label("Everybody shown has agreed").check()
        page.set_input_files("#files", both)
        card(page).locator(".answer").wait_for()


def test_the_source_is_one_click_away(browser: Any, colours: Running) -> None:
    """As the AGPL (section 13) wants it."""
    with opened(browser, colours) as page:
        with page.expect_download() as saved:
            page.get_by_role("link", name="source code").click()
        assert saved.value.path().read_bytes().startswith(b"PK")


def test_delete_now_deletes(browser: Any, walkers: Running, film: Path) -> None:
    with opened(browser, walkers) as page:
        page.set_input_files("#files", film)
        button = page.get_by_role("button", name="Delete now")
        button.wait_for()
        job = page.evaluate("location.hash").removeprefix("#job=")
        assert (walkers.state / job).is_dir()
        button.click()
        until(page, "!document.querySelector('article')")
        assert page.evaluate("location.hash") == ""
    assert not (walkers.state / job).exists()


def test_the_timeline_leads_into_the_video(browser: Any, colours: Running, film: Path) -> None:
    with opened(browser, colours) as page:
        page.set_input_files("#files", film)
        parts = card(page).locator(".part")
        parts.first.wait_for()
        parts.last.focus()
        page.keyboard.press("Enter")
        label = parts.last.get_attribute("aria-label")
        assert label and label.startswith("Picture: ")
        assert card(page).locator("tbody tr").count() == 30


def test_on_a_phone_nothing_has_to_be_pushed_aside(
    browser: Any, walkers: Running, colours: Running, film: Path, both: Path
) -> None:
    for server, file in ((walkers, film), (colours, both)):
        with opened(browser, server, **PHONE) as page:
            page.set_input_files("#files", file)
            card(page).locator(".answer").first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            for words in card(page).locator(".lanes text").all():
                assert (words.bounding_box() or {"height": 0})["height"] >= 10, "can be read"
            if folder := os.environ.get("SCREENSHOTS"):
                page.screenshot(path=f"{folder}/phone-{file.stem}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_it_looks(
    browser: Any, walkers: Running, film: Path, scheme: str, tmp_path: Path
) -> None:
    """Set SCREENSHOTS to a folder to look at it."""
    with opened(browser, walkers, color_scheme=scheme) as page:
        page.set_input_files("#files", film)
        card(page).locator(".answer").nth(1).wait_for()
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == {"light": "rgb(247, 248, 250)", "dark": "rgb(20, 22, 26)"}[scheme]
        folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
        page.screenshot(path=folder / f"video-{scheme}.png", full_page=True)
