from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
exporting = pytest.importorskip("studiod.matting.training.exporting")

from studiod.imaging.colour import to_linear  # noqa: E402
from studiod.matting.training import packing, running, starting  # noqa: E402
from studiod.matting.training.losses import matting_loss  # noqa: E402
from studiod.matting.training.networks import build_network, to_alpha  # noqa: E402
from studiod.matting.training.samples import draw_sample  # noqa: E402
from studiod.matting.training.surfaces import draw_surface  # noqa: E402


def write_set(folder: Path, count: int = 6) -> None:
    """A few tiny pictures as the generator leaves them: a ring and a bar on a gradient."""
    folder.mkdir()
    for seed in range(count):
        alpha = np.zeros((120, 160), np.uint8)
        cv2.circle(alpha, (60 + 5 * seed, 60), 30, 255, 5, cv2.LINE_AA)
        cv2.line(alpha, (90, 10), (150, 100), 255, 2, cv2.LINE_AA)
        plate = np.full((120, 160, 3), (200, 210, 220), np.uint8)
        cover = alpha[..., None] / 255
        piece = (cover * np.array([40, 120, 180])).astype(np.uint8)
        name = f"hoop_{seed:04}"
        files = {
            "_alpha.png": alpha,
            "_parts.png": (alpha > 0).astype(np.uint8) * 4,
            "_fg.png": piece,
            "_plate.jpg": plate,
            ".jpg": (piece + (1 - cover) * plate).astype(np.uint8),
        }
        for suffix, pixels in files.items():
            cv2.imwrite(str(folder / f"{name}{suffix}"), pixels)
        (folder / f"{name}.json").write_text(
            json.dumps({"kind": "hoop", "seed": 9000 + seed, "chain_wire_px": None})
        )


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pack")
    write_set(folder / "set")
    assert len(list(packing.write_pack([folder / "set"], folder / "set.pack"))) == 6
    return folder / "set.pack"


def test_pack_keeps_every_pixel(packed: Path) -> None:
    """What is read from a packed file is what lay in the folder."""
    pictures = packing.read_pack(packed)
    assert [p.name for p in pictures] == [f"hoop_{seed:04}" for seed in range(6)]
    alpha = cv2.imread(str(packed.parent / "set" / "hoop_0003_alpha.png"), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(pictures[3].native.alpha, alpha)
    assert pictures[3].native.photo.shape == (120, 160, 3)


def test_light_goes_there_and_back() -> None:
    """Linear light and display values are inverses to the rounding of 8 bits."""
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 256, 3)
    assert np.array_equal(packing.to_display(to_linear(ramp, None)), ramp)


@pytest.mark.parametrize(("which", "size"), [("coarse", 96), ("fine", 128)])
def test_samples_are_well_formed(packed: Path, which: str, size: int) -> None:
    """Every sample has its shapes, is finite, and alpha and coarse alpha lie in 0..1; a seed repeats it."""
    pictures = packing.read_pack(packed)
    for seed in range(40):
        sample = draw_sample(pictures, which, size, np.random.default_rng(seed))
        assert sample.picture.shape == (8, size, size)
        assert sample.context.shape == (1, size // 4, size // 4)
        for array in (sample.picture, sample.context, sample.alpha, sample.weight):
            assert array.dtype == np.float32
            assert np.isfinite(array).all()
        assert 0 <= sample.alpha.min() <= sample.alpha.max() <= 1
        assert (sample.alpha[sample.picture[7] > 0] < 0.01).all()
        again = draw_sample(pictures, which, size, np.random.default_rng(seed))
        assert np.array_equal(sample.picture, again.picture)


def test_made_up_tables_are_backgrounds() -> None:
    """A made-up table is linear light in 0..1 of its size, seldom flat, and a seed repeats it."""
    scenes = [draw_surface(64, np.random.default_rng(seed)) for seed in range(60)]
    for seed, scene in enumerate(scenes):
        assert scene.shape == (64, 64, 3)
        assert scene.dtype == np.float32
        assert np.isfinite(scene).all()
        assert 0 <= scene.min() <= scene.max() <= 1
        assert np.array_equal(scene, draw_surface(64, np.random.default_rng(seed)))
    assert np.mean([scene.std() > 0.01 for scene in scenes]) > 0.8


def test_true_matte_has_the_least_loss() -> None:
    """No matte has less loss than the true one; certain logits give exactly 0 and 1."""
    alpha = torch.zeros(1, 1, 32, 32)
    alpha[..., 8:24, 8:24] = 1
    right = (alpha * 2 - 1) * 6
    weight = torch.ones_like(alpha)
    assert torch.equal(to_alpha(right), alpha)
    best = float(matting_loss(right, alpha, weight))
    assert best < float(matting_loss(right * 0.2, alpha, weight)) < float(matting_loss(-right, alpha, weight))


def test_run_resumes_and_exports(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes on where its checkpoint ends, and its ONNX file answers like torch to 1/255."""
    monkeypatch.setitem(running.SIZES, "fine", 64)
    plan = running.Plan(packed, "fine", tmp_path / "run", minutes=0.02, batch=2)
    running.train(plan)
    first = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["state"]["step"]
    running.train(replace(plan, minutes=0.04))
    second = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["state"]["step"]
    assert second > first > 0
    difference = exporting.export_network(tmp_path / "run" / "checkpoint.pt", "fine", tmp_path / "fine.onnx")
    assert difference < 1 / 255


@pytest.mark.parametrize("which", ["coarse", "fine"])
def test_exported_weights_are_a_start(packed: Path, tmp_path: Path, which: str) -> None:
    """A network started from exported weights answers as they do, and goes on learning from there."""
    torch.manual_seed(5)
    network = build_network(which)
    batch = (torch.rand(4, 8, 128, 128), torch.rand(4, 1, 32, 32))
    network.train()(*batch)  # its normalisations have seen something
    checkpoint = tmp_path / "checkpoint.pt"
    torch.save({"average": network.state_dict()}, checkpoint)
    exporting.export_network(checkpoint, which, tmp_path / "weights.onnx")
    started = build_network(which)
    starting.start_from(tmp_path / "weights.onnx", started, [batch])
    with torch.no_grad():
        expected = to_alpha(network.eval()(*batch))
        assert torch.allclose(to_alpha(started.eval()(*batch)), expected, atol=1 / 255)
        assert torch.allclose(to_alpha(started.train()(*batch)), expected, atol=0.05)


def test_weights_of_another_network_are_no_start(tmp_path: Path) -> None:
    """Weights of the coarse pass are refused as a start of the fine one."""
    checkpoint = tmp_path / "checkpoint.pt"
    torch.save({"average": build_network("coarse").state_dict()}, checkpoint)
    exporting.export_network(checkpoint, "coarse", tmp_path / "weights.onnx")
    batch = (torch.rand(1, 8, 64, 64), torch.rand(1, 1, 16, 16))
    with pytest.raises(ValueError, match="convolutions"):
        starting.start_from(tmp_path / "weights.onnx", build_network("fine"), [batch])


def test_both_networks_fit_in_ten_megabytes() -> None:
    """Both passes together hold at most 10 MB of weights of 16 bits."""
    count = sum(p.numel() for which in ("coarse", "fine") for p in build_network(which).parameters())
    assert count * 2 < 10_000_000
