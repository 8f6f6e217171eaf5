"""A pose training that is killed by SIGKILL and started again ends as one that was not."""

import csv
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pose_activity.annotations.readers.yolo import write_yolo
from pose_activity.annotations.skeleton import MPII16
from tests.forkserver import ForkServer
from tests.stage1_pose.conftest import RunPython, drawn_samples

CHILD = Path(__file__).with_name("children") / "child_pose_training.py"
MOMENTS = {  # when a training is killed -> the epochs that it goes on after
    "round 1: epoch 1, step 2/3": [],
    "round 1: epoch 3, step 1/3": [2],
    "writing round1.pt": [1],
    "writing last.pt": [1],
    "evaluating": [2],
    "round 2: epoch 1, step 3/3": [],
}
START = """
import sys
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
import torch
from ultralytics import YOLO
torch.manual_seed(0)
YOLO("yolov8n-pose.yaml", task="pose").save(sys.argv[1])
"""
DIGESTS = """
import hashlib, json, sys
from pathlib import Path
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
from ultralytics import YOLO
def digest(path):
    state = YOLO(path).model.state_dict()
    return hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state)))
found = {path: digest(path).hexdigest() for path in sys.argv[1:]}
print(json.dumps(found))
"""
WEIGHTS = ("best.pt", *(f"round{n}/weights/{kind}.pt" for n in (1, 2) for kind in ("best", "last")))


class Trainings:
    """A data set, weights to start from, and `whole`: a training that nobody stopped."""

    def __init__(self, folder: Path, server: ForkServer) -> None:
        self.folder, self._server = folder, server
        write_yolo(drawn_samples(folder / "in", 16), folder / "yolo", skeleton=MPII16)

    def train(self, out: Path, *when: str) -> int:
        """Returns the exit code."""
        data, start = self.folder / "yolo" / "data.yaml", self.folder / "start.pt"
        return self._server.run(CHILD, data, start, out, *when).returncode


def rows(out: Path) -> list[dict[str, str]]:
    tables = [out / f"round{number}" / "results.csv" for number in (1, 2)]
    texts = [table.read_text(encoding="utf-8") for table in tables]
    found = [row for text in texts for row in csv.DictReader(text.splitlines())]
    return [{name: value for name, value in row.items() if name != "time"} for row in found]


@pytest.fixture(scope="module")
def trainings(
    run_python: RunPython, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trainings]:
    folder = tmp_path_factory.mktemp("resumed")
    own = {"HOME": str(folder), "MPLCONFIGDIR": str(folder / "mpl")}
    run_python(START, folder / "start.pt", **own)
    libraries = ("torch", "torch._inductor.config", "albumentations", "matplotlib", "polars")
    server = ForkServer(*libraries, NO_ALBUMENTATIONS_UPDATE="1", **own)
    found = Trainings(folder, server)
    assert found.train(folder / "whole") == 0
    yield found
    server.close()


@pytest.mark.slow
@pytest.mark.parametrize("when", MOMENTS)
def test_a_killed_training_ends_as_one_that_was_not(
    run_python: RunPython, trainings: Trainings, tmp_path: Path, when: str
) -> None:
    out, whole = tmp_path / "fit", trainings.folder / "whole"
    assert trainings.train(out, when) == -signal.SIGKILL
    assert not (out / "fitted.json").exists()
    assert trainings.train(out) == 0
    note = json.loads((out / "fitted.json").read_text(encoding="utf-8"))
    assert note["resumed"] == MOMENTS[when]
    assert rows(out) == rows(whole)
    pairs = [folder / name for name in WEIGHTS for folder in (out, whole)]
    own = {"HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path / "mpl")}
    digests = [*json.loads(run_python(DIGESTS, *pairs, **own).splitlines()[-1]).values()]
    assert digests[::2] == digests[1::2]
    assert not (out / "states").exists()
