"""A network that goes on from exported weights: checkpoints stay on the machine that made them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from studiod.matting.training.networks import MattingNetwork


def start_from(weights: Path, network: MattingNetwork, batches: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Give `network` the weights of the ONNX file `weights`, an export of the same architecture.

    The export holds each normalisation folded into its convolution. `batches` (pictures and contexts) are
    looked at to take the two apart again, such that the answers in evaluation stay what they were.
    """
    pairs = _folded_pairs(network, batches[0])
    graph = onnx.load(str(weights)).graph
    known = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]].astype("float32")
    # the one without a bias only folds pixels
    convolutions = [node for node in graph.node if node.op_type == "Conv" and len(node.input) == 3]
    if len(convolutions) != len(pairs):
        raise ValueError(f"{weights} has {len(convolutions)} convolutions, the network {len(pairs)}")
    with torch.no_grad():
        for node, (convolution, normalisation) in zip(convolutions, pairs, strict=True):
            weight, bias = (torch.from_numpy(known[name].copy()) for name in node.input[1:3])
            convolution.weight.copy_(weight)
            if normalisation is None:
                assert convolution.bias is not None
                convolution.bias.copy_(bias)
                continue
            normalisation.weight.fill_(1)
            normalisation.bias.copy_(bias)
            normalisation.running_mean.zero_()  # type: ignore[union-attr]
            normalisation.running_var.fill_(1 - normalisation.eps)  # type: ignore[union-attr]
        _take_apart(network, [pair for pair in pairs if pair[1] is not None], batches)


def _folded_pairs(
    network: MattingNetwork, batch: tuple[Tensor, Tensor]
) -> list[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """The convolutions in the order in which they run, each with the normalisation that follows it."""
    ran: list[nn.Module] = []
    wanted = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    hooks = [m.register_forward_pre_hook(lambda module, _: ran.append(module)) for m in wanted]
    with torch.no_grad():
        network.eval()(*batch)
    for hook in hooks:
        hook.remove()
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d | None]] = []
    for index, module in enumerate(ran):
        if isinstance(module, nn.Conv2d):
            after = ran[index + 1] if index + 1 < len(ran) else None
            pairs.append((module, after if isinstance(after, nn.BatchNorm2d) else None))
    return pairs


def _take_apart(
    network: MattingNetwork,
    pairs: Sequence[tuple[nn.Conv2d, nn.BatchNorm2d | None]],
    batches: Sequence[tuple[Tensor, Tensor]],
) -> None:
    """Move scale and offset from convolutions of the size of fresh ones into their normalisations."""
    seen: dict[nn.Module, list[Tensor]] = {}

    def remember(module: nn.Module, inputs: tuple[Tensor]) -> None:
        values = inputs[0].double()
        moments = torch.stack([values.mean(dim=(0, 2, 3)), values.square().mean(dim=(0, 2, 3))])
        seen.setdefault(module, []).append(moments)

    hooks = [n.register_forward_pre_hook(remember) for _, n in pairs if n is not None]
    for batch in batches:
        network(*batch)
    for hook in hooks:
        hook.remove()
    for convolution, normalisation in pairs:
        assert normalisation is not None
        assert normalisation.running_mean is not None
        assert normalisation.running_var is not None
        mean, square = torch.stack(seen[normalisation]).mean(dim=0)
        spread = (square - mean**2).clamp(min=1e-6).sqrt()
        fresh = convolution.weight[0].numel() ** -0.5
        size = convolution.weight.square().mean().sqrt().double() / fresh
        normalisation.bias.add_(mean.float())
        normalisation.weight.copy_(spread)
        normalisation.running_mean.copy_(mean / size)
        normalisation.running_var.copy_((spread / size) ** 2 - normalisation.eps)
        convolution.weight.div_(size.float())
