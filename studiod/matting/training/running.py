"""A training run: resumable, timed, on CPU or CUDA, with a log and a curve."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

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
Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""Pictures, contexts, alphas and weights."""
_BATCH = 8
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
    """Samples a step; 0 for what suits the device."""
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
    learner = _Learner(plan, training)
    fixed = _validation([p for p in pictures if p.part == "calibrate"], plan.which)
    batch = plan.batch or _BATCH * (8 if plan.device == "cuda" else 1)
    batches = _batches(training, plan.which, batch, learner.step, plan.workers)
    last_save = last_check = time.monotonic()
    losses: list[float] = []
    while learner.seconds < plan.minutes * 60:
        begin = time.monotonic()
        drawn = next(batches)
        waited = time.monotonic() - begin
        rate = _rate(plan, learner)
        losses.append(learner.learn(drawn, rate))
        now = time.monotonic()
        learner.seconds += now - begin
        if learner.step % 25 == 0:
            print(
                f"{plan.which} step {learner.step} {learner.seconds / 60:.1f} min "
                f"loss {np.mean(losses[-25:]):.4f} "
                f"rate {rate:.5f} {now - begin:.2f} s a step, {waited:.2f} waiting",
                flush=True,
            )
        if now - last_check > 420:
            row = {"step": learner.step, "minutes": learner.seconds / 60, "loss": float(np.mean(losses))}
            row |= _check(learner.average, fixed, learner.device)
            losses.clear()
            with (plan.run / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            print(row, flush=True)
            _plot(plan.run)
            last_check = time.monotonic()
        if now - last_save > 150:
            learner.save()
            last_save = time.monotonic()
    learner.save()
    print(f"{plan.which}: done, {learner.step} steps", flush=True)


def _rate(plan: Plan, learner: _Learner) -> float:
    """The rate of the next step: it rises over the first hundred and falls along a cosine to a hundredth."""
    progress = learner.seconds / (plan.minutes * 60)
    warm = min(1.0, (learner.step + 1) / 100)
    return float(plan.rate * warm * (0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * progress))))


class _Learner:
    """The network, the average of its weights and its optimiser, `step` steps and `seconds` into the run."""

    def __init__(self, plan: Plan, training: list[Packed]) -> None:
        self.device = torch.device(plan.device)
        self.step, self.seconds = 0, 0.0
        network = build_network(plan.which).to(self.device)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self._optimiser = Muon(self.network, plan.rate)
        self._checkpoint = plan.run / "checkpoint.pt"
        if self._checkpoint.exists():
            saved = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
            self.network.load_state_dict(saved["network"])
            self.average.load_state_dict(saved["average"])
            self._optimiser.load_state_dict(saved["optimiser"])
            self.step, self.seconds = saved["state"]["step"], saved["state"]["seconds"]
        elif plan.start is not None:
            met = [
                (seen.to(self.device), told.to(self.device))
                for seen, told, *_ in _validation(training, plan.which)
            ]
            start_from(plan.start, self.average, met)
            self.network.load_state_dict(self.average.state_dict())

    def learn(self, drawn: Batch, rate: float) -> float:
        """One step at that rate; its loss."""
        picture, context, alpha, weight = (t.to(self.device, non_blocking=True) for t in drawn)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=_halves_fast(self.device.type)):
            logits = self.network(picture.contiguous(memory_format=torch.channels_last), context)
        loss = matting_loss(logits, alpha, weight)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        _average_in(self.average, self.network, min(0.998, (self.step + 1) / (self.step + 20)))
        self.step += 1
        return float(loss.detach())

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        fresh = self._checkpoint.with_suffix(".new")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "state": {"step": self.step, "seconds": self.seconds},
            },
            fresh,
        )
        fresh.replace(self._checkpoint)


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


def _stack(samples: list[Sample]) -> Batch:
    return (
        torch.from_numpy(np.stack([s.picture for s in samples])),
        torch.from_numpy(np.stack([s.context for s in samples])),
        torch.from_numpy(np.stack([s.alpha for s in samples])[:, None]),
        torch.from_numpy(np.stack([s.weight for s in samples])[:, None]),
    )


class _Stream(torch.utils.data.IterableDataset[Batch]):
    """Endless batches; every batch has a random generator of its own, seeded by its number.

    Half of a batch is new, half is met again, turned: drawing a sample costs about as much as learning
    from it (data echoing, Choi et al. 2019).
    """

    def __init__(self, pictures: list[Packed], which: str, batch: int, first: int) -> None:
        self.pictures, self.which, self.batch, self.first = pictures, which, batch, first

    def __iter__(self) -> Iterator[Batch]:
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


def _batches(pictures: list[Packed], which: str, batch: int, first: int, workers: int) -> Iterator[Batch]:
    stream = _Stream(pictures, which, batch, first)
    loader: torch.utils.data.DataLoader[Batch] = torch.utils.data.DataLoader(
        stream, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None
    )
    return iter(loader)


def _validation(pictures: list[Packed], which: str) -> list[Batch]:
    """Six batches of those pictures, the same at every call."""
    if not pictures:
        return []
    random = np.random.default_rng(5)
    size = SIZES[which]
    return [_stack([draw_sample(pictures, which, size, random) for _ in range(8)]) for _ in range(6)]


def _check(network: MattingNetwork, fixed: list[Batch], device: torch.device) -> dict[str, float]:
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
