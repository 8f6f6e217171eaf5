"""The reader of torch's legacy files, without torch."""

import io
import os
import pickle

import numpy as np
import pytest

from pose_activity.backbones.lite_layout import LITES
from pose_activity.backbones.lite_weights import (
    package_file,
    read_state_dict,
)


class _Evil:
    def __reduce__(self):
        return os.system, ("echo read and run",)


def _file(tmp_path, *values, tail=b""):
    buffer = io.BytesIO()
    for value in values:
        pickle.dump(value, buffer, protocol=2)
    path = tmp_path / "weights.pth"
    path.write_bytes(buffer.getvalue() + tail)
    return path


@pytest.mark.parametrize("model", LITES)
def test_reads_the_packages(model):
    state = read_state_dict(package_file(model))
    assert state["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert state["_fc.weight"].shape == (1000, 1280)
    assert all(np.isfinite(array).all() for array in state.values())


def test_runs_no_code(tmp_path, capfd):
    path = _file(tmp_path, 0x1950A86A20F9469CFC6C, 1001, {}, {"a": _Evil()}, [])
    with pytest.raises(ValueError, match="the forbidden name (posix|nt).system"):
        read_state_dict(path)
    assert "read and run" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "Ran out of input"), (b"PK\x03\x04 a zip", "legacy"), (b"\x80\x02K\x01.", "legacy")],
)
def test_another_layout_is_refused(tmp_path, data, reason):
    path = tmp_path / "weights.pth"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=reason):
        read_state_dict(path)


def test_another_magic_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="unknown magic number"):
        read_state_dict(_file(tmp_path, 1, 1001))


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(package_file("efficientnet_lite0").read_bytes()[:-1000])
    with pytest.raises(ValueError, match="truncated"):
        read_state_dict(path)
