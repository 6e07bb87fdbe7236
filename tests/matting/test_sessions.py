"""onnxruntime as we use it: nothing leaves the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from studiod.matting import WEIGHTS


def test_no_usage_events_are_collected(tmp_path: Path) -> None:
    """onnxruntime collects no events for its maker: it has no device id and no queue of them at home."""
    code = (
        "from pathlib import Path; from studiod.matting.sessions import open_session; "
        f"open_session(Path({str(WEIGHTS / 'fine.onnx')!r}), 1, 'cpu')"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, **home})
    assert not list(tmp_path.rglob("*"))
