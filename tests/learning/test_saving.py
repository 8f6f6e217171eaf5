"""The same network is the same bytes, whenever it is saved."""

import pytest

from tests.stage2_classifier.conftest import Child, child

__all__ = ["child"]


@pytest.mark.slow
def test_a_network_saved_twice_is_the_same_file(child: Child, tmp_path) -> None:
    child("save_twice", tmp_path)
    first, second = (tmp_path / f"{name}.keras" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
