"""A retoucher's work laid over the photograph: what was changed is kept, everything else stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from studiod.errors import PictureError
from studiod.imaging.colour import from_linear, to_linear, usable_profile
from studiod.imaging.photo import Photo
from studiod.imaging.types import Box, Floats, Mask, Pixels

_SAME = 1.5 / 255  # what rounding to 8 bits and back may change
_CONVERTED = 4.0 / 255  # and what another profile may
_SEARCHED = 48
_LOOKED_AT = 1200
_NOTICED, _ANOTHER = 0.02, 0.25
_AS_IT_WAS = "Save it as it was: neither moved nor scaled nor turned."


@dataclass(frozen=True, eq=False, slots=True)
class Sent:
    """What a retoucher was given of a photograph: of `box` the piece's colour, and 16-bit coverage."""

    box: Box
    colour: Pixels
    coverage: NDArray[np.uint16]


@dataclass(frozen=True, eq=False, slots=True)
class Saved:
    """What a retoucher saved: the piece's colour H x W x 3 and coverage H x W, 0..1, in `profile` (ICC).

    `profile` is None where the file names none: its colours are then as they were sent.
    """

    colour: Floats
    alpha: Floats
    profile: bytes | None


@dataclass(frozen=True, eq=False, slots=True)
class Retouched:
    """The photograph with the retoucher's colours in it, its coverage, and which colours are `final`.

    Those are the piece's own already; an edge elsewhere still has the background in it.
    """

    photo: Photo
    alpha: Floats
    final: Mask


def lay_over(photo: Photo, sent: Sent, saved: Saved) -> Retouched:
    """The photograph with what was saved of the part that was sent.

    Coverage and colours that nobody changed stay what they were. A pixel that had coverage, or
    was painted, keeps the colour that the retoucher saw; one that only gained coverage is the photograph's.
    PictureError where nothing was changed at all.
    """
    colour, tolerance = _in_profile(saved, photo)
    painted = np.abs(colour - _unit(sent.colour)).max(axis=2) * saved.alpha > tolerance
    before = _unit(sent.coverage)
    moved = np.abs(saved.alpha - before) > _SAME
    if not (painted.any() or moved.any()):
        raise PictureError("Nothing in it was changed.", "Save what you mended, under the same name.")
    pixels = sent.colour.copy()
    most = np.iinfo(pixels.dtype).max
    pixels[painted] = np.clip(colour[painted] * most + 0.5, 0, most).astype(pixels.dtype)
    final = (sent.coverage > 0) | painted
    left, top, right, bottom = sent.box
    inside = np.s_[top:bottom, left:right]
    whole = photo.pixels.copy()
    whole[inside][final] = pixels[final]
    return Retouched(
        replace(photo, pixels=whole),
        _on_canvas(np.where(moved, saved.alpha, before), photo, sent.box),
        _on_canvas(final, photo, sent.box),
    )


def check_size(found: tuple[int, int], sent: tuple[int, int]) -> None:
    """PictureError where what came back has another width and height than what was sent."""
    if found != sent:
        raise PictureError(
            f"It is {found[0]} x {found[1]} pixels, but {sent[0]} x {sent[1]} were sent.",
            "Save it at its own size, neither cropped nor scaled nor turned.",
        )


def check_registration(sent: Sent, saved: Saved) -> None:
    """PictureError where the piece was turned, mirrored or, by a few pixels, moved, or is another one.

    A shift of a pixel in a large picture is not seen.
    """
    factor = max(1.0, max(sent.coverage.shape) / _LOOKED_AT)
    before, after = (_smaller(_grey(each), factor) for each in (_unit(sent.colour), saved.colour))
    weight = _smaller((saved.alpha > 0.5).astype(np.float32), factor)
    total = float(weight.sum())
    if total < 16.0:
        return
    here = _apart(before, after, weight)
    turned = (each for each in _turns(before) if each.shape == after.shape)
    if here > _NOTICED and any(_apart(each, after, weight) < 0.5 * here for each in turned):
        raise PictureError("The piece in it was turned or mirrored.", _AS_IT_WAS)
    around = cv2.copyMakeBorder(before, *(_SEARCHED,) * 4, cv2.BORDER_REPLICATE)
    error = cv2.matchTemplate(around, after, cv2.TM_SQDIFF, mask=np.sqrt(weight))
    error = np.sqrt(np.maximum(error, 0.0) / total)
    y, x = divmod(int(np.argmin(error)), error.shape[1])
    across, down = (round((_SEARCHED - at) * factor) for at in (x, y))
    if (across or down) and here > _NOTICED and float(error[y, x]) < 0.5 * here:
        raise PictureError(
            f"The piece in it was moved, by about {abs(across)} px across and {abs(down)} px down.",
            _AS_IT_WAS,
        )
    if here > _ANOTHER:
        raise PictureError("It shows something else than what was sent.", "Look whether it has its own name.")


def _turns(picture: Floats) -> Iterator[Floats]:
    """The picture turned by quarters, and its mirror image as it is and turned."""
    yield from (np.rot90(picture, quarters) for quarters in (1, 2, 3))
    yield from (np.rot90(np.fliplr(picture), quarters) for quarters in range(4))


def _apart(first: Floats, second: Floats, weight: Floats) -> float:
    """The root of the mean square of what two pictures differ by."""
    return float(np.sqrt(np.average(np.square(first - second), weights=weight)))


def _in_profile(saved: Saved, photo: Photo) -> tuple[Floats, float]:
    """The saved colour in the photograph's profile, and how far one that nobody painted may be off."""
    profile = usable_profile(saved.profile, 3)
    if profile is None or profile == photo.profile:
        return saved.colour, _SAME
    codes = np.clip(saved.colour * 65535.0 + 0.5, 0, 65535).astype(np.uint16)
    converted = from_linear(to_linear(codes, profile), photo.profile)
    return _unit(converted), _CONVERTED


def _unit(codes: Pixels) -> Floats:
    return np.asarray(codes.astype(np.float32) / np.float32(np.iinfo(codes.dtype).max))


def _on_canvas(part: NDArray[Any], photo: Photo, box: Box) -> NDArray[Any]:
    """The part in its place, on a picture of the photograph's size that is empty elsewhere."""
    canvas = np.zeros((photo.height, photo.width), part.dtype)
    canvas[box[1] : box[3], box[0] : box[2]] = part
    return canvas


def _grey(colour: Floats) -> Floats:
    return np.asarray(colour @ np.array([0.3, 0.6, 0.1], np.float32))


def _smaller(layer: Floats, factor: float) -> Floats:
    size = tuple(max(1, round(side / factor)) for side in layer.shape[::-1])
    return np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)
