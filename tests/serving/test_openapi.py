"""The description of the interface: the committed copy, and whether the server keeps to it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.serving.running import Running

COPY = ROOT / "docs" / "openapi.json"


def test_the_committed_copy_is_that_of_today(server: Running) -> None:
    """To write it anew: curl http://127.0.0.1:8000/openapi.json | python -m json.tool."""
    found = server.client.get("/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert found == json.loads(COPY.read_text(encoding="utf-8"))


def test_every_route_says_what_can_go_wrong(server: Running) -> None:
    paths = server.client.get("/openapi.json").json()["paths"]
    assert "/v1/predictions" in paths and "/v1/jobs/{id}/events" in paths
    for path, methods in paths.items():
        for method, about in methods.items():
            assert about["summary"], path
            if path.startswith("/v1/"):
                assert "401" in about["responses"], (method, path)


@pytest.mark.slow
def test_schemathesis_finds_nothing(server: Running, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}openapi.json"),
        *("--checks", "all", "--max-examples", "25", "--seed", "1", "--request-timeout", "20"),
        *("--exclude-checks", "unsupported_method"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=900
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
