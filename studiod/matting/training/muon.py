"""The optimiser: orthogonalised momentum for the convolutions, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024); steps as large as AdamW's (Liu et al. 2025), so one rate serves both."""

    def __init__(self, network: nn.Module, rate: float, weight_decay: float = 1e-2) -> None:
        whole = [p for p in network.parameters() if p.ndim == 4 and min(len(p), p[0].numel()) > 4]
        known = {id(p) for p in whole}
        rest = [p for p in network.parameters() if id(p) not in known]
        groups: list[dict[str, Any]] = [{"params": whole, "flat": False}, {"params": rest, "flat": True}]
        super().__init__(groups, {"lr": rate, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step with the gradients as they are."""
        for group in self.param_groups:
            changed = _smoothed if group["flat"] else _turned
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                change = changed(state, parameter.grad)
                parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(change, alpha=-group["lr"])


def _smoothed(state: dict[str, Any], gradient: Tensor) -> Tensor:
    """AdamW's step."""
    if not state:
        state.update(step=0, mean=torch.zeros_like(gradient), square=torch.zeros_like(gradient))
    state["step"] += 1
    mean, square = state["mean"], state["square"]
    mean.lerp_(gradient, 0.1)
    square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
    return (mean / (1 - 0.9 ** state["step"])) / ((square / (1 - 0.99 ** state["step"])).sqrt() + 1e-8)


def _turned(state: dict[str, Any], gradient: Tensor) -> Tensor:
    """The momentum's nearest orthogonal matrix, by Newton and Schulz's iteration of the fifth order."""
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    momentum = state["momentum"]
    momentum.lerp_(gradient, 1 - _MOMENTUM)
    matrix = gradient.lerp(momentum, _MOMENTUM).reshape(len(gradient), -1)
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = (x / (x.norm() + 1e-7)).bfloat16()  # exact enough, as its authors say
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    x = x.T if tall else x
    return (0.2 * max(matrix.shape) ** 0.5 * x).to(gradient.dtype).reshape(gradient.shape)
