"""Averaged weights of a run as an ONNX file that onnxruntime answers alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from studiod.matting.training.networks import CHANNELS, MattingNetwork, build_network, to_alpha


class _Answer(nn.Module):
    """The network with its end: coverage 0..1 instead of logits."""

    def __init__(self, network: MattingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor, context: Tensor | None = None) -> Tensor:
        return to_alpha(self.network(picture, context))


def export_network(checkpoint: Path, which: str, out: Path) -> float:
    """Write `out` (ONNX) and return the largest difference to torch; a ValueError above 1/255.

    Weights are stored with 16 bits and computed with as float32.
    Inputs `picture` N x 8 x H x W and, in the fine pass, `context` N x 1 x H/4 x W/4; output `alpha`
    N x 1 x H x W, 0..1; H and W multiples of the pass's stride.
    """
    network = build_network(which)
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["average"])
    answer = _Answer(network).eval()
    generator = torch.Generator().manual_seed(3)
    picture = torch.rand(1, CHANNELS, 192, 256, generator=generator)
    inputs = (picture, torch.rand(1, 1, 48, 64, generator=generator))[: 2 if which == "fine" else 1]
    names = ["picture", "context"][: len(inputs)]
    free = {0: "n", 2: "h", 3: "w"}
    axes = {"picture": free, "alpha": free, "context": {0: "n", 2: "ch", 3: "cw"}}
    torch.onnx.export(
        answer,
        inputs,
        str(out),
        input_names=names,
        output_names=["alpha"],
        opset_version=17,
        dynamo=False,
        dynamic_axes={k: v for k, v in axes.items() if k in [*names, "alpha"]},
    )
    _halve(out)
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    worst = 0.0
    for height, width in ((192, 256), (320, 128)):
        picture = torch.rand(1, CHANNELS, height, width, generator=generator)
        context = torch.rand(1, 1, height // 4, width // 4, generator=generator)
        tried = (picture, context)[: len(inputs)]
        with torch.no_grad():
            expected = answer(*tried).numpy()
        got = session.run(None, {n: t.numpy() for n, t in zip(names, tried, strict=True)})[0]
        worst = max(worst, float(np.abs(got - expected).max()))
    if worst >= 1 / 255:
        raise ValueError(f"{out} differs from torch by {worst * 255:.2f}/255")
    return worst


def _halve(path: Path) -> None:
    """Store the convolutions' weights as float16, cast back when a session is made."""
    model = onnx.load(str(path))
    casts = []
    for value in model.graph.initializer:
        if len(value.dims) == 4:
            name = value.name
            half = numpy_helper.from_array(numpy_helper.to_array(value).astype(np.float16), f"{name}_half")
            value.CopyFrom(half)
            casts.append(onnx.helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(path))
