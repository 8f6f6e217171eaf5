"""Drawings of answers about the people in videos: annotated copies, and strips of frames.

A person's name is known when the whole video was seen, so it is read once more, frame by frame.
The copy has the same size; frames that `every` leaves out are not in it. In the gallery
each row is a strip: the person at some moments, from left to right; of pose files the skeleton.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations import videos
from pose_activity.annotations.faces import hide_faces
from pose_activity.annotations.images import ImageError
from pose_activity.inference import overlay
from pose_activity.inference.annotated_media import VideoWriter
from pose_activity.inference.clips.predictor import ClipPredictor, VideoResult
from pose_activity.inference.clips.track_files import tracks_name, write_tracks
from pose_activity.inference.drawing_folder import drawing_in
from pose_activity.inference.gallery import Card, Gallery, make_card
from pose_activity.inference.options import OutputOptions
from pose_activity.inference.results import Result
from pose_activity.stage1_pose.track import Track

MOMENTS = 4  # of a strip
_TILE = (120, 200)  # width and height of a moment, in pixels
_ROOM = 1.2  # times a person's largest box is in a tile
_GROUND = (24, 26, 30)  # where there are no pixels
_SEEN = 0.25  # joints of a lower confidence would only clutter a drawing
_BARE = Result(Path())  # of a person whom no row is about


class Drawings:
    """All that is drawn of a video or a pose file; see `inference.predictor.Drawings`."""

    def __init__(
        self, predictor: ClipPredictor, sources: Sequence[Path], options: OutputOptions
    ) -> None:
        """Checks what is asked for.

        Args:
            predictor: Whose answers are drawn.
            sources: What it is asked about.
            options: What is to be drawn, and where.

        Raises:
            OSError: the gallery cannot be written.
        """
        self._options = options
        self._threshold = max(_SEEN, predictor.recipe.min_confidence)
        self._gallery = Gallery(options.gallery, predictor.unit(options), link=options.link)
        self._held = ExitStack()

    def paint(self, answer: VideoResult) -> None:
        """Does nothing: all is drawn once the whole video was seen."""

    def add(self, answer: VideoResult) -> list[str]:
        """Draws a video; a damaged one as far as it can be read."""
        # Before the rows are written: what a table has is drawn, so a resumed run loses nothing.
        folder, tracks = self._options.draw, self._options.tracks
        failed = _write_tracks(answer, tracks) if tracks else None
        strips = Strips(answer if self._gallery.has_room else VideoResult(answer.source, []))
        undrawn = None
        if not videos.is_video(answer.source):
            strips.draw_bare()
        elif folder or strips.wanted:
            undrawn = self._draw(answer, strips, folder)
        self._gallery.add(answer.rows, strips.cards(self._threshold))
        return [message for message in (failed, undrawn) if message]

    def close(self) -> list[str]:
        """Does nothing: each video is whole already."""
        return []

    def __enter__(self) -> "Drawings":
        if self._options.draw:
            self._held.enter_context(drawing_in(self._options.draw))
        self._held.enter_context(self._gallery)
        return self

    def __exit__(self, *raised: object) -> None:
        self._held.__exit__(*raised)  # type: ignore[arg-type]

    def _draw(self, answer: VideoResult, strips: "Strips", folder: Path | None) -> str | None:
        """Reads a video once, for its copy and the strips; returns what could not be drawn."""
        said = {track.person: _about(track, answer.rows) for track in answer.tracks}
        every = self._options.every
        promised = len(range(0, videos.read_header(answer.source).frames, every))
        film: VideoWriter | None = None
        try:
            for done, (number, seconds, pixels) in enumerate(self._read(answer, strips), 1):
                if self._options.hide_faces:
                    pixels = _without_faces(pixels, answer.tracks, number)
                strips.take(number, pixels)
                if folder is None:
                    continue
                people = [(track, _by_now(said[track.person], number)) for track in answer.tracks]
                painted = overlay.paint_tracks(pixels, people, number, threshold=self._threshold)
                film = film or VideoWriter(
                    answer.source, folder, painted, every, video=self._options.video
                )
                film.add(painted, seconds)
                answer.tell(done, promised, f"drawing {answer.source.name}")
            if film:
                film.close()
        except OSError as error:
            return str(error)
        finally:
            if film:
                film.discard()
        return None

    def _read(
        self, answer: VideoResult, strips: "Strips"
    ) -> Iterator[tuple[int, float, np.ndarray]]:
        """Yields number, seconds and pixels of the frames that are drawn."""
        all_of_them, wanted = self._options.draw is not None, strips.wanted
        last = max(wanted, default=-1)
        for frame in videos.read_frames(
            answer.source,
            every=self._options.every,
            skip=lambda number: not all_of_them and number not in wanted,
        ):
            number = frame.number or 0
            if not all_of_them and number > last:
                return
            try:
                pixels = frame.load()
            except ImageError:  # its row reports it
                return
            yield number, frame.seconds or 0.0, pixels


@dataclass(eq=False)
class _Strip:
    """One row's moments, which fill from left to right.

    Attributes:
        row: Whose.
        track: The person.
        moments: Indices into the track.
        tiles: `(H, W, 3)` uint8, of the moments that were read.
    """

    row: Result
    track: Track
    moments: list[int]
    tiles: list[np.ndarray] = field(default_factory=list)

    def take(self, pixels: np.ndarray | None) -> None:
        """Cuts the next moment out of its frame."""
        matrix = self._to_tile(self.moments[len(self.tiles)])
        if pixels is None:
            self.tiles.append(np.full((*_TILE[::-1], 3), _GROUND, np.uint8))
            return
        tile = cv2.warpAffine(pixels, matrix, _TILE, flags=cv2.INTER_AREA, borderValue=_GROUND)
        self.tiles.append(np.asarray(tile))

    def card(self, threshold: float) -> Card:
        """Returns the card of the moments that were read."""
        if not self.tiles:
            return Card(self.row)
        people = []
        for place, moment in enumerate(self.moments[: len(self.tiles)]):
            joints, matrix = self.track.keypoints[moment].astype(float), self._to_tile(moment)
            joints[:, :2] = joints[:, :2] @ matrix[:, :2].T + matrix[:, 2]
            joints[:, 0] += place * _TILE[0]
            people.append(joints)
        pixels = np.hstack(self.tiles)
        return make_card(self.row, pixels, self.track.skeleton, people, threshold=threshold)

    def _to_tile(self, moment: int) -> np.ndarray:
        """Returns the `(2, 3)` matrix from a frame's pixels to a tile's, of one scale for all."""
        boxes = self.track.boxes[self.moments].astype(float)
        largest = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=0), 1)
        scale = float((np.array(_TILE) / (largest * _ROOM)).min())
        x1, y1, x2, y2 = self.track.boxes[moment].astype(float)
        shift = np.array(_TILE) / 2 - scale * np.array([(x1 + x2) / 2, (y1 + y2) / 2])
        return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


class Strips:
    """One strip per row of an answer that is about a person.

    Attributes:
        wanted: Numbers of the frames that they show.
    """

    def __init__(self, answer: VideoResult) -> None:
        tracks = {track.person: track for track in answer.tracks}
        self._strips = [_strip(row, tracks) for row in answer.rows]
        self._of_frame: dict[int, list[_Strip]] = defaultdict(list)
        for strip in filter(None, self._strips):
            for moment in strip.moments:
                self._of_frame[int(strip.track.frames[moment])].append(strip)
        self._rows = answer.rows
        self.wanted = frozenset(self._of_frame)

    def take(self, number: int, pixels: np.ndarray) -> None:
        """Takes the next frame of the video."""
        for strip in self._of_frame.get(number, ()):
            strip.take(pixels)

    def draw_bare(self) -> None:
        """Takes empty frames, where there are no pixels."""
        for strips in self._of_frame.values():
            for strip in strips:
                strip.take(None)

    def cards(self, threshold: float) -> list[Card]:
        """Returns a card per row; joints of a confidence below `threshold` are left out."""
        return [
            Card(row) if strip is None else strip.card(threshold)
            for row, strip in zip(self._rows, self._strips, strict=True)
        ]


def _strip(row: Result, tracks: Mapping[int, Track]) -> _Strip | None:
    if row.person is None or row.frame is None or row.person not in tracks:
        return None
    track = tracks[row.person]
    last = row.frame if row.last_frame is None else row.last_frame
    begin, end = np.searchsorted(track.frames, [row.frame, last + 1])
    if begin == end:
        return None
    moments = np.unique(np.linspace(begin, end - 1, MOMENTS).round().astype(int))
    return _Strip(row, track, moments.tolist())


def _write_tracks(answer: VideoResult, folder: Path) -> str | None:
    """Writes who was followed through a video; returns why it could not, or None."""
    if answer.watched is None:
        return None
    try:
        path = folder / tracks_name(answer.source)
        write_tracks(path, answer.watched, name=answer.rows[0].image.name)
    except OSError as error:
        return str(error)
    return None


def _without_faces(pixels: np.ndarray, tracks: Sequence[Track], number: int) -> np.ndarray:
    """Returns a frame without the faces of those who are followed in it."""
    for track in tracks:
        at = int(np.searchsorted(track.frames, number))
        if at < len(track.frames) and track.frames[at] == number:
            person = slice(at, at + 1)
            pixels = hide_faces(
                pixels, track.skeleton, track.keypoints[person], track.boxes[person]
            )
    return pixels


def _about(track: Track, rows: Sequence[Result]) -> list[Result]:
    """Returns the rows about a person, in time."""
    return [row for row in rows if row.person == track.person] or [_BARE]


def _by_now(rows: Sequence[Result], frame: int) -> Result:
    """Returns the last of some rows that begins at or before a frame, else the first."""
    begun = bisect_right(rows, frame, key=lambda row: row.frame or 0)
    return rows[max(0, begun - 1)]
