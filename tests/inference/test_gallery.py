"""The page is read back as a browser would: sections, order, pictures, lines, and no markup."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.videos import Frame
from pose_activity.cache.planes import PoseModelId, Recipe
from pose_activity.inference.gallery import Gallery
from pose_activity.inference.pictures.draw import cards_of
from pose_activity.inference.results import FrameResult, Result
from tests.inference.fakes import answered, failed, nobody

PICTURE = np.random.default_rng(0).integers(0, 255, (50, 80, 3), np.uint8)
WHOLE = Recipe(people="all", pose=PoseModelId("abc"))
EACH = replace(WHOLE, people="each", margin=0.0)


class Page(HTMLParser):
    """What a page shows: section -> texts of its figures; every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: dict[str, list[str]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        values = dict(attrs)
        self.tags.append((tag, values))
        if tag == "section":
            self._figures = self.sections.setdefault(values["data-group"] or "", [])
        if tag == "figure":
            self._figures.append("")
            self._inside = True

    def handle_endtag(self, tag) -> None:
        self._inside = self._inside and tag != "figure"

    def handle_data(self, data) -> None:
        if self._inside:
            self._figures[-1] += data

    def all(self, tag: str, key: str) -> list[str]:
        return [values[key] or "" for name, values in self.tags if name == tag and key in values]


def shape_of(jpeg: bytes) -> tuple[int, ...]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.shape


def write(path: Path, rows: list[Result], recipe: Recipe = WHOLE, **options) -> Page:
    with Gallery(path, "people" if recipe.one_by_one else "pictures", **options) as gallery:
        for row in rows:
            frame = Frame(row.image, lambda: PICTURE, row.frame, row.seconds)
            answer = FrameResult(frame, [row], None if row.error else PICTURE)
            gallery.add(answer.rows, cards_of(answer, recipe) if gallery.has_room else [])
    return Page(path.read_text(encoding="utf-8"))


def test_sorted_by_activity_and_confidence(tmp_path: Path) -> None:
    page = write(
        tmp_path / "page.html",
        [
            answered("a.jpg", (0.2, 0.7, 0.1)),
            answered("b.jpg", (0.6, 0.2, 0.2)),
            failed("c.jpg", "the file is empty"),
            answered("d.jpg", (0.9, 0.05, 0.05)),
            answered("e.jpg", (0.4, 0.3, 0.3), unknown_below=0.5),
            nobody("f.jpg"),
        ],
    )
    assert list(page.sections) == ["walk", "run", "unknown", "nobody", "error"]
    assert [text[:3] for text in page.sections["walk"]] == ["90%", "60%"]
    assert "40% walk?" in page.sections["unknown"][0] and "e.jpg" in page.sections["unknown"][0]
    assert "the file is empty" in page.sections["error"][0]
    chips = [name for name in page.all("button", "data-group") if name]
    assert chips == list(page.sections)


def test_names_are_no_markup(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>\"'&.jpg"
    page = write(tmp_path / "page.html", [answered(evil), answered("\udcff.jpg")])
    assert evil in page.sections["walk"][0]
    assert not page.all("img", "onerror")
    assert json.loads(page.all("figure", "data-card")[0])["path"] == evil


def test_small_pictures_with_lines_in_their_own_units(tmp_path: Path) -> None:
    page = write(tmp_path / "page.html", [answered("a.jpg", people=2)])
    (source,) = page.all("img", "src")
    data = base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))
    assert shape_of(data) == (50, 80, 3)
    assert page.all("svg", "viewbox") == ["0 0 1000 625"]
    assert sorted(page.all("path", "class")) == ["left", "middle", "right"]
    numbers = [int(n) for lines in page.all("path", "d") for n in re.findall(r"\d+", lines)]
    xs, ys = numbers[::2], numbers[1::2]
    # hand_made has people at x 4..20 and 40..60, y 5..45 of 80 x 50 pixels; 12.5 units each.
    assert min(xs) >= 50 and max(xs) <= 750 and min(ys) >= 62 and max(ys) <= 563
    assert not [x for x in xs if 250 < x < 500]


def test_a_large_picture_becomes_small(tmp_path: Path) -> None:
    recipe = Recipe(planes=("rgb",))
    row = answered("a.jpg", people=None)
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (30, 40, 3), np.uint8)
    large = cv2.resize(coarse, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    (card,) = cards_of(FrameResult(Frame(row.image, lambda: large), [row], large), recipe)
    assert card.jpeg is not None and len(card.jpeg) < 25_000
    assert shape_of(card.jpeg) == (240, 320, 3)


def test_a_person_is_cut_out(tmp_path: Path) -> None:
    rows = [answered("a.jpg", people=3, person=i) for i in range(3)]
    page = write(tmp_path / "page.html", rows, EACH)
    sizes = []
    for source in page.all("img", "src"):
        data = base64.b64decode(source.partition(",")[2])
        sizes.append(shape_of(data)[:2])
    assert sizes == [(40, 16), (35, 20), (32, 12)]  # hand_made's boxes
    assert "a.jpg, person 2" in page.sections["walk"][1]


def test_links_lead_to_the_picture_or_the_moment(tmp_path: Path) -> None:
    picture, video = tmp_path / "my photos" / "ä.jpg", tmp_path / "clip.mp4"
    page = write(tmp_path / "out" / "page.html", [answered(picture), answered(video, frame=50)])
    cards = [json.loads(text) for text in page.all("figure", "data-card")]
    assert [card["link"] for card in cards] == ["../my%20photos/%C3%A4.jpg", "../clip.mp4#t=2.00"]
    assert "clip.mp4, 2.0 s" in page.sections["walk"][1]


def test_a_full_page_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    page = write(path, [answered(f"{i}.jpg") for i in range(5)], limit=3)
    assert len(page.sections["walk"]) == 3
    assert "3 pictures; 2 more did not fit" in path.read_text(encoding="utf-8")


def test_a_smoothed_row_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    with Gallery(path, "pictures") as gallery:
        raw = answered("a.mp4", frame=0)
        answer = FrameResult(Frame(raw.image, lambda: PICTURE, 0, 0.0), [raw], PICTURE)
        steady = answered("a.mp4", (0.1, 0.8, 0.1), frame=0)
        gallery.add([steady], cards_of(answer, WHOLE))
    assert list(Page(path.read_text(encoding="utf-8")).sections) == ["run"]


def test_nothing_is_left_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Gallery(tmp_path / "page.html", "pictures"):
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_page(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder. Name a file"):
        Gallery(tmp_path, "pictures")


def test_no_page_no_work() -> None:
    with Gallery(None, "pictures") as gallery:
        assert not gallery.has_room
        gallery.add([answered("a.jpg")], [])
    assert gallery.left_out == 0
