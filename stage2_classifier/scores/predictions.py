"""A classifier's predictions on one split, as a value and as `predictions.parquet`.

One row per classified tensor: `image` (path), `person` (number in the picture, -1 where the whole
picture was classified), `label`, `answer`, `probability` (of the answer), `probabilities` (float32,
in the order of the classes), `group` (not in older files). Split and class names are in the file's
metadata.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pose_activity.artifacts import atomic

_ABOUT = b"answers"
_ROWS_AT_ONCE = 256  # of the parquet file: what a reader of thousands of classes has to hold


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a classifier predicted for N tensors.

    Attributes:
        split: "train", "val" or "test".
        classes: C activities in the order of the columns.
        images: N pictures; one comes several times where each person is classified.
        persons: `(N,)` int: which person of the picture, -1 for the whole picture.
        labels: `(N,)` int class ids: the truth.
        probabilities: `(N, C)` float32; a row sums to 1.
        groups: N names of scenes, people or videos that the pictures show: answers of one group
            depend on each other. None: a picture is a group of its own.
    """

    split: str
    classes: tuple[str, ...]
    images: tuple[Path, ...]
    persons: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        shapes = (self.persons.shape, self.labels.shape, self.probabilities.shape)
        n = len(self.images)
        if shapes != ((n,), (n,), (n, len(self.classes))):
            raise ValueError(
                f"Predictions need a person, a label and {len(self.classes)} probabilities for "
                f"each of {n} images. Received: {', '.join(map(str, shapes))}"
            )
        if self.groups is not None and len(self.groups) != n:
            raise ValueError(
                f"Predictions need a group for each of {n} images. Received: {len(self.groups)}"
            )

    @property
    def guesses(self) -> np.ndarray:
        """`(N,)` int: the most probable class; among equal ones the first."""
        return self.probabilities.argmax(1)

    @property
    def confidences(self) -> np.ndarray:
        """`(N,)` float32 in [0, 1]: the probability of the guess."""
        return self.probabilities.max(1)

    @property
    def clusters(self) -> np.ndarray:
        """`(N,)` int: the same number for answers that depend on each other."""
        names = self.groups or [image.as_posix() for image in self.images]
        # As objects, since numpy's own texts lose NULs at their ends.
        return np.unique(np.array(names, dtype=object), return_inverse=True)[1].ravel()

    @property
    def of_people(self) -> bool:
        """Whether single people were classified, not whole pictures."""
        return bool((self.persons >= 0).any())

    def confident_mistakes(self, limit: int) -> np.ndarray:
        """Returns the rows of the `limit` most confident mistakes, the most confident first."""
        wrong = np.flatnonzero(self.guesses != self.labels)
        return wrong[np.argsort(-self.confidences[wrong], kind="stable")][:limit]

    def unsure_hits(self, limit: int) -> np.ndarray:
        """Returns the rows of the `limit` least confident right answers, the least sure first."""
        right = np.flatnonzero(self.guesses == self.labels)
        return right[np.argsort(self.confidences[right], kind="stable")][:limit]

    def write(self, path: Path) -> None:
        """Writes `predictions.parquet`, whole or not at all."""
        names = np.array(self.classes, dtype=object)
        flat = pa.array(self.probabilities.astype(np.float32).ravel())
        columns = {
            "image": pa.array([image.as_posix() for image in self.images], pa.string()),
            "person": pa.array(self.persons, pa.int32()),
            "label": pa.array(names[self.labels], pa.string()),
            "answer": pa.array(names[self.guesses], pa.string()),
            "probability": pa.array(self.confidences, pa.float32()),
            **({} if self.groups is None else {"group": pa.array(self.groups, pa.string())}),
            "probabilities": pa.FixedSizeListArray.from_arrays(flat, len(self.classes)),
        }
        about = json.dumps({"split": self.split, "classes": self.classes}).encode()
        table = pa.table(columns).replace_schema_metadata({_ABOUT: about})
        with atomic.replacing(path) as temporary:
            pq.write_table(table, temporary, row_group_size=_ROWS_AT_ONCE, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> "Predictions":
        """Reads what `write` wrote.

        Raises:
            ValueError: the file is damaged, or is not such a file.
        """
        try:
            table = pq.ParquetFile(path).read()
            about = json.loads((table.schema.metadata or {})[_ABOUT])
            classes = tuple(about["classes"])
            ids = {name: i for i, name in enumerate(classes)}
            flat = table["probabilities"].combine_chunks().flatten().to_numpy()
            return cls(
                split=about["split"],
                classes=classes,
                images=tuple(map(Path, table["image"].to_pylist())),
                persons=table["person"].to_numpy(),
                labels=np.array([ids[name] for name in table["label"].to_pylist()], int),
                probabilities=flat.reshape(-1, len(classes)),
                groups=tuple(table["group"].to_pylist()) if "group" in table.schema.names else None,
            )
        except (pa.ArrowException, OSError, KeyError) as error:
            raise ValueError(
                f"{path} holds no predictions ({error!r}). Run the step report again."
            ) from None
