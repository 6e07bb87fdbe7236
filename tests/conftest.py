"""What the tests of several parts share: a small studio on disk, and small pictures drawn for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from studiod.commands.init import lay_out
from studiod.settings import Settings, load_settings

hypothesis_settings.register_profile(  # a busy machine is no fault
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("untimed")

SETTINGS = """\
currency = "USD"

[[hot_folder]]
name = "main"
path = "hot"
presets = ["small"]

[intake]
quiet_seconds = 0.3
pair_seconds = 0.6
rescan_seconds = 0.5

[qa]
auto_approve_below = 1.0
audit_share = 0.0

[delivery]
delay_minutes = 0

[store]
min_free_gb = 0

[daemon]
workers = 1
threads = 1
"""

PRICES = """\
sku,price,currency,title
R-CHEAP,100.00,USD,Ring
R-EDGE,1000.00,USD,Ring
R-DEAR,1000.01,USD,Ring
"""

PRESET = 'width = 160\nheight = 160\nfill = 0.85\nbackground = "white"\nformat = "jpeg"\n'


@dataclass(frozen=True)
class Studio:
    """A studio laid out on disk."""

    root: Path

    @property
    def file(self) -> Path:
        """Its studiod.toml."""
        return self.root / "studiod.toml"

    @property
    def hot(self) -> Path:
        """Its one hot folder."""
        return self.root / "hot"

    @property
    def outbox(self) -> Path:
        """Where its finished pictures go."""
        return self.root / "outbox"

    @property
    def settings(self) -> Settings:
        """Its settings as they stand in the file now."""
        return load_settings(self.file)

    def rewrite(self, before: str, after: str) -> None:
        """Change a piece of its studiod.toml."""
        text = self.file.read_text()
        assert before in text
        self.file.write_text(text.replace(before, after))


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """A studio whose one preset is small, with quick settles, policy approval on and no delay."""
    root = tmp_path / "studio"
    (root / "presets").mkdir(parents=True)
    (root / "presets" / "small.toml").write_text(PRESET)
    lay_out(root, settings_text=SETTINGS, prices=PRICES)
    return Studio(root)


def draw_ring(seed: int, width: int = 320, height: int = 240) -> np.ndarray:
    """A ring on a light, slightly uneven ground, BGR 8 bit; every seed gives other bytes."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(0, 12, width, dtype=np.float32)
    picture = np.repeat((232 - ramp)[None, :, None], height, axis=0).repeat(3, axis=2)
    centre = (width // 2 + int(random.integers(-20, 20)), height // 2 + int(random.integers(-12, 12)))
    radius = min(width, height) // 4
    band = max(3, min(width, height) // 24)
    cv2.circle(picture, centre, radius, (60, 150, 200), band, cv2.LINE_AA)
    cv2.circle(picture, (centre[0], centre[1] - radius), 2 * band, (200, 170, 150), -1, cv2.LINE_AA)
    picture += random.normal(0, 0.6, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


@pytest.fixture
def write_picture() -> Callable[..., bytes]:
    """Writes a drawn ring to a path, in the format of its extension (or `form`); returns the bytes."""

    def write(path: Path, seed: int = 0, *, form: str = "", width: int = 320, height: int = 240) -> bytes:
        drawn, encoded = cv2.imencode(form or path.suffix.lower(), draw_ring(seed, width, height))
        assert drawn
        content: bytes = encoded.tobytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return content

    return write


@pytest.fixture
def wait_for() -> Callable[..., None]:
    """Waits until a condition holds, and fails with what was waited for when the deadline passes."""

    def wait(condition: Callable[[], object], what: str, seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}"
            time.sleep(0.05)

    return wait
