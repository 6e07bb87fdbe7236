"""A training run: resumable, timed, on CPU or CUDA, with a log and a curve."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from studiod.matting.training.answers import read_answers
from studiod.matting.training.losses import matting_loss
from studiod.matting.training.muon import Muon
from studiod.matting.training.networks import MattingNetwork, build_network, to_alpha
from studiod.matting.training.packing import Packed, read_pack
from studiod.matting.training.samples import Sample, draw_sample, turned
from studiod.matting.training.starting import start_from

SIZES = {"coarse": 320, "fine": 256}
BATCHES = {"coarse": 8, "fine": 8}
_ECHO = 128


@dataclass(frozen=True)
class Plan:
    """What to train: the pass, where, how long (minutes over all restarts) and how."""

    packed: Path
    which: str
    run: Path
    device: str = "cpu"
    minutes: float = 60.0
    batch: int = 0
    rate: float = 2e-3
    threads: int = 1
    workers: int = 0
    start: Path | None = None
    answers: Path | None = None


def train(plan: Plan) -> None:
    """Train until `plan.minutes` are used up over all restarts; resumes from `run/checkpoint.pt`."""
    torch.set_num_threads(plan.threads)
    cv2.setNumThreads(1)
    plan.run.mkdir(parents=True, exist_ok=True)
    pictures = read_pack(plan.packed)
    if plan.answers is not None:
        known = read_answers(plan.answers)
        pictures = [replace(picture, answers=known[picture.name]) for picture in pictures]
    training = [p for p in pictures if p.part == "train"]
    device = torch.device(plan.device)
    batch = plan.batch or BATCHES[plan.which] * (8 if plan.device == "cuda" else 1)
    network = build_network(plan.which).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval()
    optimiser = Muon(network, plan.rate)
    state: dict[str, Any] = {"step": 0, "seconds": 0.0}
    checkpoint = plan.run / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        state = saved["state"]
    elif plan.start is not None:
        known = [(seen.to(device), told.to(device)) for seen, told, *_ in _validation(training, plan.which)]
        start_from(plan.start, average, known)
        network.load_state_dict(average.state_dict())
    fixed = _validation([p for p in pictures if p.part == "calibrate"], plan.which)
    batches = _batches(training, plan.which, batch, state["step"], plan.workers)
    last_save = last_check = time.monotonic()
    losses: list[float] = []
    while state["seconds"] < plan.minutes * 60:
        begin = time.monotonic()
        picture, context, alpha, weight = (t.to(device, non_blocking=True) for t in next(batches))
        waited = time.monotonic() - begin
        progress = state["seconds"] / (plan.minutes * 60)
        warm = min(1.0, (state["step"] + 1) / 100)
        rate = float(plan.rate * warm * (0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * progress))))
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(device.type, torch.bfloat16, enabled=_halves_fast(plan.device)):
            logits = network(picture.contiguous(memory_format=torch.channels_last), context)
        loss = matting_loss(logits, alpha, weight)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        _average_in(average, network, min(0.998, (state["step"] + 1) / (state["step"] + 20)))
        losses.append(float(loss.detach()))
        now = time.monotonic()
        state["seconds"] += now - begin
        state["step"] += 1
        if state["step"] % 25 == 0:
            print(
                f"{plan.which} step {state['step']} {state['seconds'] / 60:.1f} min "
                f"loss {np.mean(losses[-25:]):.4f} "
                f"rate {rate:.5f} {now - begin:.2f} s a step, {waited:.2f} waiting",
                flush=True,
            )
        if now - last_check > 420:
            row = {"step": state["step"], "minutes": state["seconds"] / 60, "loss": float(np.mean(losses))}
            row |= _check(average, fixed, device)
            losses.clear()
            with (plan.run / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            print(row, flush=True)
            _plot(plan.run)
            last_check = time.monotonic()
        if now - last_save > 150:
            _save(checkpoint, network, average, optimiser, state)
            last_save = time.monotonic()
    _save(checkpoint, network, average, optimiser, state)
    print(f"{plan.which}: done, {state['step']} steps", flush=True)


def _halves_fast(device: str) -> bool:
    """Whether bfloat16 is quicker than float32 there: on GPUs, and on processors with AMX."""
    return device == "cuda" or torch.cpu._is_amx_tile_supported()


def _average_in(average: MattingNetwork, network: MattingNetwork, keep: float) -> None:
    with torch.no_grad():
        current = network.state_dict()
        for key, value in average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[key], 1.0 - keep)
            else:
                value.copy_(current[key])


def _save(
    path: Path,
    network: MattingNetwork,
    average: MattingNetwork,
    optimiser: torch.optim.Optimizer,
    state: dict[str, Any],
) -> None:
    fresh = path.with_suffix(".new")
    torch.save(
        {
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
            "state": state,
        },
        fresh,
    )
    fresh.replace(path)


def _stack(samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return (
        torch.from_numpy(np.stack([s.picture for s in samples])),
        torch.from_numpy(np.stack([s.context for s in samples])),
        torch.from_numpy(np.stack([s.alpha for s in samples])[:, None]),
        torch.from_numpy(np.stack([s.weight for s in samples])[:, None]),
    )


class _Stream(torch.utils.data.IterableDataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """Endless batches; every batch has a random generator of its own, seeded by its number.

    Half of a batch is new, half is met again, turned: drawing a sample costs about as much as learning
    from it (data echoing, Choi et al. 2019).
    """

    def __init__(self, pictures: list[Packed], which: str, batch: int, first: int) -> None:
        self.pictures, self.which, self.batch, self.first = pictures, which, batch, first

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        worker = torch.utils.data.get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        cv2.setNumThreads(1)
        step = self.first + number
        size = SIZES[self.which]
        known: list[Sample] = []
        while True:
            random = np.random.default_rng((17, step))
            fresh = self.batch if len(known) < _ECHO else self.batch - self.batch // 2
            new = [draw_sample(self.pictures, self.which, size, random) for _ in range(fresh)]
            again = random.choice(len(known), self.batch - fresh, replace=False) if known else []
            yield _stack(new + [turned(known[index], random) for index in again])
            known = (known + new)[-_ECHO:]
            step += workers


def _batches(
    pictures: list[Packed], which: str, batch: int, first: int, workers: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    stream = _Stream(pictures, which, batch, first)
    loader: torch.utils.data.DataLoader[tuple[Tensor, Tensor, Tensor, Tensor]] = torch.utils.data.DataLoader(
        stream, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None
    )
    return iter(loader)


def _validation(pictures: list[Packed], which: str) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Six fixed batches of pieces that are not trained on."""
    if not pictures:
        return []
    random = np.random.default_rng(5)
    size = SIZES[which]
    return [_stack([draw_sample(pictures, which, size, random) for _ in range(8)]) for _ in range(6)]


def _check(
    network: MattingNetwork, fixed: list[tuple[Tensor, Tensor, Tensor, Tensor]], device: torch.device
) -> dict[str, float]:
    errors, edges, losses = [], [], []
    with torch.no_grad():
        for batch in fixed:
            picture, context, alpha, weight = (t.to(device) for t in batch)
            logits = network(picture, context)
            losses.append(float(matting_loss(logits, alpha, weight)))
            difference = (to_alpha(logits) - alpha).abs()
            errors.append(float(difference.mean()))
            band = (weight >= 3).float()
            edges.append(float((difference * band).sum() / band.sum()))
    if not errors:
        return {}
    return {
        "held_out": float(np.mean(losses)),
        "error": float(np.mean(errors)),
        "edge_error": float(np.mean(edges)),
    }


def _plot(run: Path) -> None:
    """`run/curve.png` from `run/log.jsonl`."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for key in ("loss", "held_out", "edge_error"):
        axes.plot([r["minutes"] for r in rows], [r.get(key) for r in rows], label=key)
    axes.set_xlabel("minutes")
    axes.set_yscale("log")
    axes.legend()
    figure.tight_layout()
    figure.savefig(run / "curve.png", dpi=100)
    pyplot.close(figure)
