"""Mirror images that a matte keeps: a ring of 80 px, and its fainter image across an edge of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studiod.risk import assess
from studiod.risk.examination import examine
from studiod.risk.reflection import Reflection, find_emptied, find_reflection
from tests.risk import pieces

TABLE = 0.6
FOOT = 120


def found(image: float, quarters: int = 0, doubt: tuple[int, int] | None = None) -> Reflection | None:
    """What is found in a ring of light 0.1 and its image below it of light `image`, all of it turned."""
    ring = np.zeros((240, 300), np.float32)
    cv2.circle(ring, (100, 79), 35, 1.0, 10)
    alpha = np.maximum(ring, ring[::-1])
    light = np.full(alpha.shape, 0.1, np.float32)
    light[FOOT:] = image
    photo = np.repeat((alpha * light + (1 - alpha) * TABLE)[..., None], 3, axis=2)
    unsure = None
    if doubt is not None:
        unsure = np.full(alpha.shape, doubt[0], np.uint8)
        unsure[FOOT:] = doubt[1]
        unsure = np.ascontiguousarray(np.rot90(unsure, quarters))
    photo, alpha = (np.ascontiguousarray(np.rot90(layer, quarters)) for layer in (photo, alpha))
    return find_reflection(photo, np.full_like(photo, TABLE), alpha, unsure)


@pytest.mark.parametrize(
    ("quarters", "box"),
    [(0, (60, 120, 141, 201)), (1, (120, 159, 201, 240)), (2, (159, 39, 240, 120)), (3, (39, 60, 120, 141))],
)
@pytest.mark.parametrize("doubt", [None, (2, 30)])
def test_an_image_is_found_on_any_side(
    quarters: int, box: tuple[int, int, int, int], doubt: tuple[int, int] | None
) -> None:
    """Below, beside or above the piece: the box is the image's own, to the pixels of the small picture."""
    reflection = found(0.5, quarters, doubt)
    assert reflection is not None
    np.testing.assert_allclose(reflection.box, box, atol=3)
    assert 0.1 < reflection.strength < 0.3 < reflection.likeness


@pytest.mark.parametrize(
    ("image", "doubt"),
    [(0.1, None), (0.1, (2, 30)), (0.45, (10, 10)), (0.3, None)],
    ids=["as strong", "as strong, doubted", "not doubted more", "half as strong, doubt unknown"],
)
def test_a_second_piece_is_no_image(image: float, doubt: tuple[int, int] | None) -> None:
    """What is as strong as the piece, no more doubted, or without doubt on record half as strong is none."""
    assert found(image, doubt=doubt) is None


def test_a_ring_alone_has_no_image() -> None:
    """A ring's lower half is like its upper half and yet no image of it."""
    alpha = np.zeros((120, 120), np.float32)
    cv2.circle(alpha, (60, 60), 35, 1.0, 10)
    photo = np.repeat((alpha * 0.1 + (1 - alpha) * TABLE)[..., None], 3, axis=2)
    assert find_reflection(photo, np.full_like(photo, TABLE), alpha, None) is None


@pytest.mark.parametrize("height", [221, 223, 239, 441])
def test_a_box_never_leaves_the_frame(height: int) -> None:
    """An image that ends at the last row has a box that ends there, at any size."""
    half = np.zeros((height // 2, 200), np.float32)
    cv2.circle(half, (100, height // 4), height // 4 - 6, 1.0, 10)
    alpha = np.concatenate([half, np.flipud(half), np.zeros((height % 2, 200), np.float32)])
    alpha[-1, 95:105] = 1
    light = np.full(alpha.shape, 0.1, np.float32)
    light[len(half) :] = 0.5
    photo = np.repeat((alpha * light + (1 - alpha) * TABLE)[..., None], 3, axis=2)
    reflection = find_reflection(photo, np.full_like(photo, TABLE), alpha, None)
    assert reflection is not None and reflection.box[3] <= height and reflection.box[2] <= 200


def test_what_was_emptied_is_said() -> None:
    """Doubt about nothing is what was emptied for an image: its box is found, and told with the picture."""
    piece, image = pieces.mirrored_pendant()
    doubt = np.where((image > 0) & (piece.alpha == 0), 255 * image, 0).astype(np.uint8)
    assert find_emptied(piece.alpha, None) == find_emptied(piece.alpha, np.zeros_like(doubt)) == []
    (box,) = find_emptied(piece.alpha, doubt)
    rows, columns = np.nonzero(doubt > 0.06 * 255)
    assert box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    (finding,) = assess(piece.photo, piece.background, piece.alpha, doubt).findings
    assert finding.box == box and finding.reason == "reflection_removed" and "cut away" in finding.sentence


def test_nothing_is_lost_where_an_image_was_emptied() -> None:
    """A sharp mirror image below the matte looks like a loss; where it was emptied it is told as a whole."""
    ring = np.zeros((240, 300), np.float32)
    cv2.circle(ring, (100, 79), 35, 1.0, 10)
    image = ring[::-1]
    light = (1 - ring) * ((1 - image) * TABLE + image * 0.3) + ring * 0.1
    photo = np.repeat(light[..., None], 3, axis=2)
    background, emptied = np.full_like(photo, TABLE), np.rint(255 * image).astype(np.uint8)
    assert examine(photo, background, ring, None).losses
    assert not examine(photo, background, ring, emptied).losses


def test_a_loss_beside_an_emptied_image_is_one() -> None:
    """Of two pieces the lower one's shank is lost: that the other's image was emptied does not hide it."""
    high, low = np.zeros((240, 420), np.float32), np.zeros((240, 420), np.float32)
    cv2.circle(high, (90, 60), 35, 1.0, 8)
    cv2.circle(low, (320, 120), 35, 1.0, 8)
    image = np.roll(high[::-1], -36, axis=0)  # below the high one's foot, from row 105 on
    alpha, cut = np.maximum(high, low), low.copy()
    cut[148:] = 0
    light = (1 - alpha) * ((1 - image) * TABLE + image * 0.45) + alpha * 0.1
    photo = np.repeat(light[..., None], 3, axis=2)
    seen = examine(
        photo, np.full_like(photo, TABLE), np.maximum(high, cut), np.rint(255 * image).astype(np.uint8)
    )
    assert len(seen.emptied) == 1
    assert [loss for loss in seen.losses if seen.evidence.to_photo(*loss.box)[0] > 250]
    assert not [loss for loss in seen.losses if seen.evidence.to_photo(*loss.box)[2] < 250]


def test_an_empty_matte_has_no_image() -> None:
    """Where nothing is kept there is nothing to be an image of."""
    photo = np.full((40, 60, 3), TABLE, np.float32)
    assert find_reflection(photo, photo, np.zeros((40, 60), np.float32), None) is None
