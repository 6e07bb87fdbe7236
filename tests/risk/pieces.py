"""Pictures of jewellery drawn by hand: exact mattes, and one known defect at a time.

Each is drawn once and read only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from studiod.imaging.types import Floats

OVER = 4
SIZE = (480, 640)
GOLD = np.array([0.42, 0.24, 0.05], np.float32)
STEEL = np.array([0.12, 0.12, 0.13], np.float32)


@dataclass(frozen=True)
class Piece:
    """A drawn picture: photograph and background (linear), and its exact matte."""

    photo: Floats
    background: Floats
    alpha: Floats

    def with_alpha(self, alpha: Floats) -> Piece:
        """The same picture under another matte."""
        return Piece(self.photo, self.background, alpha)


def studio() -> Floats:
    """A light grey paper with a gradient."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    light = 0.6 + 0.08 * columns / SIZE[1] - 0.05 * rows / SIZE[0]
    return np.dstack([light, light * 0.99, light * 0.97]).astype(np.float32)


def shape(draw: object) -> Floats:
    """Coverage of what `draw(canvas, scale)` paints with 255 on an enlarged canvas."""
    canvas = np.zeros((SIZE[0] * OVER, SIZE[1] * OVER), np.uint8)
    draw(canvas, OVER)
    return (cv2.resize(canvas, SIZE[::-1], interpolation=cv2.INTER_AREA) / 255).astype(np.float32)


def dot(x: float, y: float, radius: float) -> Floats:
    """Coverage of a disc."""
    return shape(
        lambda canvas, s: cv2.circle(canvas, (round(x * s), round(y * s)), round(radius * s), 255, -1)
    )


def place(background: Floats, alpha: Floats, colour: Floats) -> Floats:
    """The matting equation."""
    return (alpha[..., None] * colour + (1 - alpha[..., None]) * background).astype(np.float32)


def finish(photo: Floats, background: Floats, alpha: Floats) -> Piece:
    """Add the camera's noise."""
    noise = np.random.default_rng(7).normal(0, 0.004, photo.shape).astype(np.float32)
    piece = Piece((photo + noise).clip(0), background, alpha)
    for layer in (piece.photo, background, alpha):
        layer.setflags(write=False)
    return piece


@cache
def chain() -> tuple[Piece, list[tuple[float, float]]]:
    """A necklace of oval links on an arc, and the links' centres."""
    angles = np.linspace(0.15 * np.pi, 0.85 * np.pi, 34)
    centres = [(320 + 230 * np.cos(a), 60 + 260 * np.sin(a)) for a in angles]

    def draw(canvas: Floats, s: int) -> None:
        for index, ((x, y), a) in enumerate(zip(centres, angles, strict=True)):
            axes = (round(12 * s), round((5 if index % 2 else 2) * s))
            slope = np.degrees(np.arctan2(260 * np.cos(a), -230 * np.sin(a)))
            cv2.ellipse(canvas, (round(x * s), round(y * s)), axes, slope, 0, 360, 255, round(2.5 * s))

    alpha = shape(draw)
    background = studio()
    return finish(place(background, alpha, GOLD), background, alpha), centres


@cache
def ring() -> tuple[Piece, list[tuple[float, float]]]:
    """A solitaire seen from the side: a shank with its hole, a bright stone, and eight prongs round it."""
    shank = shape(lambda c, s: cv2.circle(c, (320 * s, 320 * s), 105 * s, 255, 18 * s))
    stone = dot(320, 160, 52)
    angles = np.arange(8) * np.pi / 4 + 0.2
    tips = [(320 + 55 * np.cos(a), 160 + 55 * np.sin(a)) for a in angles]
    prongs = np.max([dot(x, y, 6.5) for x, y in tips], axis=0)
    background = studio()
    photo = place(background, shank, GOLD)
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    facets = 0.35 + 0.3 * np.sin(columns / 5) * np.cos(rows / 6)
    photo = place(photo, stone, np.dstack([facets * 0.5, facets * 0.7, facets]).astype(np.float32))
    photo = place(photo, prongs, STEEL)
    alpha = np.max([shank, stone, prongs], axis=0)
    return finish(photo, background, alpha), tips


@cache
def mirrored_pendant() -> tuple[Piece, Floats]:
    """A pendant that stands on acrylic, and the coverage of its mirror image."""
    triangle = np.array([[250, 60], [390, 60], [345, 215], [295, 215]])
    body = shape(lambda c, s: cv2.fillPoly(c, [triangle * s], 255))
    body = np.maximum(body, dot(290, 90, 40))
    image = np.zeros_like(body)
    image[220:420] = body[20:220][::-1]
    background = studio()
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    tone = (0.5 + 0.5 * np.sin(columns / 9 + rows / 14))[..., None] * GOLD
    below = np.zeros_like(tone)
    below[220:420] = tone[20:220][::-1]
    photo = place(background, body, tone)
    photo = place(photo, 0.3 * image, below)
    return finish(photo, background, body), image


def erased(alpha: Floats, x: float, y: float, radius: float) -> Floats:
    """The matte with a disc taken out."""
    return (alpha * (1 - dot(x, y, radius))).astype(np.float32)


@cache
def cabochon() -> tuple[Piece, tuple[float, float]]:
    """A dark ring of metal round a smooth stone with one bright highlight, and the highlight's place."""
    bezel, stone, glint = dot(320, 240, 110), dot(320, 240, 95), dot(290, 210, 7)
    background = studio()
    photo = place(background, bezel, GOLD)
    photo = place(photo, stone, np.array([0.05, 0.12, 0.2], np.float32))
    photo = place(photo, glint, np.array([0.95, 0.95, 0.95], np.float32))
    return finish(photo, background, bezel), (290.0, 210.0)


def pave(radius: float) -> tuple[Piece, list[tuple[float, float]]]:
    """A golden bar set with five round dark stones, and the stones' centres."""
    bar = shape(lambda c, s: cv2.rectangle(c, (120 * s, 190 * s), (520 * s, 290 * s), 255, -1))
    centres = [(170.0 + 75 * n, 240.0) for n in range(5)]
    background = studio()
    photo = place(background, bar, GOLD)
    for x, y in centres:
        photo = place(photo, dot(x, y, radius), np.array([0.02, 0.03, 0.06], np.float32))
    return finish(photo, background, bar), centres


@cache
def hooked() -> Piece:
    """An open hook of thick wire: its inside is joined with the outside."""
    alpha = shape(lambda c, s: cv2.ellipse(c, (320 * s, 240 * s), (100 * s,) * 2, 0, 0, 300, 255, 14 * s))
    background = studio()
    return finish(place(background, alpha, GOLD), background, alpha)


def turned(piece: Piece, quarters: int, mirror: bool) -> Piece:
    """The picture turned by quarter turns and then mirrored."""

    def turn(layer: Floats) -> Floats:
        layer = np.rot90(layer, quarters)
        return np.ascontiguousarray(layer[:, ::-1] if mirror else layer)

    return Piece(turn(piece.photo), turn(piece.background), turn(piece.alpha))


@cache
def pair() -> tuple[Piece, Floats]:
    """Two drop earrings far apart, and the coverage of the right one."""
    left, right = (
        np.maximum(
            shape(lambda c, s, x=x: cv2.line(c, (x * s, 90 * s), (x * s, 240 * s), 255, 5 * s)),
            np.maximum(dot(x, 290, 45) - dot(x, 290, 24), dot(x, 90, 12)),
        )
        for x in (120, 520)
    )
    background = studio()
    alpha = np.maximum(left, right)
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    tone = (0.6 + 0.4 * np.sin(columns / 9 + rows / 14))[..., None] * GOLD
    return finish(place(background, alpha, tone), background, alpha), right
