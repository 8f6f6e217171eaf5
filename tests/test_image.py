"""The container: its recipe by hadolint, and the image itself, built and started without docker.

buildah builds in a chroot, on a base that mmdebstrap makes of Debian's packages. The image's own
command then runs as its own user where a container engine's `--read-only --tmpfs /tmp --cap-drop
ALL --security-opt no-new-privileges` would put it, made of mounts, `chroot` and `setpriv`. Not
proved: the base that the Dockerfile names, a container's network, its seccomp and its cgroups.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands import ROOT
from tests.inference import view_model
from tests.serving.test_predictions import RED, infer_on

TOKEN = "correct-horse"
OPTIONS = ["--model", "/model", "--host", "0.0.0.0"]
# Arguments: the root, the model, the command. Mounts are seen by this process alone.
ISOLATED = """set -e
root=$1 model=$2; shift 2
mount --bind "$root" "$root"
mount --bind "$model" "$root/model"
mount -o remount,bind,ro "$root/model"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,bind,ro "$root"
exec /usr/sbin/chroot "$root" /usr/bin/setpriv --reuid 10001 --regid 10001 --clear-groups \\
    --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
"""
TOOLS = ("buildah", "mmdebstrap")
BASE = """FROM scratch
ADD base.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
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


@pytest.fixture
def root(container: tuple[Path, str]) -> Iterator[Path]:
    """The container's file system."""
    store, name = container
    yield Path(buildah(store, "mount", name).stdout.strip())
    buildah(store, "umount", name)


@pytest.mark.image
@pytest.mark.slow
def test_the_image_serves_a_model(
    container: tuple[Path, str], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, name = container
    image = json.loads(buildah(store, "inspect", name).stdout)["OCIv1"]["config"]
    assert (image["User"], image["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert image["Labels"]["org.opencontainers.image.licenses"] == "AGPL-3.0-or-later"
    assert image["Cmd"] == [*OPTIONS, "--port", "8000", "--state", "/tmp/state"]
    model = view_model.write_model(tmp_path / "model")
    for folder in (tmp_path, model):
        folder.chmod(0o755)
    (root / "model").mkdir()
    before = listing(root)
    command = [*image["Entrypoint"], *OPTIONS, "--port", "0", "--state", "/tmp/state"]
    environment = dict(text.split("=", 1) for text in image["Env"])
    locked = [
        "/usr/bin/unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "/bin/sh",
        "-c",
        ISOLATED,
        "sh",
    ]
    with subprocess.Popen(
        [*locked, str(root), str(model), *command],
        env={**environment, "POSE_ACTIVITY_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/#token=", line)
        assert found, line
        url, headers = f"http://127.0.0.1:{found[1]}", {"Authorization": f"Bearer {TOKEN}"}
        answer = httpx.post(f"{url}/v1/predictions", content=RED, headers=headers, timeout=60)
        wanted = infer_on(model, "picture", RED, ".jsonl", monkeypatch, tmp_path)
        assert answer.json()["probabilities"] == pytest.approx(
            json.loads(wanted)["probabilities"], abs=1e-4
        )
        model_of_it = httpx.get(f"{url}/v1/model", headers=headers).json()
        assert model_of_it["version"] != "0+checkout"
        server = server_of(process.pid)
        status = Path(f"/proc/{server}/status").read_text(encoding="utf-8")
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert {*facts["Uid"].split(), *facts["Gid"].split()} == {"10001"}
        assert {facts[of] for of in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
        assert facts["NoNewPrivs"] == "1"
        started = time.monotonic()
        os.kill(server, signal.SIGTERM)
        process.wait(60)
        assert time.monotonic() - started < 10, "a container engine kills it then"
    assert listing(root) == before, "it writes below /tmp alone"


def listing(root: Path) -> set[str]:
    """All files of a file system, by path."""
    return {str(path) for path in root.rglob("*")}


def server_of(process: int) -> int:
    """Returns the last of a process' descendants."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    return server_of(int(children[0])) if children else process
