"""Fixtures for all rooms."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with real data; tests that need it skip where there is none."""
    folder = os.environ.get("POSE_ACTIVITY_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data needed: set POSE_ACTIVITY_DATA to its folder")
    return Path(folder)
