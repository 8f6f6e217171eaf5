"""Fields of a frozen value are checked at birth, all of them at once."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from pose_activity.artifacts.ranges import Above0, Checked, Fraction, OutOfRange, Positive, Range


@dataclass(frozen=True)
class Options(Checked):
    share: Fraction = 0.5
    rate: Above0 | None = None
    angle: Annotated[float, Range(0, 90, "[)")] = 0.0
    rounds: tuple[Positive, ...] = (1, 2)
    names: tuple[Literal["a", "b"], ...] = ("a",)
    way: Literal["up", "down"] = "up"
    text: str = ""


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"share": 1.5}, r"^share must lie in \[0, 1\]. Received: 1.5$"),
        ({"share": float("nan")}, "share must lie in .* Received: nan"),
        ({"rate": 0.0}, "^rate must be above 0. Received: 0.0$"),
        ({"rate": float("inf")}, "rate must be above 0. Received: inf"),
        ({"angle": 90.0}, r"^angle must lie in \[0, 90\). Received: 90.0$"),
        ({"rounds": (3, 0)}, r"^rounds must be at least 1. Received: \(3, 0\)$"),
        ({"names": ("a", "c")}, r"^names must be one of \['a', 'b'\]. Received: \('a', 'c'\)$"),
        ({"way": "left"}, r"^way must be one of \['up', 'down'\]. Received: 'left'$"),
        ({"way": None, "share": -1.0}, r"^share must .* -1.0; way must .* Received: None$"),
    ],
)
def test_what_is_refused(wrong: dict, message: str) -> None:
    with pytest.raises(OutOfRange, match=message) as caught:
        Options(**wrong)
    assert {*caught.value.wrong} == {*wrong}


def test_what_is_taken() -> None:
    Options(0.0, 1e-9, 89.9, (1,), ("a", "b"), "down", "anything")
    Options(1.0, None, rounds=(), names=())
    assert Options().arguments("share", "rounds", "names") == {
        "rate": None,
        "angle": 0.0,
        "way": "up",
        "text": "",
    }
