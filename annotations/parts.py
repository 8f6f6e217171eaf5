"""Body parts as data: names, colours, sides, neighbours, and the merges of a tree of 15.

This is the only file that writes the number of a part. A `PartScheme` is a list of classes; each
class names the parts of the tree that its pixels may show. So data labelled at different levels
train one network: the probability of a class is the sum over its parts, and every prediction can
be merged into a coarser scheme. Class numbers are uint8; `IGNORE` marks a pixel nobody knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Colour = tuple[int, int, int]  # RGB
IGNORE = 255  # the class number of a pixel that is not labelled
UNKNOWN = 254  # of a raw mask: a colour that is not in its table, or a number that is no class
BACKGROUND = "background"

# Part -> its colour in 3DPeople's masks, in the order of its published class numbers. Its two
# published sources swap the colours of the left thigh and lower leg: see `read_colour_table`.
_COLOURS: dict[str, Colour] = {
    BACKGROUND: (153, 153, 153),
    "head": (128, 64, 0),
    "right_upper_arm": (128, 0, 128),
    "right_forearm": (128, 128, 255),
    "right_hand": (255, 128, 128),
    "left_upper_arm": (0, 0, 255),
    "left_forearm": (128, 128, 0),
    "left_hand": (0, 128, 0),
    "torso": (128, 0, 0),
    "right_thigh": (128, 255, 128),
    "right_lower_leg": (255, 255, 128),
    "right_foot": (255, 0, 255),
    "left_thigh": (0, 128, 128),
    "left_lower_leg": (0, 0, 128),
    "left_foot": (255, 128, 0),
}
TREE = tuple(_COLOURS)  # a part's position here is its number everywhere
_LIMBS = ("upper_arm", "forearm", "hand", "thigh", "lower_leg", "foot")
_OTHER_SIDE = {
    f"{side}_{limb}": f"{other}_{limb}"
    for side, other in (("left", "right"), ("right", "left"))
    for limb in _LIMBS
}
NEIGHBOURS = (
    ("head", "torso"),
    *(
        pair
        for side in ("right", "left")
        for pair in (
            ("torso", f"{side}_upper_arm"),
            (f"{side}_upper_arm", f"{side}_forearm"),
            (f"{side}_forearm", f"{side}_hand"),
            ("torso", f"{side}_thigh"),
            (f"{side}_thigh", f"{side}_lower_leg"),
            (f"{side}_lower_leg", f"{side}_foot"),
        )
    ),
)


@dataclass(frozen=True)
class PartScheme:
    """An ordered list of classes; class 0 is the background.

    Attributes:
        name: Key in `SCHEMES`, or that of a data set's own list.
        names: C names of classes; a class's position here is its number in every mask.
        members: C tuples of parts of `TREE`: what a pixel of the class may show.
    """

    name: str
    names: tuple[str, ...]
    members: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        unknown = sorted({part for parts in self.members for part in parts} - {*TREE})
        if unknown or not all(self.members):
            raise ValueError(
                f"Parts {self.name!r}: each class must hold parts of {TREE}. "
                f"Unknown: {unknown}; received: {self.members}"
            )
        if len(set(self.names)) != len(self.names) or len(self.names) != len(self.members):
            raise ValueError(
                f"Parts {self.name!r}: classes must have names, none twice, and parts each. "
                f"Received: {self.names} and {len(self.members)} lists of parts"
            )
        if not self.names or self.members[0] != (BACKGROUND,) or len(self.names) > UNKNOWN:
            raise ValueError(
                f"Parts {self.name!r}: class 0 must be the background alone, and there may be "
                f"{UNKNOWN} classes. Received: {len(self.names)}: {self.names[:1]}"
            )

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Returns the number of a class; raises ValueError when the scheme has none so named."""
        if name not in self.names:
            raise ValueError(f"Parts {self.name!r} have no {name!r}. They have: {self.names}")
        return self.names.index(name)

    @cached_property
    def matrix(self) -> np.ndarray:
        """`(C, 15)` float32 of 0 and 1: which parts of the tree each class holds."""
        return np.array(
            [[part in parts for part in TREE] for parts in self.members], dtype=np.float32
        )

    @property
    def colours(self) -> tuple[Colour, ...]:
        """An RGB colour per class: that of the first of its parts."""
        return tuple(_COLOURS[parts[0]] for parts in self.members)

    @cached_property
    def flip_index(self) -> tuple[int, ...]:
        """For each class, the one that takes its place in a mirrored image (an involution)."""
        sets = [frozenset(parts) for parts in self.members]
        mirrored = [frozenset(_OTHER_SIDE.get(part, part) for part in parts) for parts in sets]
        return tuple(
            index if parts == sets[index] or parts not in sets else sets.index(parts)
            for index, parts in enumerate(mirrored)
        )

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Left and right names of classes that change places in a mirrored image."""
        return tuple(
            (self.names[other], name)
            for index, name in enumerate(self.names)
            if (other := self.flip_index[index]) > index
        )

    def as_json(self) -> str | dict[str, Any]:
        """Returns the name of one of `SCHEMES`, or all of another one; see `from_json`."""
        if SCHEMES.get(self.name) == self:
            return self.name
        members = [list(parts) for parts in self.members]
        return {"name": self.name, "names": list(self.names), "members": members}

    @staticmethod
    def from_json(value: Any) -> "PartScheme":
        """Returns the scheme that `as_json` described.

        Raises:
            ValueError: no such name, or no such description.
        """
        if isinstance(value, str) and value in SCHEMES:
            return SCHEMES[value]
        if not isinstance(value, Mapping) or not {"name", "names", "members"} <= value.keys():
            raise ValueError(
                f"A list of parts is one of {list(SCHEMES)} or has a name, names and members. "
                f"Received: {value!r}"
            )
        members = tuple(tuple(parts) for parts in value["members"])
        return PartScheme(value["name"], tuple(value["names"]), members)


def _scheme(name: str, **classes: Sequence[str]) -> PartScheme:
    members = {BACKGROUND: (BACKGROUND,), **classes}
    return PartScheme(name, tuple(members), tuple(tuple(parts) for parts in members.values()))


def _both(*limbs: str) -> tuple[str, ...]:
    return tuple(f"{side}_{limb}" for limb in limbs for side in ("right", "left"))


def _all_of(side: str, *limbs: str) -> tuple[str, ...]:
    return tuple(f"{side}_{limb}" for limb in limbs)


_HEAD, _TORSO = ("head",), ("torso",)
_ARM, _LEG = _LIMBS[:3], _LIMBS[3:]

PARTS15 = PartScheme("parts15", TREE, tuple((part,) for part in TREE))
# The sides merged, in the order of 3DPeople's numbers.
PARTS9 = _scheme(
    "parts9",
    head=_HEAD,
    upper_arm=_both("upper_arm"),
    forearm=_both("forearm"),
    hand=_both("hand"),
    torso=_TORSO,
    thigh=_both("thigh"),
    lower_leg=_both("lower_leg"),
    foot=_both("foot"),
)
# And hands and feet, too.
PARTS7 = _scheme(
    "parts7",
    head=_HEAD,
    upper_arm=_both("upper_arm"),
    lower_arm=_both("forearm", "hand"),
    torso=_TORSO,
    upper_leg=_both("thigh"),
    lower_leg=_both("lower_leg", "foot"),
)
# The same classes in PASCAL-Person-Part's order (Chen et al. 2016); the classifier's planes are
# these without the background.
PASCAL7 = _scheme(
    "pascal7",
    head=_HEAD,
    torso=_TORSO,
    upper_arm=_both("upper_arm"),
    lower_arm=_both("forearm", "hand"),
    upper_leg=_both("thigh"),
    lower_leg=_both("lower_leg", "foot"),
)
# Look Into Person (Gong et al. 2017), README: what people wear. Clothes hide limbs, so its classes
# overlap: it can be learned from, and nothing can be merged into it.
LIP20 = _scheme(
    "lip20",
    hat=_HEAD,
    hair=_HEAD,
    glove=_both("hand"),
    sunglasses=_HEAD,
    upper_clothes=(*_TORSO, *_both("upper_arm", "forearm")),
    dress=(*_TORSO, *_both("upper_arm", "forearm", "thigh", "lower_leg")),
    coat=(*_TORSO, *_both("upper_arm", "forearm", "thigh")),
    socks=_both("lower_leg", "foot"),
    pants=(*_TORSO, *_both("thigh", "lower_leg")),
    jumpsuits=(*_TORSO, *_both("upper_arm", "forearm", "thigh", "lower_leg")),
    scarf=(*_HEAD, *_TORSO),
    skirt=(*_TORSO, *_both("thigh", "lower_leg")),
    face=_HEAD,
    left_arm=_all_of("left", *_ARM),
    right_arm=_all_of("right", *_ARM),
    left_leg=_all_of("left", "thigh", "lower_leg"),
    right_leg=_all_of("right", "thigh", "lower_leg"),
    left_shoe=("left_foot",),
    right_shoe=("right_foot",),
)
# What LIP's scores are often grouped into, and the silhouette.
LIP_GROUPS = _scheme(
    "lip_groups", head=_HEAD, upper_body=(*_TORSO, *_both(*_ARM)), lower_body=_both(*_LEG)
)
PERSON = _scheme("person", person=TREE[1:])

SCHEMES = {
    scheme.name: scheme for scheme in (PARTS15, PARTS9, PARTS7, PASCAL7, LIP20, LIP_GROUPS, PERSON)
}


def merge_table(source: PartScheme, target: PartScheme) -> np.ndarray:
    """Returns `(C,)` uint8: for each class of `source`, the class of `target` that holds it.

    Raises:
        ValueError: a class of `source` is in none of `target`'s, or in several.
    """
    inside = [[set(parts) <= set(group) for group in target.members] for parts in source.members]
    lost = [name for name, row in zip(source.names, inside, strict=True) if sum(row) != 1]
    if lost:
        raise ValueError(
            f"Parts {source.name!r} cannot be merged into {target.name!r}: each class must be "
            f"within one class there. Not so: {', '.join(lost)}"
        )
    return np.argmax(inside, axis=1).astype(np.uint8)


def merge(ids: np.ndarray, source: PartScheme, target: PartScheme) -> np.ndarray:
    """Merges class numbers.

    Args:
        ids: uint8 of any shape: classes of `source`, or `IGNORE`, which stays.
        source: The finer scheme.
        target: The coarser one, or the same classes in another order.

    Raises:
        ValueError: as `merge_table`, or another number.
    """
    table = np.full(256, IGNORE, np.uint8)
    table[: len(source)] = merge_table(source, target)
    check_ids("merge", ids, source)
    return table[ids]


def merge_probabilities(
    probabilities: np.ndarray, source: PartScheme, target: PartScheme
) -> np.ndarray:
    """Sums the probabilities of the classes that become one.

    Args:
        probabilities: `(..., C)` float, of the classes of `source`.
        source: The finer scheme.
        target: The coarser one; of the tree itself it may be any, also one that overlaps.

    Returns:
        `(..., classes of target)` of the same dtype.

    Raises:
        ValueError: as `merge_table`.
    """
    if source == PARTS15:
        matrix = target.matrix
    else:
        matrix = np.eye(len(target), dtype=np.float32)[merge_table(source, target)].T
    return probabilities @ matrix.T.astype(probabilities.dtype)


def swap_sides(ids: np.ndarray, scheme: PartScheme) -> np.ndarray:
    """Exchanges the numbers of left and right classes: of a mask whose image was mirrored.

    Args:
        ids: uint8 of any shape, not yet or already mirrored; `IGNORE` stays.
        scheme: Names the classes.
    """
    table = np.arange(256, dtype=np.uint8)
    table[: len(scheme)] = scheme.flip_index
    return table[ids]


def hop_distances(scheme: PartScheme) -> np.ndarray:
    """Counts the steps from class to class over `NEIGHBOURS` (the graph of a body).

    Classes are neighbours where parts of theirs are. The background is on no path.

    Returns:
        `(C, C)` int64, symmetric, 0 on the diagonal and in the background's row and column.
    """
    tree = np.zeros((len(TREE), len(TREE)), bool)
    for a, b in NEIGHBOURS:
        tree[[TREE.index(a), TREE.index(b)], [TREE.index(b), TREE.index(a)]] = True
    held = scheme.matrix > 0
    step = held @ tree @ held.T
    hops = np.zeros(step.shape, int)
    reached = np.eye(len(scheme), dtype=bool)
    for distance in range(1, len(scheme)):
        further = (reached @ step) & ~reached
        hops[further] = distance
        reached |= further
    return hops


def check_ids(where: Any, ids: np.ndarray, scheme: PartScheme) -> None:
    """Refuses numbers that are no class; `where` begins the message.

    Raises:
        ValueError: not uint8, or neither a class of `scheme` nor `IGNORE`.
    """
    if ids.dtype != np.uint8:
        raise ValueError(f"{where}: class numbers must be uint8. Received: {ids.dtype}")
    strange = np.unique(ids[(ids >= len(scheme)) & (ids != IGNORE)]) if ids.size else ids
    if strange.size:
        raise ValueError(
            f"{where}: class numbers must be below {len(scheme)} ({scheme.name}), or {IGNORE} "
            f"where nothing is known. Received: {strange[:8].tolist()}"
        )
