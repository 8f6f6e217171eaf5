"""EfficientNet-Lites in torch, read by torch: the truth for ours.

Arguments: the pixels' file, the folder to write to, the weight files. Written from Google's
description, with TensorFlow's "same" padding.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

source, folder, *files = sys.argv[1:]


def convolve(state, x, conv, norm, *, stride=1, depthwise=False, activate=True):
    kernel = state[f"{conv}.weight"]
    size = kernel.shape[-1]
    pads = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in x.shape[2:]]
    x = F.pad(x, [pads[1] // 2, pads[1] - pads[1] // 2, pads[0] // 2, pads[0] - pads[0] // 2])
    x = F.conv2d(x, kernel, stride=stride, groups=x.shape[1] if depthwise else 1)
    names = ("running_mean", "running_var", "weight", "bias")
    x = F.batch_norm(x, *(state[f"{norm}.{name}"] for name in names), eps=1e-3)
    return F.relu6(x) if activate else x


def block(state, x, number, stride):
    name = f"_blocks.{number}"
    y = x
    if f"{name}._expand_conv.weight" in state:
        y = convolve(state, y, f"{name}._expand_conv", f"{name}._bn0")
    y = convolve(state, y, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, depthwise=True)
    y = convolve(state, y, f"{name}._project_conv", f"{name}._bn2", activate=False)
    return x + y if y.shape == x.shape else y


def answer(state, pixels, halved):
    """Returns the probabilities; `halved` are the blocks with stride 2."""
    x = (torch.from_numpy(pixels).permute(0, 3, 1, 2) - 127) / 128
    x = convolve(state, x, "_conv_stem", "_bn0", stride=2)
    for number in range(len({name.split(".")[1] for name in state if "_blocks." in name})):
        x = block(state, x, number, 2 if number in halved else 1)
    x = convolve(state, x, "_conv_head", "_bn1").mean((2, 3))
    return torch.softmax(F.linear(x, state["_fc.weight"], state["_fc.bias"]), 1)


pixels = np.load(source)["pixels"]
for file in map(Path, files):
    state = torch.load(file, map_location="cpu", weights_only=True)
    halved = (1, 3, 5, 11) if "lite0" in file.name else (1, 4, 7, 15)
    with torch.inference_mode():
        answers = answer(state, pixels, halved)
    tensors = {name: np.ascontiguousarray(value.numpy()) for name, value in state.items()}
    np.savez(Path(folder) / f"{file.stem}.npz", answers=answers.numpy(), **tensors)  # type: ignore[arg-type]
