"""Fine-tuning keeps what its start knows; all found out in one other process, with torch."""

import json

import pytest

from pose_activity.annotations.readers.yolo import write_yolo
from pose_activity.annotations.skeleton import MPII16
from tests.stage1_pose.conftest import RunPython, drawn_samples

SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np
from pose_activity.annotations.derived_joints import convert
from pose_activity.annotations.skeleton import COCO17, MPII16
from pose_activity.stage1_pose import ultralytics_env
from pose_activity.stage1_pose.fit import fit
from pose_activity.stage1_pose.options import PoseFit
ultralytics_env.prepare()
import torch
from ultralytics import YOLO
from ultralytics.nn.tasks import PoseModel
from pose_activity.stage1_pose.fine_tuner import LabelledJointsLoss, joints_of, keep_head

work, data = map(Path, sys.argv[1:])
torch.manual_seed(0)
yolo = YOLO("yolov8n-pose.yaml", task="pose")
for module in yolo.model.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.running_mean.uniform_(-0.1, 0.1)
yolo.save(work / "start.pt")
old = yolo.model.eval()
new = PoseModel("yolov8n-pose.yaml", nc=1, data_kpt_shape=[16, 3], verbose=False)
new.load(old, verbose=False)
keep_head(old.model[-1], new.model[-1], joints_of(old), MPII16.joints)
new.eval()
image = torch.rand(1, 3, 64, 64)
def places(model, joints):
    with torch.no_grad():
        found = model(image)[0][0, 5:].T.reshape(-1, joints, 3).numpy()
    found[..., 2] = 1
    return found
off = np.abs(convert(places(old, 17), COCO17, MPII16) - places(new, 16)).max()

options = PoseFit((1, 1), image_size=64, batch=4, nbs=4, workers=0, device="cpu", plots=False)
best = fit(data, work / "start.pt", work / "fit", options, threads=2)
before, after = (YOLO(path).model.float().state_dict() for path in (work / "start.pt", best))
# ultralytics averages the numbers that it saves, in half precision
moved = [k for k in before if "running_" in k and k in after and before[k].shape == after[k].shape
    and (before[k] - after[k]).abs().max() > 1e-3]

criterion = LabelledJointsLoss.__new__(LabelledJointsLoss)
torch.nn.Module.__init__(criterion) if isinstance(criterion, torch.nn.Module) else None
from ultralytics.utils.loss import KeypointLoss
criterion.labelled = torch.tensor([True, True, False])
criterion.keypoint_loss = KeypointLoss(torch.ones(3))
criterion.bce_pose = torch.nn.BCEWithLogitsLoss()
def confidence_loss(people):  # of joints (x, y, v); every joint is predicted with the logit 1
    count = len(people)
    masks = torch.ones(1, count, dtype=torch.bool)
    keypoints = torch.tensor([people], dtype=torch.float32)
    args = masks, torch.arange(count)[None], keypoints, torch.ones(count, 1)
    boxes = torch.tensor([[[0, 0, 4, 4]] * count], dtype=torch.float32)
    return float(criterion.calculate_keypoints_loss(*args, boxes, torch.ones(1, count, 3, 3))[1])
there, gone = [1, 1, 2], [0, 0, 0]
print(json.dumps({
    "off": float(off),
    "names": list(joints_of(YOLO(best).model)),
    "moved": moved,
    "width": YOLO(best).model.model[-1].cv4[0][0].conv.out_channels,
    "both": confidence_loss([[there, there, gone]]),
    "one": confidence_loss([[there, gone, gone]]),
    "box_alone": confidence_loss([[gone, gone, gone]]),
    "with_box_alone": confidence_loss([[there, gone, gone], [gone, gone, gone]]),
}))
"""


@pytest.fixture(scope="module")
def tuned(run_python: RunPython, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What SCRIPT found out."""
    work = tmp_path_factory.mktemp("tuned")
    data = write_yolo(drawn_samples(work / "in", 8), work / "yolo", skeleton=MPII16)
    own = {"HOME": str(work), "MPLCONFIGDIR": str(work / "mpl")}
    return json.loads(run_python(SCRIPT, work, data, **own).splitlines()[-1])


def test_a_rewritten_head_places_joints_where_they_are_derived(tuned: dict) -> None:
    assert tuned["off"] < 1e-3  # pixels


def test_the_head_is_still_the_start_s_after_two_rounds(tuned: dict) -> None:
    assert tuned["width"] == 51  # ultralytics makes 48 channels for 16 joints
    assert tuned["names"] == list(MPII16.joints)


def test_batch_norm_statistics_stay(tuned: dict) -> None:
    assert tuned["moved"] == []


def test_confidence_is_taught_only_where_the_labels_know(tuned: dict) -> None:
    yes, no = 0.31326, 1.31326  # -log sigmoid(1), -log(1 - sigmoid(1))
    assert tuned["both"] == pytest.approx(yes, abs=1e-4)  # nobody has the third joint
    assert tuned["one"] == pytest.approx((yes + no) / 2, abs=1e-4)
    assert tuned["box_alone"] == 0
    assert tuned["with_box_alone"] == pytest.approx((yes + no) / 2, abs=1e-4)
