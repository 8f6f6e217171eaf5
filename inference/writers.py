"""Rows into files: a CSV whose lines are whole, and pictures with the answer drawn on them."""

import csv
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from annotations.draw import draw_poses
from annotations.images import load_rgb, write_image
from artifacts import atomic
from cache.store import key_of
from inference.pipeline import Row

_LONGEST_JPEG = 65_500  # pixels a side
COLUMNS = ("image", "status", "activity", "probability", "top3", "n_people", "error")


class CsvWriter:
    """Writes rows to a CSV file beside its final name; it appears there when all are written."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            IsADirectoryError: `path` is a folder.
        """
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder. Name a file, like {path / 'a.csv'}")
        self._replacing = atomic.replacing(path)
        self._file = self._replacing.__enter__().open(
            "w", newline="", encoding="utf-8", errors="surrogateescape"
        )
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)

    def write(self, row: Row) -> None:
        """Appends one row."""
        self._writer.writerow(as_columns(row))

    def __enter__(self) -> "CsvWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._replacing.__exit__(kind, error, trace)


def as_columns(row: Row) -> list[str]:
    """Returns a row's values in the order of `COLUMNS`; top3 is `name:p|name:p|name:p`."""
    if row.error is not None:
        return [str(row.image), "error", "", "", "", "", row.error]
    activity, probability = row.ranking[0]
    top = "|".join(f"{name}:{p:.4f}" for name, p in row.ranking)
    people = "" if row.poses is None else str(len(row.poses.boxes))
    return [str(row.image), "ok", activity, f"{probability:.4f}", top, people, ""]


def draw(row: Row, folder: Path, *, threshold: float) -> Path:
    """Writes the picture of a row with its skeletons and its answer.

    Args:
        row: One without an error.
        folder: For the JPEG file.
        threshold: Joints with a lower confidence are left out.

    Returns:
        The file's path.

    Raises:
        ValueError: the picture is too large for a JPEG.
    """
    activity, probability = row.ranking[0]
    image = load_rgb(row.image)
    if row.poses is not None:
        image = draw_poses(
            image, row.poses.skeleton, row.poses.keypoints, row.poses.boxes, threshold=threshold
        )
    image = _with_caption(image, f"{activity} {probability:.0%}")
    path = folder / f"{key_of(row.image)}.jpg"
    if max(image.shape) > _LONGEST_JPEG:
        raise ValueError(f"{row.image}: {image.shape[1]}x{image.shape[0]} is too large for a JPEG")
    write_image(path, image)
    return path


def _with_caption(image: np.ndarray, text: str) -> np.ndarray:
    """Returns the picture with a dark bar below that holds the text."""
    width = max(image.shape[1], 1)
    height = max(24, width // 16)
    bar = np.full((height, width, 3), 32, np.uint8)
    scale = height / 40
    ascii_text = text.encode("ascii", "replace").decode()
    cv2.putText(
        bar,
        ascii_text,
        (int(8 * scale), int(height * 0.7)),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (255, 255, 255),
        max(1, round(2 * scale)),
        cv2.LINE_AA,
    )
    return np.vstack([image, bar])
