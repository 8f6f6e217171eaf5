"""The section of a pose model that is used as it is, for kinds of run that train none."""

from typing import Annotated

from pydantic import Field

from pose_activity.configs.sections import LocalPath, PoseSkeleton, Section, Weights
from pose_activity.stage1_pose.options import PoseFilter


class PoseModel(Section):
    """A pose model; it is not trained here.

    `graph` is the folder `stage1` of a finished run, used as it is; else `weights` are exported,
    and `skeleton` names their joints.
    """

    graph: LocalPath | None = None
    weights: Weights = "yolov8n-pose.pt"
    skeleton: PoseSkeleton = "coco17"
    export_size: Annotated[int, Field(ge=32, multiple_of=32)] = 640
    predict: PoseFilter = PoseFilter()
