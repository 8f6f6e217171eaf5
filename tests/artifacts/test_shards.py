"""Shards are equal shares of neighbours, and nobody merges what is not all there."""

import re

import pytest

from pose_activity.artifacts.shards import PartsMissingError, Shard, require_all, shards


@pytest.mark.parametrize("items", [0, 1, 5, 64, 1000])
@pytest.mark.parametrize("count", [1, 3, 7, 64])
def test_shares_are_all_items_in_order_and_nearly_equal(items: int, count: int) -> None:
    all_items = [*range(items)]
    shares = [shard.take(all_items) for shard in shards(count)]
    assert [item for share in shares for item in share] == all_items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_text_comes_back() -> None:
    assert Shard.parse("3/64") == Shard(3, 64) and str(Shard(3, 64)) == "3/64"
    assert Shard(3, 64).name == "part-00003-of-00064"


@pytest.mark.parametrize("text", ["", "3", "3/", "a/b", "-1/3", "1/2/3", "1 / 2"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=rf"such as 3/64. Received: {text!r}"):
        Shard.parse(text)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0"])
def test_a_share_that_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"1 <= i <= n.* Received: {text}"):
        Shard.parse(text)


def test_missing_parts_are_named() -> None:
    require_all(3, lambda shard: True, where="parts")
    with pytest.raises(PartsMissingError, match=re.escape("Missing: 2, 3. Run these shards")):
        require_all(3, lambda shard: shard.number == 1, where="parts")
    with pytest.raises(PartsMissingError, match=re.escape("9, 10 and 1,990 more.")):
        require_all(2000, lambda shard: False, where="parts")
