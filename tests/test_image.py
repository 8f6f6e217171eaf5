"""The container: its recipe by hadolint, and the image itself, built and started without docker.

buildah builds in a chroot, on a base that mmdebstrap makes of Debian's packages, and runs without a
container's network and process isolation: that the image is whole, that it runs as another user
with a read-only model, answers and ends, is proved here; that `--cap-drop ALL --read-only` of a
container engine lets it run, is not.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands import ROOT
from tests.inference import view_model
from tests.serving.test_predictions import RED

PORT = 8199
TOOLS = ("buildah", "mmdebstrap")
BASE = """FROM scratch
ADD base.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def test_the_recipe_keeps_the_rules() -> None:
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    hadolint = shutil.which("hadolint", path=folders) or pytest.skip("hadolint is not installed")
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout


def buildah(store: Path, *arguments: str | Path, **options) -> subprocess.CompletedProcess:
    """Runs buildah with its files in one folder."""
    command = ["buildah", "--root", store / "root", "--runroot", store / "run", *arguments]
    environment = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
    return subprocess.run(
        list(map(str, command)),
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        **options,
    )


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The folder of buildah's files, and the name of a container of the image."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or os.geteuid():
        pytest.skip(f"needs root, and Debian's {' and '.join(TOOLS)}")
    store, base = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("base")
    packages = "python3,python3-pip,ca-certificates"
    tar = base / "base.tar"
    command = ["mmdebstrap", "--variant=minbase", f"--include={packages}", "bookworm", tar]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    shutil.copy(CERTIFICATES, base)
    (base / "Dockerfile").write_text(BASE, encoding="utf-8")
    buildah(store, "bud", "--tag", "localhost/base", base)
    image = "localhost/pose-activity"
    buildah(store, "bud", "--build-arg", "BASE=localhost/base", "--tag", image, ROOT)
    name = buildah(store, "from", image).stdout.strip()
    yield store, name
    buildah(store, "rm", name)


@pytest.mark.image
@pytest.mark.slow
def test_the_image_serves_a_model(container: tuple[Path, str], tmp_path: Path) -> None:
    store, name = container
    model = view_model.write_model(tmp_path / "model")
    tmp_path.chmod(0o755)
    command = ["buildah", "--root", store / "root", "--runroot", store / "run", "run"]
    command += ["--isolation", "chroot", "--user", "10001:10001", "--volume", f"{model}:/model:ro"]
    command += [name, "pose-activity", "serve", "--model", "/model", "--port", str(PORT)]
    command += ["--state", "/tmp/state"]
    environment = {**os.environ, "STORAGE_DRIVER": "vfs"}
    with subprocess.Popen(
        list(map(str, command)),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        assert "Open http" in process.stdout.readline()
        url = f"http://127.0.0.1:{PORT}"
        answer = httpx.post(f"{url}/v1/predictions", content=RED, timeout=60)
        assert answer.json()["activity"] == "red"
        assert httpx.get(f"{url}/v1/model").json()["version"] != "0+checkout"
        (server,) = [
            int(path.name)
            for path in Path("/proc").iterdir()
            if path.name.isdigit() and _is_server(path)
        ]
        assert os.stat(f"/proc/{server}").st_uid == 10001
        started = time.monotonic()
        os.kill(server, 15)
        process.wait(60)
        assert time.monotonic() - started < 5


def _is_server(process: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(PORT).encode() in words and b"run" not in words and b"python" in words[0]
