"""The house: a room imports only what stands below it, and rooms on one line never meet."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import studiod

ROOT = Path(studiod.__file__).parent.parent

LINES: tuple[tuple[str, ...], ...] = (
    ("studiod.errors", "studiod.names", "studiod.money", "studiod.strokes"),
    ("studiod.mistakes",),
    ("studiod.settings",),
    ("studiod.imaging",),
    ("studiod.matting", "studiod.risk", "studiod.ledger"),
    ("studiod.intake", "studiod.artifacts", "studiod.view", "studiod.pipeline", "studiod.delivery"),
    ("studiod.daemon", "studiod.evaluate", "studiod.calibrate", "studiod.report"),
    ("tui", "studiod.__main__", "studiod.commands"),
)
"""From the ground up."""

NEIGHBOURS = {
    ("studiod.names", "studiod.errors"),  # the lowest line may lean on each other
    ("studiod.strokes", "studiod.errors"),
    ("studiod.artifacts", "studiod.pipeline"),  # writes what the pipeline made,
    ("studiod.view", "studiod.pipeline"),
    ("studiod.artifacts", "studiod.view"),  # and what screens show of it
    ("studiod.__main__", "studiod.commands"),
}
TERMINAL = {
    "studiod.ledger",
    "studiod.settings",
    "studiod.errors",
    "studiod.names",
    "studiod.money",
    "studiod.strokes",
    "tui",
}
NOT_IN_TERMINAL = {"cv2", "onnxruntime", "rawpy", "tifffile", "imagecodecs"}


def dotted(path: Path) -> str:
    """A module's name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Everything that a module imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if room_of(whole) != room_of(node.module) else node.module


@pytest.fixture(scope="module")
def imports() -> dict[str, list[str]]:
    """All that each module of both packages imports; the model's training is a tool beside the house."""
    found = [*(ROOT / "studiod").rglob("*.py"), *(ROOT / "tui").rglob("*.py")]
    return {dotted(path): [*imported(path)] for path in sorted(found) if "training" not in path.parts}


def room_of(module: str) -> str | None:
    """The room that a module belongs to; None outside the house, and for the bare package."""
    names = [room for line in LINES for room in line]
    return next((room for room in names if module == room or module.startswith(room + ".")), None)


def floor_of(room: str) -> int:
    """How high a room stands."""
    return next(number for number, line in enumerate(LINES) if room in line)


def is_allowed(room: str, other: str) -> bool:
    """Whether a module of `room` may import one of `other`."""
    return other == room or (room, other) in NEIGHBOURS or floor_of(other) < floor_of(room)


def test_a_room_imports_only_what_stands_below_it(imports: dict[str, list[str]]) -> None:
    """Data flows one way: no module imports from its own line or from above, and each stands in a room."""
    for module, others in imports.items():
        room = room_of(module)
        assert room is not None or module == "studiod", f"{module} stands in no room: add it to LINES"
        for other in others if room else ():
            needed = room_of(other)
            assert needed is None or is_allowed(room, needed), f"{module} imports {other}"


def test_the_terminal_reads_rows_and_nothing_else(imports: dict[str, list[str]]) -> None:
    """The review terminal knows the ledger and the settings, and no imaging library."""
    for module in (module for module in imports if room_of(module) == "tui"):
        for other in imports[module]:
            assert room_of(other) in {None, *TERMINAL}, f"{module} imports {other}"
            assert other.split(".")[0] not in NOT_IN_TERMINAL, f"{module} imports {other}"


def test_all_sql_is_in_the_ledger(imports: dict[str, list[str]]) -> None:
    """Another database engine is a change in one room."""
    for module in (module for module in imports if room_of(module) != "studiod.ledger"):
        outside = {other.split(".")[0] for other in imports[module]}
        assert not outside & {"sqlalchemy", "sqlite3", "alembic"}, module


def test_the_rule_bites() -> None:
    """A forbidden import is seen: upwards, sideways, and from a package's own name."""
    assert not is_allowed("studiod.ledger", "studiod.risk")
    assert not is_allowed("studiod.intake", "studiod.daemon")
    assert is_allowed("studiod.daemon", "studiod.intake")
