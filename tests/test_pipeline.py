"""The pipeline: its stages fit, an empty picture is one too, and a plate that does not fit is told."""

from typing import Any

import numpy as np

from studiod.imaging.photo import Photo
from studiod.matting.matte import Matte
from studiod.pipeline import Processed, process_photo
from studiod.risk.findings import Finding, Risk
from studiod.settings import Preset

WHITE = Preset.model_validate({"name": "white", "width": 200, "height": 200})
NATIVE = Preset.model_validate({"name": "native", "format": "tiff16"})


def ring() -> tuple[Photo, np.ndarray]:
    """A dark ring on light grey, and its coverage."""
    y, x = np.mgrid[:160, :240]
    distance = np.abs(np.hypot(x - 120, y - 80) - 50)
    alpha = np.clip(8 - distance, 0, 1).astype(np.float32)
    codes = np.round(60 * alpha + 225 * (1 - alpha)).astype(np.uint8)
    return Photo(np.repeat(codes[..., None], 3, axis=2), None, None), alpha


def told(linear: np.ndarray, background: np.ndarray, alpha: np.ndarray, doubt: np.ndarray | None) -> Risk:
    finding = Finding("chain_gap", (60, 70, 90, 100), (75, 85), 0.4, "A gap.")
    return Risk(0.4, (finding,), "test")


def run(photo: Photo, alpha: np.ndarray, **more: Any) -> Processed:
    return process_photo(
        photo,
        plate=more.get("plate"),
        solve=lambda *_: Matte(alpha),
        assess=told,
        presets=more.get("presets", [WHITE]),
    )


def test_a_photograph_becomes_cutout_composites_and_risk() -> None:
    """All stages run; the box holds all of the piece; every preset has its composite."""
    photo, alpha = ring()
    made = run(photo, alpha, presets=[WHITE, NATIVE])
    left, top, right, bottom = made.box
    assert alpha.sum() == alpha[top:bottom, left:right].sum()
    assert set(made.composites) == {"white", "native"}
    assert made.risk.score == 0.4
    whole = alpha[top:bottom, left:right] == 1
    assert (made.cutout.pixels[whole][:, :3] == 60 * 257).all()
    assert made.composites["white"].pixels[0, 0].tolist() == [255] * 3


def test_the_doubt_about_a_matte_is_judged_with_it() -> None:
    """What is judged is the matte's coverage and the doubt that came with it."""
    photo, alpha = ring()
    doubt = np.full(alpha.shape, 7, np.uint8)
    judged = []

    def assess(*given: Any) -> Risk:
        judged.append(given[2:])
        return told(*given)

    process_photo(photo, plate=None, solve=lambda *_: Matte(alpha, doubt), assess=assess, presets=[])
    assert judged[0][0] is alpha and judged[0][1] is doubt


def test_an_empty_picture_is_a_valid_result() -> None:
    """Where nothing is found everything is made all the same: an empty cutout on the background."""
    photo, alpha = ring()
    made = run(photo, np.zeros_like(alpha), presets=[WHITE, NATIVE])
    assert not made.cutout.pixels.any()
    assert (made.composites["white"].pixels == 255).all()


def test_a_plate_that_does_not_fit_is_not_used_and_says_why() -> None:
    """A plate of something else is refused; the estimate takes its place and the message is kept."""
    photo, alpha = ring()
    noise = np.random.default_rng(0).integers(0, 255, (160, 240, 3), dtype=np.uint8)
    made = run(photo, alpha, plate=Photo(noise, None, None))
    assert made.plate_message


def test_a_plate_that_fits_is_used() -> None:
    """The empty set of the same photograph is used, without a message."""
    _, alpha = ring()
    random = np.random.default_rng(0)
    texture = random.normal(0, 2, (160, 240, 1))
    plate = np.clip(225 + texture, 0, 255).astype(np.uint8).repeat(3, axis=2)
    cover = alpha[..., None]
    shot = np.round(60 * cover + plate * (1 - cover)).astype(np.uint8)
    made = run(Photo(shot, None, None), alpha, plate=Photo(plate, None, None))
    assert made.plate_message == ""


def test_the_same_picture_gives_the_same_result() -> None:
    """Run twice, every value is the same."""
    photo, alpha = ring()
    one, two = run(photo, alpha), run(photo, alpha)
    assert np.array_equal(one.cutout.pixels, two.cutout.pixels)
    assert np.array_equal(one.composites["white"].pixels, two.composites["white"].pixels)
