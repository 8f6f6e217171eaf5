"""ultralytics' pose trainer, kept from forgetting what its start knows. Imports torch.

Three things differ, all in training alone; the checkpoints are ordinary ones.

1. Another skeleton does not cost the head. ultralytics draws the branch that finds joints anew when
   their number changes; here it stays, and its last layer is rewritten: a joint that both
   skeletons have keeps its weights, a derived one (`annotations.derived_joints`) gets the weighted
   sum of its sources', which is exact since places are linear in that layer's output. Any other
   joint starts at the mean of all.
2. BatchNorm statistics stay as they are in every layer: batches of a small data set say less.
3. No loss says that a joint is absent where the labels do not: a person with a box alone, and a
   joint that nobody in the training set has, do not count for the joints' confidence.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from ultralytics.utils.loss import v8PoseLoss
from ultralytics.utils.torch_utils import unwrap_model

from pose_activity.annotations.derived_joints import joint_weights
from pose_activity.annotations.skeleton import COCO17, Skeleton
from pose_activity.stage1_pose.resumable_trainer import ResumableTrainer

_NUMBERS = 3  # of a joint: x, y, confidence


class FineTuner(ResumableTrainer):
    """For `YOLO.train(trainer=FineTuner)`; importable, as training on several GPUs needs."""

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
        """Builds the model and takes over the start's head."""
        model: Any = super().get_model(cfg, weights, verbose)
        names = self.data.get("kpt_names")
        if weights is not None and names:
            keep_head(weights.model[-1], model.model[-1], joints_of(weights), tuple(names[0]))
        return model

    def _model_train(self) -> None:
        super()._model_train()
        model: Any = unwrap_model(cast(nn.Module, self.model))
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        if not isinstance(getattr(model, "criterion", None), LabelledJointsLoss):
            model.criterion = LabelledJointsLoss(model, self._labelled_joints())

    def _labelled_joints(self) -> np.ndarray:
        """Returns `(K,)` bool: which joints somebody in the training set has."""
        points = [label["keypoints"] for label in self.train_loader.dataset.labels]
        return np.any(np.concatenate(points)[..., 2] > 0, axis=0)


class LabelledJointsLoss(v8PoseLoss):
    """The loss of YOLOv8 pose; a joint's confidence is taught only where the labels know it."""

    def __init__(self, model: Any, labelled: np.ndarray) -> None:
        """Takes the model, and `(K,)` bool: which joints the training set labels."""
        super().__init__(model)
        self.labelled = torch.as_tensor(labelled, device=self.device)

    def calculate_keypoints_loss(
        self,
        masks: torch.Tensor,
        target_gt_idx: torch.Tensor,
        keypoints: torch.Tensor,
        stride_tensor: torch.Tensor,
        target_bboxes: torch.Tensor,
        pred_kpts: torch.Tensor,
    ) -> tuple[Any, Any]:
        """Returns the losses of the joints' places and of their confidences."""
        places, confidences = super().calculate_keypoints_loss(
            masks, target_gt_idx, keypoints, stride_tensor, target_bboxes, pred_kpts
        )
        if not masks.any():
            return places, confidences
        there = keypoints[masks.nonzero(as_tuple=True)[0], target_gt_idx[masks]][..., 2] != 0
        known = there.any(dim=1, keepdim=True) & self.labelled
        each = nn.functional.binary_cross_entropy_with_logits(
            pred_kpts[masks][..., 2], there.float(), reduction="none"
        )
        return places, (each * known).sum() / known.sum().clamp(min=1)


def joints_of(weights: Any) -> tuple[str, ...]:
    """Returns what a model's joints are called; numbers where it does not say."""
    names = getattr(weights, "kpt_names", None)
    count = weights.model[-1].kpt_shape[0]
    if names and len(names[0]) == count and not set(names[0]) <= {*map(str, range(count))}:
        return tuple(names[0])
    return COCO17.joints if count == len(COCO17) else tuple(map(str, range(count)))


def keep_head(old: Any, new: Any, old_joints: Sequence[str], new_joints: Sequence[str]) -> None:
    """Gives a new pose head the joints' branch of an old one, rewritten for other joints.

    Args:
        old: The head that training starts from.
        new: The head that ultralytics made; its `cv4` is replaced.
        old_joints: Names of the old head's joints.
        new_joints: Names of the new head's.
    """
    if old.kpt_shape[1] != _NUMBERS or new.kpt_shape[1] != _NUMBERS:
        return
    source, target = (Skeleton("", (*names,), (), ()) for names in (old_joints, new_joints))
    weights = torch.as_tensor(joint_weights(source, target), dtype=torch.float32)
    weights[~weights.any(dim=1)] = 1 / len(source)
    branches = deepcopy(old.cv4).float()
    for branch in branches:
        branch[-1] = _rewrite(branch[-1], weights)
    new.cv4 = branches.requires_grad_(True)


def _rewrite(layer: nn.Conv2d, weights: torch.Tensor) -> nn.Conv2d:
    """Returns a 1x1 convolution whose joints are weighted sums of the old one's."""
    rewritten = nn.Conv2d(layer.in_channels, _NUMBERS * len(weights), 1)
    shares = weights.abs() / weights.abs().sum(dim=1, keepdim=True)  # of a confidence: no minus
    with torch.no_grad():
        for name in ("weight", "bias"):
            old = getattr(layer, name)
            of_joints = old.reshape(weights.shape[1], _NUMBERS, -1)
            places = torch.einsum("ts,scw->tcw", weights, of_joints[:, :2])
            confidences = torch.einsum("ts,scw->tcw", shares, of_joints[:, 2:])
            both = torch.cat([places, confidences], dim=1)
            getattr(rewritten, name).copy_(both.reshape(getattr(rewritten, name).shape))
    return rewritten
