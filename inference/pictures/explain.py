"""Where the classifier looked: one picture of an answer's class activation maps and pose planes.

In comes an answer with its pixels, out comes `(H, W, 3)` uint8 RGB: the picture with the parts that
spoke for the answer in warm colours, the heatmap plane beside it, the same of the person's view
where there is one, and the most probable activities.
Source of the map: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.drawing import draw_text, gallery
from pose_activity.annotations.images import write_drawing
from pose_activity.annotations.videos import is_video
from pose_activity.cache.planes import CHANNELS, FOUND, PERSON, Recipe, View, picture_of
from pose_activity.cache.record import Arrays, X, by_name, stack
from pose_activity.inference.annotated_media import drawing_name
from pose_activity.inference.options import OptionError
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import UNKNOWN, FrameResult, Result

SUFFIX = ".explained.png"
_HEIGHT = 420  # pixels of a tile
_FAINT = 0.6  # of the brightness stays where the map is 0
_STRONGEST = 0.4  # share of the map's colour in the picture, where it is highest
_BAR, _EMPTY = (91, 155, 224), (48, 52, 60)


class Explanations:
    """Explains answers: `paint` beside the graphs, in any thread.

    Files are called `IMAGE.explained.png`, with the person's number in between where there are
    several.
    """

    def __init__(
        self,
        pipeline: PicturePredictor,
        sources: Sequence[Path],
        folder: Path | None,
        *,
        wanted: bool,
    ) -> None:
        """Looks whether there is something to explain with.

        Args:
            pipeline: Whose answers are explained.
            sources: What it is asked about.
            folder: For the files; None: beside the one picture.
            wanted: False explains nothing.

        Raises:
            OptionError: no folder for more than one picture.
            ValueError: the classifier's graph is of a version without maps.
        """
        lonely = len(sources) == 1 and not is_video(sources[0])
        if wanted and folder is None and not lonely:
            raise OptionError(
                "explain",
                "explanations are written beside one picture; for more, or for a video, name a "
                f"folder to draw into. Received: {len(sources)} sources",
            )
        if wanted and not pipeline.classifier.has_maps:
            raise ValueError(
                f"{pipeline.classifier.graph.path} has no output for explanations: an older "
                "version made it. Delete stage2/manifest.json of its run and run the stage2 step "
                "again: it exports again, without training."
            )
        self._pipeline, self._folder, self._wanted = pipeline, folder, wanted

    def paint(self, answer: FrameResult) -> str | None:
        """Writes the explanations of one frame; returns why it could not, or None."""
        if not self._wanted:
            return None
        try:
            _write(explain(self._pipeline, answer), answer, self._folder)
        except OSError as error:
            return f"{answer.frame.source}: {error}"
        return None


def explain(pipeline: PicturePredictor, answer: FrameResult) -> list[np.ndarray]:
    """Explains the rows of one answer.

    Args:
        pipeline: That gave it.
        answer: With pixels, in a frame that could be read.

    Returns:
        One picture per row; none for a frame without anybody to name.

    Raises:
        ValueError: the classifier's graph is of a version without maps.
    """
    pixels = answer.pixels
    if pixels is None:
        return []
    pictures = []
    for row in answer.rows:
        if row.ranking:
            arrays = pipeline.arrays_of(pixels, row.poses, row.person)
            _, maps = pipeline.classifier.explain(stack([arrays]))
            heat = {name: own[0] for name, own in by_name(maps).items()}
            pictures.append(draw_explanation(arrays, heat, row, pipeline.recipe))
    return pictures


def _write(pictures: Sequence[np.ndarray], answer: FrameResult, folder: Path | None) -> None:
    image = answer.frame.source
    stem = image.name if folder is None else drawing_name(image)
    frame = "" if answer.frame.number is None else f".{answer.frame.number:06d}"
    for number, picture in enumerate(pictures, 1):
        which = f".{number}" if len(pictures) > 1 else ""
        write_drawing((folder or image.parent) / f"{stem}{frame}{which}{SUFFIX}", picture)


def draw_explanation(arrays: Arrays, heat: Arrays, row: Result, recipe: Recipe) -> np.ndarray:
    """Draws one explanation.

    Args:
        arrays: What the classifier saw, by the names of the recipe.
        heat: View -> `(h, w)` float32, its class activation map over all of the view's planes.
            Where there are two, colours tell what each has spoken: the strongest is that of both.
        row: The answer.
        recipe: Of the arrays.
    """
    tiles, titles = [], []
    size, strongest = _tile_size(row, recipe), max(float(own.max()) for own in heat.values())
    for name, view in recipe.views.items():
        own_size = (_HEIGHT, _HEIGHT) if name == PERSON else size
        for plane, pixels in split_planes(arrays[name], view).items():
            pixels = cv2.resize(pixels, own_size, interpolation=cv2.INTER_CUBIC)
            if plane == "rgb" or "rgb" not in view.planes:
                tiles.append(overlay(pixels, heat[name], strongest=strongest))
                titles.append("what spoke for it" + _of(name, arrays))
            if plane != "rgb":
                tiles.append(pixels)
                titles.append(plane + _of(name, arrays))
    tiles.append(_bars(row, size))
    titles.append("most probable")
    name, probability = row.ranking[0]
    which = f"{UNKNOWN}, perhaps {name}" if row.activity == UNKNOWN else name
    heading = f"{row.image.name}: {which} {probability:.0%}"
    return gallery(tiles, titles, columns=len(tiles), tile_size=size, heading=heading)


def _of(view: str, arrays: Arrays) -> str:
    """Returns what a title says of the view, where there are two."""
    if view == PERSON and not arrays[FOUND].any():
        return ", nobody found: the picture"
    return "" if view == X else f", {view}"


def overlay(picture: np.ndarray, heat: np.ndarray, *, strongest: float) -> np.ndarray:
    """Lays what is above 0 in a map over a picture.

    Args:
        picture: `(H, W, 3)` uint8 RGB.
        heat: `(h, w)` float32.
        strongest: What has the full colour.

    Returns:
        A new picture.
    """
    strength = np.maximum(heat, 0) / max(strongest, 1e-12)
    strength = cv2.resize(strength, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap(np.rint(255 * strength).astype(np.uint8), cv2.COLORMAP_INFERNO)
    share = _STRONGEST * strength[..., None]
    # The rest is dark and grey, so that warm colours of the picture do not mislead.
    faint = _FAINT * picture.mean(axis=2, keepdims=True)
    ground = faint + (picture - faint) * strength[..., None]
    mixed = ground * (1 - share) + cv2.cvtColor(colours, cv2.COLOR_BGR2RGB) * share
    return np.rint(mixed).astype(np.uint8)


def split_planes(planes: np.ndarray, view: View) -> dict[str, np.ndarray]:
    """Returns the planes by name, `(H, W, 3)` each."""
    found, start = {}, 0
    for name in view.planes:
        plane = planes[..., start : start + CHANNELS[name]]
        found[name] = np.rint(picture_of(name, plane)).astype(np.uint8)
        start += CHANNELS[name]
    return found


def _tile_size(row: Result, recipe: Recipe) -> tuple[int, int]:
    """Returns (width, height) of a tile: the picture's proportions if it was stretched."""
    width, height = recipe.width, recipe.height
    if recipe.resize == "stretch" and row.poses is not None:
        x1, y1, x2, y2 = (0, 0, *row.poses.size) if row.box is None else row.box
        width, height = x2 - x1, y2 - y1
    ratio = min(max(width / max(height, 1), 0.5), 2.0)
    return round(_HEIGHT * ratio), _HEIGHT


def _bars(row: Result, size: tuple[int, int]) -> np.ndarray:
    """Returns a tile with a bar for each activity of the ranking."""
    width, height = size
    canvas = np.full((height, width, 3), (24, 26, 30), np.uint8)
    line, left = height // 14, width // 16
    room = width - 2 * left
    for number, (name, probability) in enumerate(row.ranking):
        y = height // 8 + number * 4 * line
        text = f"{probability:.0%} {name.replace('_', ' ')}"
        draw_text(canvas, text, (left, y), line + line // 4, room)
        top, bottom = y + 3 * line // 2, y + 2 * line
        canvas[top:bottom, left : left + room] = _EMPTY
        canvas[top:bottom, left : left + round(room * probability)] = _BAR
    return canvas
