"""Shards: work over many items divided into parts that know nothing of each other.

Part number i of n is `part-0000i-of-0000n`, a file or a folder. It appears whole, by a rename; a
part that is there is not made again. Shards are runs of neighbours, so that parts, one after
another, are what undivided work gives. Knows nothing of the work, nor of who does it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
_TEXT = re.compile(r"(\d+)/(\d+)")
_SHOWN = 10  # numbers of missing parts in a message


class PartsMissingError(FileNotFoundError):
    """Parts are missing, so that the whole cannot be put together."""


@dataclass(frozen=True)
class Shard:
    """One of several equal shares of some items.

    Attributes:
        number: Of this share, from 1.
        count: Of all shares.
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise ValueError(
                "A shard is i/n with 1 <= i <= n, such as 3/64: the third of 64 shares. Received: "
                f"{self}"
            )

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Reads what `str` wrote.

        Raises:
            ValueError: it is another text.
        """
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(f"A shard is i/n, such as 3/64. Received: {text!r}")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def name(self) -> str:
        """Stem of its part."""
        return f"part-{self.number:05d}-of-{self.count:05d}"

    def take(self, items: Sequence[Item]) -> Sequence[Item]:
        """Returns this share: neighbours; shares differ by one item at most."""
        start = (self.number - 1) * len(items) // self.count
        return items[start : self.number * len(items) // self.count]


UNDIVIDED = Shard(1, 1)


def shards(count: int) -> list[Shard]:
    """Returns all shares, in order."""
    return [Shard(number, count) for number in range(1, count + 1)]


def require_all(count: int, is_there: Callable[[Shard], bool], *, where: object) -> None:
    """Refuses to go on while parts are missing.

    Args:
        count: Number of shares.
        is_there: Tells whether a share's part is finished.
        where: The folder of the parts, for the message.

    Raises:
        PartsMissingError: names the shards to run.
    """
    missing = [str(shard.number) for shard in shards(count) if not is_there(shard)]
    if missing:
        more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
        raise PartsMissingError(
            f"{where}: all {count:,} parts must be there before they are merged. Missing: "
            f"{', '.join(missing[:_SHOWN])}{more}. Run these shards, then merge again."
        )
