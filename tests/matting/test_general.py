from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from studiod.errors import StudioError
from studiod.imaging.background import estimate_background
from studiod.matting import LoadedMatte, load_matte
from studiod.matting.difference import matte_from_difference
from studiod.matting.general import GeneralModel, run_as_published
from studiod.settings import MattingSettings
from studiod.strokes import Stroke

WEIGHTS = Path(__file__).parents[1] / "models" / "u2netp.onnx"


@pytest.fixture(scope="module")
def matte() -> LoadedMatte:
    return load_matte(MattingSettings.model_construct(model=WEIGHTS), 1)


def ring(radius: int = 120, thickness: int = 34) -> np.ndarray:
    """A gold ring on light grey, linear light."""
    photo = np.full((480, 640, 3), 0.62, np.float32)
    photo *= np.linspace(0.9, 1.05, 640, dtype=np.float32)[None, :, None]
    cv2.circle(photo, (320, 240), radius, (0.45, 0.26, 0.06), thickness, cv2.LINE_AA)
    return photo


def test_the_file_is_the_one_the_notice_names() -> None:
    """The general model that the tests run carries the hash that its notice names."""
    model = GeneralModel(WEIGHTS, 1)
    assert model.sha256 in (WEIGHTS.parent / "NOTICE.txt").read_text()
    assert (model.name, model.side) == ("u2netp", 320)


def test_a_ring_hole_stays_open(matte: LoadedMatte) -> None:
    """Background inside an enclosed hole is removed, the piece around it kept whole."""
    photo = ring()
    alpha = matte.solve(photo, estimate_background(photo)).alpha
    assert alpha.shape == photo.shape[:2] and alpha.dtype == np.float32
    assert alpha[240, 320] == 0 and alpha[10, 10] == 0
    assert alpha[240, 200] == 1 and alpha[120, 320] == 1


def test_an_empty_frame_has_an_empty_matte(matte: LoadedMatte) -> None:
    """Where the model's raw mask is nowhere sure, nothing is cut out."""
    photo = np.full((300, 400, 3), 0.6, np.float32)
    assert not matte.solve(photo, photo).alpha.any()


def test_strokes_are_obeyed(matte: LoadedMatte) -> None:
    """A single click with the remove brush clears what it covers, a solid stroke covers it."""
    photo = ring()
    strokes = (
        Stroke(((200.0, 240.0),), 8.0, "remove"),
        Stroke(((320.0, 240.0), (330.0, 240.0)), 6.0, "solid"),
    )
    alpha = matte.solve(photo, estimate_background(photo), strokes).alpha
    assert alpha[240, 200] == 0 and alpha[240, 325] == 1


def test_a_thin_wire_beyond_the_mask_is_kept() -> None:
    """A wire of 2 px that leaves the rough mask's region is followed by its difference."""
    photo = np.full((300, 600, 3), 0.6, np.float32)
    cv2.circle(photo, (150, 150), 60, (0.2, 0.1, 0.05), -1, cv2.LINE_AA)
    cv2.line(photo, (200, 150), (560, 170), (0.2, 0.1, 0.05), 2, cv2.LINE_AA)
    mask = np.zeros((320, 320), np.float32)
    cv2.circle(mask, (80, 160), 40, 1.0, -1)
    alpha = matte_from_difference(photo, np.full_like(photo, 0.6), mask)
    assert min(alpha[:, column].max() for column in range(210, 550)) > 0.8


def test_the_peer_is_stretched_as_rembg_does() -> None:
    """The published way stretches even a mask without confidence to the full range."""
    display = np.random.default_rng(3).integers(90, 160, (200, 260, 3)).astype(np.uint8)
    alpha = run_as_published(GeneralModel(WEIGHTS, 1), display)
    assert alpha.shape == (200, 260) and alpha.max() > 0.95 and alpha.min() == 0


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    """A file that is no model, and one that is not there, are errors that name the file."""
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"no model")
    for path in (wrong, tmp_path / "absent.onnx"):
        with pytest.raises(StudioError, match=path.name) as caught:
            GeneralModel(path, 1)
        assert caught.value.hint
