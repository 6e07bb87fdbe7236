"""The loss: exact edges, thin parts and small gaps count most."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from studiod.matting.training.networks import to_alpha


def matting_loss(logits: Tensor, alpha: Tensor, weight: Tensor) -> Tensor:
    """Weighted L1 + cross entropy + difference of slopes at three scales; all N x 1 x H x W, scalar out."""
    logits = logits.float()
    difference = to_alpha(logits) - alpha
    total = weight.sum()
    absolute = (difference.abs() * weight).sum() / total
    target = 0.02 + 0.96 * alpha
    entropy = functional.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum") / total
    slopes = absolute.new_zeros(())
    for scale in range(3):
        error = functional.avg_pool2d(difference, 2**scale) if scale else difference
        heavy = functional.avg_pool2d(weight, 2**scale) if scale else weight
        across = (error[..., 1:] - error[..., :-1]).abs() * heavy[..., 1:]
        down = (error[..., 1:, :] - error[..., :-1, :]).abs() * heavy[..., 1:, :]
        slopes = slopes + (across.sum() + down.sum()) / heavy.sum()
    result: Tensor = absolute + 0.3 * entropy + 0.3 * slopes
    return result
