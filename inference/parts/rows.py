"""What a model of body parts says of one image, or of one person in it: rows of a table.

A row has the share of the picture that the body covers, and of that body the share of each part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pose_activity.annotations.parts import IGNORE, PartScheme
from pose_activity.annotations.types import Poses
from pose_activity.artifacts.names import shown
from pose_activity.inference.parts.people import NOBODY, owners
from pose_activity.inference.results import Columns, shortest

_BEFORE = ("image", "status", "person", "box", "body", "confidence")
_AFTER = ("error", "frame", "seconds")
_SHARE = "share_"  # before the name of a part
_WORTH_A_ROW = 0.001  # of the picture: pixels that are nobody's


@dataclass(frozen=True, eq=False)
class PartsResult:
    """The parts of one image, or of one person in it; a row as in `results.Row`.

    Attributes:
        image: The image or video.
        scheme: Names the classes.
        mask: `(H, W)` uint8 class numbers of the whole image, which all of its rows share; None on
            error.
        poses: Who was found in the image; None where the model has no stage 1.
        person: Whom the row is about, an index into `poses`; None: the whole image, or what of it
            belongs to nobody who was found.
        body: Share of the image's pixels that are the body's, in [0, 1].
        shares: By class, the share of the body's pixels, `(classes,)` float32 with 0 for the
            background; they sum to 1, or to 0 without a body.
        confidence: Mean probability of the answers on these pixels; None without a body.
        error: Why there is no answer; None if there is one.
        frame: Number of the frame in a video, from 0; None for an image.
        seconds: From the video's beginning; None for an image.
    """

    image: Path
    scheme: PartScheme
    mask: np.ndarray | None = None
    poses: Poses | None = None
    person: int | None = None
    body: float = 0.0
    shares: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    confidence: float | None = None
    error: str | None = None
    frame: int | None = None
    seconds: float | None = None

    @property
    def status(self) -> Literal["ok", "nobody", "error"]:
        """Whether there is a body: "ok", "nobody" or "error"."""
        if self.error is not None:
            return "error"
        return "ok" if self.body > 0 else "nobody"

    @property
    def group(self) -> str:
        """What it is counted under."""
        return {"ok": "a body"}.get(self.status, self.status)

    @property
    def box(self) -> np.ndarray | None:
        """`(4,)` xyxy pixels of the person's box; None where the row is about no single person."""
        if self.poses is None or self.person is None:
            return None
        return self.poses.boxes[self.person]

    def as_columns(self) -> dict[str, str]:
        """Returns its values for a CSV file; what there is not is empty."""
        answered, box = self.error is None, self.box
        shares = {
            _SHARE + name: f"{share:.4f}" if answered else ""
            for name, share in zip(self.scheme.names, self._filled(), strict=True)
        }
        del shares[_SHARE + self.scheme.names[0]]
        return {
            "image": shown(self.image),
            "status": self.status,
            "person": "" if self.person is None else str(self.person),
            "box": "" if box is None else " ".join(f"{value:.1f}" for value in box),
            "body": f"{self.body:.4f}" if answered else "",
            "confidence": "" if self.confidence is None else f"{self.confidence:.4f}",
            **shares,
            "error": shown(self.error or ""),
            "frame": "" if self.frame is None else str(self.frame),
            "seconds": "" if self.seconds is None else f"{self.seconds:.3f}",
        }

    def as_record(self) -> dict[str, Any]:
        """Returns JSON values, with the same keys for every row; `shares` by the part's name."""
        values = shortest(self._filled())
        shares = dict(zip(self.scheme.names[1:], values[1:], strict=True))
        answered = self.error is None
        return {
            "image": shown(self.image),
            "frame": self.frame,
            "seconds": None if self.seconds is None else round(self.seconds, 6),
            "status": self.status,
            "person": self.person,
            "box": None if self.box is None else shortest(self.box),
            "body": round(self.body, 6) if answered else None,
            "confidence": None if self.confidence is None else round(self.confidence, 6),
            "shares": shares if answered else None,
            "error": self.error,
        }

    def _filled(self) -> np.ndarray:
        return self.shares if len(self.shares) else np.zeros(len(self.scheme), np.float32)


def columns_of_parts(scheme: PartScheme) -> Columns:
    """Returns the columns of `PartsResult`s."""
    shares = dict.fromkeys(scheme.names[1:], "float32")
    fields = {
        "image": "string",
        "frame": "int64",
        "seconds": "float64",
        "status": "string",
        "person": "int32",
        "box": ["float32"],
        "body": "float32",
        "confidence": "float32",
        "shares": shares,
        "error": "string",
    }
    return Columns((*_BEFORE, *(_SHARE + name for name in shares), *_AFTER), fields)


def rows_of(
    image: Path,
    mask: np.ndarray,
    confidence: np.ndarray,
    scheme: PartScheme,
    poses: Poses | None = None,
    **place: Any,
) -> list[PartsResult]:
    """Measures a mask: a row per person where stage 1 found people, else one for the image.

    Body pixels outside of everybody's box are a row without a person, if they are worth one.

    Args:
        image: Where it is from.
        mask: `(H, W)` uint8 class numbers.
        confidence: `(H, W)` float32, the probability of each pixel's class.
        scheme: Names the classes.
        poses: Who was found in the image, in its pixels; None: nobody was looked for.
        **place: `frame` and `seconds`.
    """
    body = (mask > 0) & (mask != IGNORE)
    whose: Sequence[tuple[int | None, np.ndarray]] = [(None, body)]
    if poses is not None and len(poses.boxes):
        owner = owners(body, poses)
        whose = [(person, owner == person) for person in range(len(poses.boxes))]
        rest = body & (owner == NOBODY)
        whose += [(None, rest)] if rest.mean() >= _WORTH_A_ROW else []
    rows = []
    for person, pixels in whose:
        count = int(pixels.sum())
        counts = np.bincount(mask[pixels], minlength=len(scheme))[: len(scheme)]
        rows.append(
            PartsResult(
                image,
                scheme,
                mask,
                poses,
                person,
                body=count / mask.size,
                shares=(counts / max(1, count)).astype(np.float32),
                confidence=float(confidence[pixels].mean()) if count else None,
                **place,
            )
        )
    return rows
