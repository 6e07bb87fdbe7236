"""A touch-up over the photograph: what was changed counts, all else stays as it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from studiod.errors import PictureError
from studiod.imaging.colour import ADOBE_RGB, from_linear, to_linear
from studiod.imaging.photo import Photo
from studiod.imaging.retouch import Saved, Sent, check_registration, check_size, lay_over
from studiod.imaging.types import Floats

BOX = (2, 1, 6, 4)
"""What is sent of a photograph of 8 x 6 pixels: 4 x 3."""


def photograph(profile: bytes | None = None, dtype: type = np.uint8) -> Photo:
    """A photograph whose every pixel is another grey."""
    codes = np.arange(48, dtype=dtype).reshape(6, 8) * (np.iinfo(dtype).max // 64)
    return Photo(np.repeat(codes[..., None], 3, axis=2), profile, None)


def sent_of(photo: Photo) -> Sent:
    """First column piece, second its edge (with a colour of its own), the rest background."""
    colour = photo.pixels[1:4, 2:6].copy()
    colour[:, 1] = 77
    coverage = np.zeros((3, 4), np.uint16)
    coverage[:, 0], coverage[:, 1] = 65535, 30001
    return Sent(BOX, colour, coverage)


def saved_of(sent: Sent, *, bits: int = 8) -> Saved:
    """The same, as a program saves it that nobody painted in."""
    most = 2**bits - 1
    alpha = np.rint(sent.coverage / 65535 * most) / most
    colour = sent.colour.astype(np.float32) / np.iinfo(sent.colour.dtype).max
    return Saved(colour, alpha.astype(np.float32), None)


def test_what_was_not_changed_stays() -> None:
    """One pixel more coverage: it is there, with the photograph's colour; 16 bits elsewhere outlive 8."""
    photo = photograph()
    sent = sent_of(photo)
    saved = saved_of(sent)
    saved.alpha[1, 3] = 1.0
    done = lay_over(photo, sent, saved)
    assert done.alpha[2, 5] == 1.0
    assert (done.photo.pixels[2, 5] == photo.pixels[2, 5]).all()
    assert not done.final[2, 5]
    assert (np.rint(done.alpha[1:4, 3] * 65535) == 30001).all()
    assert (done.photo.pixels[1:4, 3] == 77).all() and done.final[1:4, 2:4].all()
    done.alpha[2, 5] = 0
    assert np.count_nonzero(done.alpha) == 6


def test_painted_colours_are_kept() -> None:
    """What was painted, on the piece or beside it, is the piece's colour; under no coverage it is nothing."""
    photo = photograph()
    sent = sent_of(photo)
    saved = saved_of(sent)
    saved.alpha[0, 2] = 0.5
    saved.colour[0] = (1.0, 0.5, 0.0)
    done = lay_over(photo, sent, saved)
    assert done.photo.pixels[1, 2:6].tolist() == [[255, 128, 0]] * 3 + [photo.pixels[1, 5].tolist()]
    assert done.final[1].tolist() == [False, False, True, True, True, False, False, False]


def test_coverage_may_go() -> None:
    """What was masked away is gone."""
    photo = photograph()
    sent = sent_of(photo)
    saved = saved_of(sent)
    saved.alpha[...] = 0
    assert not lay_over(photo, sent, saved).alpha.any()


@pytest.mark.parametrize("bits", [8, 16])
def test_nothing_changed(bits: int) -> None:
    """A file that comes back as it was sent is no touch-up, whatever depth it was saved in."""
    photo = photograph(dtype=np.uint16)
    sent = sent_of(photo)
    with pytest.raises(PictureError, match="Nothing in it was changed"):
        lay_over(photo, sent, saved_of(sent, bits=bits))


def test_another_profile_is_no_change() -> None:
    """Colours that a program converted into its own profile, and names it, are the same colours."""
    photo = photograph()
    sent = sent_of(photo)
    converted = from_linear(to_linear(sent.colour, None), ADOBE_RGB) / np.float32(65535)
    saved = Saved(np.asarray(converted, np.float32), saved_of(sent).alpha, ADOBE_RGB)
    with pytest.raises(PictureError, match="Nothing in it was changed"):
        lay_over(photo, sent, saved)


def test_another_size_is_refused() -> None:
    """What was cropped or scaled is refused in numbers that a person can compare."""
    check_size((4, 3), (4, 3))
    with pytest.raises(PictureError, match="5 x 3 pixels, but 4 x 3 were sent"):
        check_size((5, 3), (4, 3))


def textured() -> Sent:
    """A piece with some detail."""
    colour = np.random.default_rng(3).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    coverage = np.zeros((90, 120), np.uint16)
    coverage[20:70, 30:90] = 65535
    return Sent((0, 0, 120, 90), colour, coverage)


@pytest.mark.parametrize(("across", "down"), [(1, 0), (0, -3), (-12, 7), (40, 0)])
def test_a_moved_piece_is_refused(across: int, down: int) -> None:
    """A piece that was moved against the photograph would cover the wrong pixels."""
    sent = textured()
    saved = saved_of(sent)
    moved = [np.roll(each, (down, across), (0, 1)) for each in (saved.colour, saved.alpha)]
    with pytest.raises(PictureError, match=f"about {abs(across)} px across and {abs(down)} px down"):
        check_registration(sent, Saved(*moved, None))


@pytest.mark.parametrize("turn", [np.fliplr, np.flipud, np.rot90, lambda layer: np.rot90(layer, 2)])
def test_a_turned_piece_is_refused(turn: Callable[[Floats], Floats]) -> None:
    """Saved mirrored, on its head or, where it is square, on its side, it is not taken: not even a ring."""
    y, x = np.mgrid[-1:1:160j, -1:1:160j]
    coverage = np.where(np.abs(np.hypot(x, y) - 0.7) < 0.2, 65535, 0).astype(np.uint16)
    light = (120 + 90 * np.sin(3 * x + y + 1)).astype(np.uint8)
    sent = Sent((0, 0, 160, 160), np.repeat(light[..., None], 3, axis=2), coverage)
    saved = saved_of(sent)
    check_registration(sent, saved)
    with pytest.raises(PictureError, match="turned or mirrored"):
        check_registration(sent, Saved(turn(saved.colour), turn(saved.alpha), None))


def test_a_mended_piece_stands_where_it_was() -> None:
    """A painted tenth of the piece, brighter colours and another edge are no move."""
    sent = textured()
    saved = saved_of(sent)
    saved.colour[30:45, 40:60] = (0.9, 0.8, 0.1)
    saved.alpha[10:20, 30:90] = 1
    check_registration(sent, Saved(saved.colour * np.float32(0.9), saved.alpha, None))


def test_another_picture_is_refused() -> None:
    """A file of another piece that has this one's name and size is not taken."""
    sent = textured()
    saved = saved_of(sent)
    with pytest.raises(PictureError, match="something else"):
        check_registration(sent, Saved(1 - saved.colour, saved.alpha, None))
