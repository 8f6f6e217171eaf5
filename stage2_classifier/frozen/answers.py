"""What a linear head answers to pictures whose features are kept, as they are and without a part.

Each plane of a view goes through the backbone by itself, so a part that is blank, or another
picture's, is other columns of the same vectors: no picture is looked at again. These are the
answers of the graph that `compose` builds, to about 1e-5. Knows neither files nor graphs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pose_activity.cache.planes import FOUND, JOINTS
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier.frozen.head import LinearHead
from pose_activity.stage2_classifier.frozen.layout import POOLINGS, Layout
from pose_activity.stage2_classifier.scores.input_worth import Part, Piece


@dataclass(frozen=True, eq=False)
class FeatureAnswers:
    """The answers of one head to N pictures.

    Attributes:
        head: Takes the `columns` of a whole vector.
        temperature: By which its probabilities are calibrated.
        vectors: `(N, D)` float32, whole vectors.
        blank: `(D,)` float32, that of a picture which shows nothing; see `input_worth.blank`.
        layout: Of the vectors.
        columns: Indices of the numbers that the head takes.
    """

    head: LinearHead
    temperature: float
    vectors: np.ndarray
    blank: np.ndarray
    layout: Layout
    columns: np.ndarray

    def take(self, rows: np.ndarray) -> "FeatureAnswers":
        """Returns the answers to some of the pictures."""
        return replace(self, vectors=self.vectors[rows])

    def probabilities(self) -> np.ndarray:
        """Returns `(N, classes)` float32, calibrated."""
        return self._answer(self.vectors)

    def without(self, part: Part, partner: np.ndarray | None) -> np.ndarray:
        """Returns `(N,)` class ids without a part; see `probabilities_without`."""
        return self.probabilities_without(part, partner).argmax(1)

    def probabilities_without(self, part: Part, partner: np.ndarray | None) -> np.ndarray:
        """Returns the answers to the pictures without a part.

        Args:
            part: One of `input_worth.parts_of` the recipe.
            partner: `(N,)`, whose part each picture has instead; None: nothing.

        Returns:
            `(N, classes)` float32, calibrated.
        """
        vectors = self.vectors.copy()
        for piece in part.pieces:
            for columns in self._columns_of(piece):
                own = self.blank[columns] if partner is None else self.vectors[partner][:, columns]
                vectors[:, columns] = own
        return self._answer(vectors)

    def _answer(self, vectors: np.ndarray) -> np.ndarray:
        found = self.head.probabilities(vectors[:, self.columns])
        return calibrate.apply(found, self.temperature)

    def _columns_of(self, piece: Piece) -> Iterator[slice]:
        """Yields where a piece's numbers are in a whole vector."""
        features, whole = self.layout.features(len(self.blank)), len(self.blank)
        if piece.array == JOINTS:
            yield slice(whole - self.layout.joints, whole)
            return
        if piece.array == FOUND:
            yield slice(whole - self.layout.joints - 1, whole - self.layout.joints)
            return
        size = len(POOLINGS) * features
        for number, look in enumerate(self.layout.looks):
            if (look.view, look.first) == (piece.array, piece.start):
                yield slice(number * size, (number + 1) * size)
