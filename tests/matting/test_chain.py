from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

from studiod.imaging.background import estimate_background
from studiod.imaging.types import Floats
from studiod.matting import WEIGHTS, chain, load_matte, tiles
from studiod.matting.brush import obey_strokes
from studiod.matting.chain import ChainMatting
from studiod.matting.matte import Matte
from studiod.settings import MattingSettings
from studiod.strokes import Stroke


@pytest.fixture(scope="module")
def matting() -> ChainMatting:
    """The shipped weights."""
    matte = load_matte(MattingSettings(), threads=1)
    assert isinstance(matte, ChainMatting)
    return matte


def test_weights_are_those_of_the_model_card() -> None:
    """The card describes the very files that are shipped: it names their hashes."""
    card = (WEIGHTS / "MODEL_CARD.md").read_text()
    for name in ("coarse.onnx", "fine.onnx"):
        assert hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() in card


def solved(matting: ChainMatting, photo: Floats, strokes: Sequence[Stroke] = (), shift: int = 0) -> Matte:
    """The matte on the background that is estimated, as in a studio without plates."""
    return matting.solve(photo, estimate_background(photo), strokes, shift)


def scene() -> Floats:
    """A block of many colours on grey, 300 x 420."""
    random = np.random.default_rng(2)
    photo = np.full((300, 420, 3), 0.6, np.float32)
    photo[90:200, 120:300] = random.uniform(0, 1, (110, 180, 3))
    return photo


SOLID = Stroke(((50.0, 40.0), (90.0, 40.0)), 4, "solid")


@pytest.fixture(scope="module")
def plain(matting: ChainMatting) -> Matte:
    """The matte of the scene, without strokes."""
    return solved(matting, scene())


@pytest.fixture(scope="module")
def drawn(matting: ChainMatting) -> Matte:
    """The matte of the scene with a solid stroke beside the block."""
    return solved(matting, scene(), strokes=[SOLID])


@pytest.mark.parametrize("shape", [(1, 1), (2, 2300), (2300, 3), (17, 31), (64, 410), (301, 399)])
def test_no_shape_is_too_odd(matting: ChainMatting, shape: tuple[int, int]) -> None:
    """A photograph of any shape gets a matte of that shape, float32, 0..1."""
    photo = np.full((*shape, 3), 0.8, np.float32)
    photo[shape[0] // 4 : 1 + shape[0] // 2, shape[1] // 4 : 1 + shape[1] // 2] = (0.3, 0.2, 0.02)
    alpha = solved(matting, photo).alpha
    assert alpha.shape == shape and alpha.dtype == np.float32
    assert 0 <= alpha.min() <= alpha.max() <= 1


def test_only_what_was_believed_stays() -> None:
    """What stands apart and the coarse pass did not believe goes, however large; a believed speck stays."""
    alpha, believed = np.zeros((400, 600), np.float32), np.zeros((200, 300), np.float32)
    alpha[40:160, 40:160] = 1.0  # glare, faintly believed
    believed[20:80, 20:80] = 0.1
    alpha[300:303, 500:503] = 0.5  # a speck of the piece
    believed[150:152, 250:252] = 0.6
    alpha[200, 300:500] = 1.0  # a wire that the coarse pass saw in part
    believed[100, 200:250] = 0.5
    chain._drop_unbelieved(alpha, believed)
    assert not alpha[:180, :180].any()
    assert (alpha[300:303, 500:503] == 0.5).all()
    assert (alpha[200, 300:500] == 1.0).all()


@pytest.mark.parametrize("draw", [scene, lambda: gold_ring()[0], lambda: fine_chain(2, 0.7)[0]])
def test_grid_does_not_show(
    matting: ChainMatting, monkeypatch: pytest.MonkeyPatch, draw: Callable[[], Floats]
) -> None:
    """Where the grid of tiles falls, and how large they are, changes nothing but roundings."""
    photo = draw()[100:340, 100:420]
    first = solved(matting, photo).alpha
    assert first.std() > 0.05
    monkeypatch.setattr(tiles, "LARGEST_TILE", 160)
    for shift in (16, 48):
        assert np.abs(solved(matting, photo, shift=shift).alpha - first).max() <= 1e-4


def test_remove_is_hard(matting: ChainMatting) -> None:
    """Alpha is 0 under a remove stroke, whatever else was asked."""
    track = ((130.0, 100.0), (280.0, 180.0))
    strokes = [Stroke(track, 5, "remove"), Stroke(track, 9, "solid"), Stroke(track, 9, "keep")]
    alpha = solved(matting, scene(), strokes=strokes).alpha
    for share in np.linspace(0, 1, 60):
        x, y = 130 + 150 * share, 100 + 80 * share
        assert alpha[round(y), round(x)] == 0


def test_solid_is_all_piece(drawn: Matte) -> None:
    """Alpha is 1 under all of a solid stroke."""
    assert (drawn.alpha[37:44, 50:91] == 1).all()


def test_keep_is_met_all_along_and_not_solid() -> None:
    """All along a keep stroke alpha reaches 0.9 within the brush; background between links is not filled."""
    photo = np.full((200, 300, 3), 0.6, np.float32)
    photo[100, 20:280] = 0.35
    alpha = np.zeros((200, 300), np.float32)
    obey_strokes(alpha, photo, np.full_like(photo, 0.6), [Stroke(((20.0, 102.0), (279.0, 102.0)), 6, "keep")])
    for x in range(20, 280):
        assert alpha[96:109, max(0, x - 6) : x + 7].max() >= 0.9
    assert alpha[105:, :].max() == 0
    assert alpha.mean() < 0.02


def test_doubt_lies_at_edges_and_not_under_strokes(plain: Matte, drawn: Matte) -> None:
    """Doubt is 0..255 of the photograph's size: some along edges, none on empty paper nor under a stroke."""
    assert plain.doubt is not None and drawn.doubt is not None
    assert plain.doubt.shape == plain.alpha.shape and plain.doubt.dtype == np.uint8
    edges = (plain.alpha > 0) & (plain.alpha < 1)
    assert plain.doubt[edges].mean() > 5 > plain.doubt[plain.alpha == 0].mean()
    assert (drawn.doubt[37:44, 50:91] == 0).all()


def test_same_answer_twice(matting: ChainMatting, plain: Matte) -> None:
    """The same photograph gives the same matte, bit for bit."""
    assert np.array_equal(solved(matting, scene()).alpha, plain.alpha)


def paper(level: float = 0.7, noise: float = 0.004) -> Floats:
    """An empty set, 600 x 800: lit from one side, a little grain."""
    y, x = np.mgrid[0:1:600j, 0:1:800j]
    grain = np.random.default_rng(6).normal(0, noise, (600, 800, 3))
    shade = level * (0.85 + 0.2 * x - 0.1 * y)[..., None] * np.array([1, 0.97, 0.94])
    return np.asarray(np.clip(shade + grain, 0, 1), np.float32)


@pytest.mark.parametrize("level", [0.05, 0.4, 0.9])
def test_empty_frame_has_an_empty_matte(matting: ChainMatting, level: float) -> None:
    """A set without a piece has a matte of zeros."""
    matte = solved(matting, paper(level))
    assert matte.alpha.max() == 0


def gold_ring() -> tuple[Floats, Floats]:
    """A photograph of a ring, and its coverage."""
    disc = np.zeros((2400, 3200), np.uint8)
    cv2.circle(disc, (1600, 1200), 600, 255, 96)
    cover = np.asarray(cv2.resize(disc, (800, 600), interpolation=cv2.INTER_AREA), np.float32) / 255
    gold = np.linspace(0.5, 1.2, 600, dtype=np.float32)[:, None, None] * np.array([0.8, 0.55, 0.2])
    return np.asarray(paper() * (1 - cover[..., None]) + cover[..., None] * gold, np.float32), cover


def fine_chain(wire: int, contrast: float) -> tuple[Floats, Floats]:
    """A photograph of a hanging chain of `wire` pixels, and its coverage."""
    large = np.zeros((4800, 6400), np.uint8)
    for step in range(0, 600, 4):
        share = step / 600
        middle = (int(8 * (60 + 680 * share)), int(8 * (80 + 1440 * share * (1 - share))))
        turn = float(np.degrees(np.arctan2(1440 * (1 - 2 * share), 680)))
        axes, width = (int(16 * wire), int(9.5 * wire)), max(1, int(4.8 * wire))
        cv2.ellipse(large, middle, axes, turn, 0, 360, 255, width)
    cover = np.asarray(cv2.resize(large, (800, 600), interpolation=cv2.INTER_AREA), np.float32) / 255
    return np.asarray(paper() * (1 - contrast * cover[..., None]), np.float32), cover


def test_ring_is_whole_and_its_hole_open(matting: ChainMatting) -> None:
    """A gold ring's inside is exactly 1, its hole and the far background exactly 0."""
    photo, cover = gold_ring()
    alpha = solved(matting, photo).alpha
    assert (alpha[cv2.erode(cover, np.ones((9, 9))) > 0.999] == 1).all()
    assert alpha[cv2.dilate(cover, np.ones((15, 15))) < 0.001].max() == 0


def test_a_chain_too_small_for_the_first_look_is_kept(matting: ChainMatting) -> None:
    """A pale chain of 200 px in 24 megapixels is 12 px long at 384: the second look sees and keeps it."""
    _, large = fine_chain(8, 0.5)
    small = cv2.resize(large, (200, 150), interpolation=cv2.INTER_AREA)
    cover = np.zeros((4000, 6000), np.float32)
    cover[3300:3450, 500:700] = small
    noise = np.random.default_rng(0).normal(0, 0.004, cover.shape).astype(np.float32)
    photo = np.repeat((0.6 * (1 + 0.15 * cover) + noise)[..., None], 3, axis=2)
    alpha = solved(matting, photo).alpha
    assert np.minimum(alpha, cover).sum() >= 0.7 * cover.sum()
    alpha[3290:3460, 490:710] = 0
    assert alpha.max() == 0


@pytest.mark.parametrize(("wire", "contrast"), [(1, 0.7), (2, 0.4), (2, 0.7)])
def test_fine_chain_is_kept(matting: ChainMatting, wire: int, contrast: float) -> None:
    """Of a chain of 1 or 2 px wire seven tenths survive, and next to nothing is put beside it."""
    photo, cover = fine_chain(wire, contrast)
    alpha = solved(matting, photo).alpha
    assert np.minimum(alpha, cover).sum() >= 0.7 * cover.sum()
    assert alpha[cv2.dilate(cover, np.ones((9, 9))) == 0].sum() <= 0.02 * cover.sum()
