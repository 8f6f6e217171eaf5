"""What the fields of a frozen value may be: written once, in their types, and checked at birth.

    confidence: Annotated[float, Range(0, 1)] = 0.25
    style: Literal["skeleton", "gaussian"] = "skeleton"

Numbers are compared with their `Range`, choices with their `Literal`; other types are left alone.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; `ends` as in mathematics: "[)" leaves `high` out."""

    low: float
    high: float = math.inf
    ends: Literal["[]", "[)", "(]", "()"] = "[]"

    def __contains__(self, number: float) -> bool:
        above = number > self.low if self.ends[0] == "(" else number >= self.low
        below = number < self.high if self.ends[1] == ")" else number <= self.high
        return above and below and math.isfinite(number)

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"be {'above' if self.ends[0] == '(' else 'at least'} {self.low}"
        return f"lie in {self.ends[0]}{self.low}, {self.high}{self.ends[1]}"


Fraction = Annotated[float, Range(0, 1)]
Share = Annotated[float, Range(0, 1, "[)")]  # of a whole, of which something must be left
NotNegative = Annotated[float, Range(0)]
Above0 = Annotated[float, Range(0, ends="(]")]
Positive = Annotated[int, Range(1)]
Count = Annotated[int, Range(0)]


class OutOfRange(ValueError):
    """Fields of a value break their rules.

    Attributes:
        wrong: Name of a field -> its rule, and what came.
    """

    def __init__(self, wrong: dict[str, str]) -> None:
        """Names all of them."""
        super().__init__("; ".join(f"{name} {text}" for name, text in wrong.items()))
        self.wrong = wrong


class Checked:
    """A frozen dataclass of this kind checks its fields when it is made; raises OutOfRange."""

    def __post_init__(self) -> None:
        wrong = {}
        for name, hint in _hints(type(self)).items():
            value = getattr(self, name)
            must = _broken(hint, value)
            if must:
                wrong[name] = f"must {must}. Received: {value!r}"
        if wrong:
            raise OutOfRange(wrong)

    def arguments(self, *without: str) -> dict[str, Any]:
        """Returns the fields as named arguments, inner values as they are."""
        return {name: getattr(self, name) for name in _hints(type(self)) if name not in without}


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _broken(hint: Any, value: Any) -> str | None:
    """Returns the rule that a value breaks, as what follows "must"."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        rules = [rule for rule in inner[1:] if isinstance(rule, Range)]
        return next((str(rule) for rule in rules if value not in rule), _broken(inner[0], value))
    if origin is Literal:
        return None if value in inner else f"be one of {list(inner)}"
    if origin in (Union, UnionType):
        if value is None and type(None) in inner:
            return None
        return next((_broken(one, value) for one in inner if one is not type(None)), None)
    if origin is tuple and inner[-1] is ...:
        return next((found for item in value if (found := _broken(inner[0], item))), None)
    return None
