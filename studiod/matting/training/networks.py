"""The two networks: a coarse one for the whole picture, a fine one for native-resolution tiles."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 8


def _block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outside, momentum=0.03),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _block(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width, momentum=0.03)
        )

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = torch.relu(features + self.second(self.first(features)))
        return out


class MattingNetwork(nn.Module):
    """A U-Net whose outermost level works on 2 x 2 pixels folded into channels (pixel-unshuffle).

    Input N x 8 x H x W float32: photograph in square-root light (3), log ratio photograph to background
    (3), strokes keep and remove (2); H and W are multiples of the stride. With `context`, a coarse alpha
    N x 1 x H/4 x W/4 enters at the bottleneck only, so that it informs and does not dictate. `residuals`
    says how many residual blocks each level has on the way up, the outermost first, the bottleneck last.
    Output: logits N x 1 x H x W.
    """

    def __init__(self, widths: tuple[int, ...], residuals: tuple[int, ...], context: bool) -> None:
        super().__init__()
        self.context = context
        # folds 2 x 2 pixels into channels; a pixel-unshuffle would be exported as a slow transpose
        corners = torch.eye(4 * CHANNELS).reshape(4 * CHANNELS, CHANNELS, 2, 2)
        self.register_buffer("corners", corners, persistent=False)
        self.stem = _block(4 * CHANNELS, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(_block(a, b, 2), *([_block(b, b)] if index + 2 < len(widths) else []))
            for index, (a, b) in enumerate(pairwise(widths))
        )
        if context:
            self.fold = nn.PixelUnshuffle(4)
            self.inject = nn.Conv2d(16, widths[-1], 1)
        self.bottom = nn.Sequential(*(_Residual(widths[-1]) for _ in range(residuals[-1])))
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(
            nn.Sequential(_block(width, width), *(_Residual(width) for _ in range(count)))
            for width, count in zip(widths[:-1], residuals[:-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], 4, 3, 1, 1)

    def forward(self, picture: Tensor, context: Tensor | None = None) -> Tensor:
        """Logits of the coverage, N x 1 x H x W."""
        features = self.stem(functional.conv2d(picture, self.corners, stride=2))
        levels = [features]
        for down in self.down:
            features = down(features)
            levels.append(features)
        if self.context and context is not None:
            features = features + self.inject(self.fold(context))
        features = self.bottom(features)
        for index in reversed(range(len(self.up))):
            larger = functional.interpolate(self.narrow[index](features), scale_factor=2.0, mode="nearest")
            features = self.up[index](larger + levels[index])
        out: Tensor = functional.pixel_shuffle(self.head(features), 2)
        return out


def build_network(which: str) -> MattingNetwork:
    """The untrained network for a pass, `coarse` or `fine`."""
    if which == "coarse":
        return MattingNetwork((24, 48, 96, 128, 192), (0, 1, 1, 2, 2), context=False)
    return MattingNetwork((32, 48, 96, 128), (1, 0, 0, 1), context=True)


def to_alpha(logits: Tensor) -> Tensor:
    """Coverage 0..1 from logits, the ends clamped so that certain pixels are exactly 0 and 1."""
    return ((torch.sigmoid(logits) - 0.02) / 0.96).clamp(0.0, 1.0)
