"""Whatever becomes of standard output, a program ends as it would have ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAYS = """
import sys
from pathlib import Path
from pose_activity.terminal import prepare_output
prepare_output()
from rich.console import Console
console = Console()
for _ in range(1000):  # more than a pipe holds
    console.print(sys.argv[1] + " \\u2500 \\u00fc\\u732b " + "x" * 60, soft_wrap=True)
print(ascii(sys.argv[1]), flush=True)
Path(sys.argv[2]).write_text("done")
sys.exit(3)
"""


def run(tmp_path: Path, name: str, shell: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs the program with its output led as `shell` says; its exit code is in `code`."""
    command = f'"$PYTHON" -c "$CODE" "$NAME" "$OUT" {shell}'
    values = {"PYTHON": sys.executable, "CODE": SAYS, "NAME": name, "OUT": str(tmp_path / "out")}
    values |= {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=values, capture_output=True, timeout=120
    )


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    "shell", ["| head -n 1; exit ${PIPESTATUS[0]}", "| true; exit ${PIPESTATUS[0]}", ">&-"]
)
def test_a_reader_that_went_away_does_not_end_the_work(tmp_path: Path, shell: str) -> None:
    done = run(tmp_path, "cat.jpg", shell, LC_ALL="C.UTF-8")
    assert done.returncode == 3 and (tmp_path / "out").read_text(encoding="utf-8") == "done"
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_a_log_does_not_end_the_work(tmp_path: Path) -> None:
    done = run(tmp_path, "cat.jpg", "> /dev/full", LC_ALL="C.UTF-8")
    assert done.returncode == 3 and done.stderr == b""


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_both_streams_closed(tmp_path: Path) -> None:
    assert run(tmp_path, "cat.jpg", "<&- >&- 2>&-", LC_ALL="C.UTF-8").returncode == 3
    assert (tmp_path / "out").read_text(encoding="utf-8") == "done"


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C.UTF-8"},
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_name_that_cannot_be_shown_is_escaped(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    for name in ("Stra\N{LATIN SMALL LETTER SHARP S}e \N{CAT FACE}.jpg", os.fsdecode(b"caf\xe9")):
        done = run(tmp_path, name, "", **environment)
        assert done.returncode == 3, done.stderr
        assert done.stderr == b"" and len(done.stdout.splitlines()) >= 1001


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize("script", ["train.py doctor-not-there", "infer.py --nonsense", "infer.py"])
def test_the_commands_prepare_their_output(script: str) -> None:
    """A message with a name that the terminal cannot show, read by nobody: no traceback."""
    for shell in ("", "2>/dev/null | true", ">&- 2>&-"):
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} {script} 'stra\N{CAT FACE}' {shell}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            capture_output=True,
        )
        assert b"Traceback" not in done.stdout + done.stderr, done.stderr
