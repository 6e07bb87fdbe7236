"""What the risk learns from: pieces set elsewhere, and their mattes examined."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from studiod.evaluate.elsewhere import set_elsewhere
from studiod.evaluate.lessons import study_picture
from studiod.evaluate.measures import CHAIN, METAL
from studiod.evaluate.sets import Truth, list_truths

WEIGHTS = Path(__file__).parent / "models" / "u2netp.onnx"


@pytest.fixture
def truths(tmp_path: Path) -> list[Truth]:
    """Two golden hoops with a tail of chain, one of each half of the split, in the layout of the bench."""
    for name, kind, seed, level in (("one", "band_ring", 1, 220), ("two", "band_ring", 2, 90)):
        alpha, parts = np.zeros((160, 200), np.uint8), np.zeros((160, 200), np.uint8)
        cv2.circle(alpha, (80, 80), 40, 255, 9, cv2.LINE_AA)
        parts[alpha > 0] = METAL
        cv2.line(alpha, (125, 80), (180, 120), 255, 3, cv2.LINE_AA)
        parts[(alpha > 0) & (parts == 0)] = CHAIN
        cover = alpha[..., None] / 255
        piece, plate = cover * (40, 120, 180), np.full((160, 200, 3), level, np.float64)
        pictures = {
            "_alpha.png": alpha, "_parts.png": parts, "_fg.png": piece, "_plate.jpg": plate,
            ".jpg": piece + (1 - cover) * plate,
        }  # fmt: skip
        for ending, pixels in pictures.items():
            cv2.imwrite(str(tmp_path / f"{name}{ending}"), pixels.astype(np.uint8))
        (tmp_path / f"{name}.json").write_text(f'{{"kind": "{kind}", "seed": {seed}}}')
    return list_truths(tmp_path)


def test_a_piece_set_elsewhere_is_the_same_piece(truths: list[Truth]) -> None:
    """Its matte, parts and colour are its own, the background is another's, and a number repeats it."""
    found = set_elsewhere(truths[0], truths[1:], 3)
    assert found.truth.name == "one@3"
    assert found.photo.shape == (*found.exact.alpha.shape, 3) == found.background.shape
    assert found.exact.alpha.max() == 1
    assert set(np.unique(found.exact.parts)) == {0, METAL, CHAIN}
    gold = found.photo[found.exact.alpha == 1].mean(axis=0)
    assert gold == pytest.approx(((180 / 255) ** 2.2, (120 / 255) ** 2.2, (40 / 255) ** 2.2), abs=0.01)
    assert np.median(found.photo) < 0.25  # the dark plate, not the pale one
    assert np.array_equal(found.photo, set_elsewhere(truths[0], truths[1:], 3).photo)


def test_a_piece_that_networks_know_teaches_what_none_of_them_made(
    truths: list[Truth], tmp_path: Path
) -> None:
    """Of a training piece only made mattes are studied, with their truth; a second time they are read."""
    cache = tmp_path / "cache"
    lessons = study_picture(truths[0], truths[:1], cache, WEIGHTS)
    assert {lesson.source.split("-")[0] for lesson in lessons} == {"exact", "spoilt", "difference"}
    assert {lesson.part for lesson in lessons} == {"train"} and not (cache / "mattes").exists()
    exact = next(lesson for lesson in lessons if lesson.source == "exact")
    assert exact.score.usable and exact.gaps == () and not exact.lost.any() and not exact.shipped
    kept = {path: path.stat().st_mtime_ns for path in cache.rglob("*.pickle")}
    again = study_picture(truths[0], truths[:1], cache, WEIGHTS)
    assert [lesson.score for lesson in again] == [lesson.score for lesson in lessons]
    assert kept == {path: path.stat().st_mtime_ns for path in cache.rglob("*.pickle")}
