"""One picture through all stages, timed: `python -m tests.benchmarks.one PICTURE OUT` prints JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studiod.artifacts import write_version
from studiod.imaging.photo import read_photo
from studiod.matting import load_matte
from studiod.pipeline import process_photo
from studiod.risk import assess
from studiod.settings import MattingSettings, find_config, load_preset


def main() -> None:
    """Time the stages; the rest, beside which the risk is judged, is all but reading and the matte."""
    picture, out = Path(sys.argv[1]), Path(sys.argv[2])
    spent: dict[str, float] = {}
    matte = load_matte(MattingSettings(), 0)
    presets = [load_preset("white", find_config())]
    started, cpu_started = time.perf_counter(), time.process_time()
    photo = read_photo(picture)
    spent["read"] = time.perf_counter() - started
    made = process_photo(
        photo,
        plate=None,
        solve=_timed("matte", matte.solve, spent),
        assess=_timed("risk", assess, spent),
        presets=presets,
    )
    write_version(out, photo, made)
    spent["all"] = time.perf_counter() - started
    spent["cpu"] = time.process_time() - cpu_started
    spent["rest"] = spent["all"] - spent["read"] - spent["matte"]
    kilobyte = 1 if sys.platform == "darwin" else 1024
    spent["peak_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte / 1e9
    print(json.dumps(spent))


def _timed(stage: str, work: Callable[..., Any], spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return work(*arguments, **named)
        finally:
            spent[stage] = time.perf_counter() - started

    return timed


if __name__ == "__main__":
    main()
