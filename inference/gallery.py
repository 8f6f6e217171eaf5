"""Answers as a page for people: one HTML file with small pictures, sorted by activity.

Nothing is fetched, apart from the original of a picture that is clicked, if it is still where it
was. Skeletons are lines over the pictures, so that they stay sharp and can be hidden. The layout is
in `gallery.html`. Knows nothing of graphs.
"""

import base64
import html
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from types import TracebackType
from urllib.parse import quote

import cv2
import numpy as np

from pose_activity.annotations.drawing import side_of
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.artifacts import atomic
from pose_activity.artifacts.names import shown
from pose_activity.inference.results import UNKNOWN, Result

MOST_CARDS = 2000
_LONGEST = 320  # pixels of a small picture's longer side
_QUALITY = 72  # of its JPEG: about 15 kB
_UNITS = 1000  # a skeleton's coordinates along the longer side
_WORTH = 0.01  # a probability below this is not shown on a card
_LAST = {UNKNOWN: "Too improbable to name", "nobody": "Nobody found", "error": "Could not be read"}
_TEMPLATE = Path(__file__).with_name("gallery.html")


@dataclass(frozen=True)
class Card:
    """One row as the page shows it.

    Attributes:
        row: The answer, without its arrays being looked at again.
        jpeg: The small picture, or None.
        size: Its (width, height) in `_UNITS`.
        bones: Side ("left", "right", "middle") -> path of lines in an SVG of that size.
    """

    row: Result
    jpeg: bytes | None = None
    size: tuple[int, int] = (_UNITS, _UNITS)
    bones: tuple[tuple[str, str], ...] = ()


class Gallery:
    """Collects cards, which the kind of model makes of its answers with `make_card`.

    As a context it writes the page when it is left without an error.

    Attributes:
        left_out: Rows that came after the page was full.
    """

    def __init__(
        self, path: Path | None, unit: str, *, limit: int = MOST_CARDS, link: bool = True
    ) -> None:
        """Looks whether the file can be written.

        Args:
            path: The HTML file; None makes no page.
            unit: What a row is about, for people to read.
            limit: Rows on the page; it has about 20 kB for each.
            link: Whether it leads to the originals.

        Raises:
            IsADirectoryError: `path` is a folder.
            PermissionError: nothing can be written there.
        """
        if path and path.is_dir():
            raise IsADirectoryError(f"{path} is a folder. Name a file, like {path / 'page.html'}")
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(path.parent, os.W_OK):
                raise PermissionError(f"{path}: nothing can be written into {path.parent}")
        self.left_out = 0
        self._path, self._unit, self._limit, self._link = path, unit, limit, link
        self._cards: list[Card] = []

    @property
    def has_room(self) -> bool:
        """Whether cards are worth making."""
        return self._path is not None and len(self._cards) < self._limit

    def add(self, rows: Sequence[Result], cards: Sequence[Card]) -> None:
        """Takes some rows with their cards, as far as there is room.

        The rows may have been smoothed since the cards were made; without room there are none.
        """
        room = self._limit - len(self._cards)
        pairs = zip(rows, cards, strict=False)
        taken = [replace(card, row=row) for row, card in pairs][:room]
        self._cards += taken
        if self._path:
            self.left_out += len(rows) - len(taken)

    def write(self) -> None:
        """Writes the page, whole or not at all."""
        if self._path is None:
            return
        page = self._path
        groups = _sorted_groups(self._cards)
        more = f"; {self.left_out} more did not fit: the table has all" if self.left_out else ""
        text = Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
            title=_shown(page.stem),
            summary=html.escape(f"{len(self._cards)} {self._unit}{more}"),
            chips="\n".join(_chip(group, len(cards)) for group, cards in groups),
            sections="\n".join(
                _section(group, cards, page if self._link else None) for group, cards in groups
            ),
        )
        atomic.write_text(page, text)

    def __enter__(self) -> "Gallery":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.write()


def make_card(
    row: Result,
    pixels: np.ndarray,
    skeleton: Skeleton | None = None,
    people: Sequence[np.ndarray] = (),
    *,
    threshold: float = 0.0,
) -> Card:
    """Makes the card of one row.

    Args:
        row: The answer.
        pixels: `(H, W, 3)` uint8 RGB, what the card shows.
        skeleton: Of `people`.
        people: `(K, 3)` keypoints each, in these pixels: whose skeletons are laid over it.
        threshold: Joints that are not surer are left out.
    """
    size = np.array(pixels.shape[1::-1])
    scale = _UNITS / size.max()
    bones = _bones(skeleton, people, threshold, scale) if skeleton else {}
    width, height = np.maximum(1, np.rint(size * scale)).astype(int).tolist()
    return Card(row, _shrink(pixels), (width, height), tuple(bones.items()))


def _shrink(pixels: np.ndarray) -> bytes:
    """Returns the picture as a JPEG of at most `_LONGEST` pixels a side."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _LONGEST / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    return cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), quality)[1].tobytes()


def _bones(
    skeleton: Skeleton, people: Sequence[np.ndarray], threshold: float, scale: float
) -> dict[str, str]:
    """Returns side -> lines between the joints that are surer than `threshold`."""
    lines: dict[str, list[str]] = {}
    names = skeleton.joints
    for joints in people:
        points = np.rint(joints[:, :2] * scale).astype(int)
        for a, b in skeleton.bone_index:
            if joints[a, 2] > threshold and joints[b, 2] > threshold:
                (x1, y1), (x2, y2) = points[a].tolist(), points[b].tolist()
                lines.setdefault(side_of(names[a], names[b]), []).append(f"M{x1} {y1}L{x2} {y2}")
    return {side: "".join(parts) for side, parts in lines.items()}


def _sorted_groups(cards: Iterable[Card]) -> list[tuple[str, list[Card]]]:
    """Returns activities, the most frequent first, then what has none; the surest card first."""
    groups: dict[str, list[Card]] = {}
    for card in cards:
        groups.setdefault(card.row.group, []).append(card)
    for group in groups.values():
        group.sort(key=lambda card: -card.row.ranking[0][1] if card.row.ranking else 0)
    last = list(_LAST)

    def place(item: tuple[str, list[Card]]) -> tuple:
        name, found = item
        return (1, last.index(name), "") if name in _LAST else (0, -len(found), name)

    return sorted(groups.items(), key=place)


def _chip(group: str, count: int) -> str:
    name = html.escape(shown(group))
    return f'<button type="button" data-group="{name}">{_shown(group)} <b>{count}</b></button>'


def _section(group: str, cards: Sequence[Card], page: Path | None) -> str:
    note = f"<small>{_LAST[group]}</small>" if group in _LAST else ""
    figures = "\n".join(_figure(card, page) for card in cards)
    return (
        f'<section data-group="{html.escape(shown(group))}"><h2>{_shown(group)} '
        f'<b>{len(cards)}</b>{note}</h2>\n<div class="cards">\n{figures}\n</div></section>'
    )


def _figure(card: Card, page: Path | None) -> str:
    row = card.row
    link = None if page is None else _link(row, page)
    facts = {"path": shown(row.image), "link": link, "top": row.ranking}
    where = _where(row)
    caption = f"<span>{html.escape(shown(row.image.name))}{where}</span>"
    if row.error is not None:
        caption += f'<span class="error">{html.escape(shown(row.error))}</span>'
    elif row.ranking:
        caption = _bars(row) + caption
    data = html.escape(json.dumps({**facts, "note": where, "still": row.frame is not None}))
    return (
        f'<figure data-card="{data}"><button type="button" class="view">{_picture(card)}</button>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _picture(card: Card) -> str:
    if card.jpeg is None:
        return '<span class="gone">no picture</span>'
    width, height = card.size
    name = html.escape(shown(f"{card.row.image.name}: {card.row.group}"))
    source = base64.b64encode(card.jpeg).decode()
    paths = "".join(f'<path class="{side}" d="{lines}"/>' for side, lines in card.bones)
    return (
        f'<span class="frame" style="--ratio:{width}/{height}">'
        f'<img src="data:image/jpeg;base64,{source}" alt="{name}" loading="lazy" decoding="async">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{paths}</svg></span>'
    )


def _bars(row: Result) -> str:
    (name, probability), *others = row.ranking
    others = [other for other in others if other[1] >= _WORTH]
    second = f"<i>{others[0][1]:.0%} {_shown(others[0][0])}</i>" if others else ""
    first = f" {_shown(name)}?" if row.activity == UNKNOWN else ""
    return (
        f'<span class="sure"><b>{probability:.0%}{first}</b>{second}</span>'
        f'<meter min="0" max="1" value="{probability:.4f}"></meter>'
    )


def _where(row: Result) -> str:
    """Returns which person or which moment a row is about, shown after the file's name."""
    person = "" if row.person is None else f", person {row.person + 1}"
    return person if row.seconds is None else f"{person}, {row.seconds:.1f} s"


def _link(row: Result, page: Path) -> str:
    """Returns where the image is, seen from the page; of a video, its moment."""
    try:
        path = os.path.relpath(row.image.absolute(), page.parent.absolute())
        address = quote(os.fsencode(Path(path).as_posix()))
    except ValueError:  # another drive
        address = row.image.absolute().as_uri()
    return address if row.seconds is None else f"{address}#t={row.seconds:.2f}"


def _shown(name: str) -> str:
    return html.escape(shown(name).replace("_", " "))
