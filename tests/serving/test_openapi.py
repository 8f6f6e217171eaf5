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


def test_a_method_that_is_not_there_is_told_which_are(server: Running) -> None:
    answer = server.client.patch(f"/v1/jobs/{'0' * 32}")
    assert answer.status_code == 405 and answer.headers["allow"] == "DELETE, GET"
    assert server.client.post("/healthz").headers["allow"] == "GET"
    assert server.client.post("/page/app.js").headers["allow"]
    assert server.client.post("/v1/predictions/").status_code == 404, "a file is sent once"


# What no schema can say: which bytes are a picture, and that options have to fit the model.
RULES = """
[[operations]]
include-name = "POST /v1/predictions"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "415", "422", "503"]

[[operations]]
include-path-regex = "/v1/jobs/"
exclude-method = "DELETE"
parameters = {{ "path.id" = "{job}" }}
"""


@pytest.mark.slow
def test_schemathesis_finds_nothing(server: Running, film: Path, tmp_path: Path) -> None:
    job = server.finish(server.send(film.read_bytes()))["id"]
    (tmp_path / "schemathesis.toml").write_text(RULES.format(job=job), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}openapi.json"),
        *("--checks", "all", "--max-examples", "25", "--seed", "1", "--request-timeout", "60"),
        *("--exclude-checks", "unsupported_method"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=900
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    server.client.delete(f"/v1/jobs/{job}")
