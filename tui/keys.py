"""Every action of the terminal, once: its binding id, its default keys, and what it is called.

The screens take their bindings from here, a keymap in `config/keymaps/` (or `keymaps/` beside
`studiod.toml`) changes keys by id, and the help screen is made from the result.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

from studiod.errors import SettingsError
from studiod.names import printable
from studiod.settings import find_config

Place = Literal["everywhere", "queue", "review", "brush"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something a key does; `short` is its name at the foot of the screen, if it stands there."""

    id: str
    keys: str
    action: str
    words: str
    short: str = ""


_CLOSE = (
    Action("zoom.200", "2", "zoom(2)", "200 %"),
    Action("zoom.400", "4", "zoom(4)", "400 %"),
    Action("zoom.800", "8", "zoom(8)", "800 %"),
    Action("zoom.in", "plus,equals_sign", "step_zoom(1)", "zoom in"),
    Action("zoom.out", "minus", "step_zoom(-1)", "zoom out"),
)

ACTIONS: Mapping[Place, tuple[Action, ...]] = {
    "everywhere": (
        Action("help", "question_mark,f1", "help", "help", "help"),
        Action("quit", "q,ctrl+q", "leave", "quit, or back to the queue", "quit"),
        Action("undo", "u", "undo", "undo your last decision or stroke", "undo"),
        Action("sharp", "i", "sharp", "real pixels or cells"),
        Action("refresh", "ctrl+l", "redraw", "draw the screen again"),
    ),
    "queue": (
        Action("queue.open", "enter", "open", "look closely", "review"),
        Action("queue.approve", "a", "approve", "approve", "approve"),
        Action("queue.flag", "f", "flag", "flag for touch-up", "flag"),
        Action("queue.reject", "r", "reject", "reject: shoot it again", "reject"),
        Action("queue.before_after", "space", "before_after", "before / after", "before/after"),
        Action("queue.search", "slash", "search", "search by SKU or name", "search"),
        Action("queue.clear", "escape", "clear_search", "end the search"),
        Action("queue.batch", "B", "batch", "approve all of low risk and price"),
        Action("queue.down", "down,j", "move(1)", "down"),
        Action("queue.up", "up,k", "move(-1)", "up"),
        Action("queue.page_down", "pagedown", "page(1)", "a page down"),
        Action("queue.page_up", "pageup", "page(-1)", "a page up"),
        Action("queue.top", "home,g", "end(-1)", "first"),
        Action("queue.bottom", "end,G", "end(1)", "last"),
        Action("view.waiting", "1", "show('waiting')", "what waits, dearest mistake first"),
        Action("view.mandatory", "2", "show('mandatory')", "what a person must see"),
        Action("view.flagged", "3", "show('flagged')", "flagged for touch-up"),
        Action("view.returned", "4", "show('returned')", "back from touch-up"),
        Action("view.failed", "5", "show('failed')", "failed"),
        Action("view.quarantined", "6", "show('quarantined')", "quarantined"),
        Action("view.delivered", "7", "show('delivered')", "delivered in the last 24 hours"),
        Action("view.everything", "8", "show('everything')", "everything"),
    ),
    "review": (
        Action("review.approve", "a", "approve", "approve", "approve"),
        Action("review.flag", "f", "flag", "flag for touch-up", "flag"),
        Action("review.reject", "r", "reject", "reject: shoot it again", "reject"),
        Action("review.brush", "b", "brush", "touch up with the brush", "brush"),
        Action("review.finding", "n", "finding(1)", "next finding", "finding"),
        Action("review.finding_back", "N", "finding(-1)", "finding before"),
        Action("review.skip", "s", "skip(1)", "skip to the next", "skip"),
        Action("review.back", "S", "skip(-1)", "the one before"),
        Action("review.before_after", "space", "before_after", "before / after", "before/after"),
        Action("review.view", "v", "view(1)", "next view", "view"),
        Action("review.view_back", "V", "view(-1)", "view before"),
        Action("review.composite", "c", "show_view('COMPOSITE')", "composite"),
        Action("review.original", "p", "show_view('ORIGINAL')", "original"),
        Action("review.matte", "m", "show_view('MATTE')", "matte"),
        Action("review.cutout", "x", "cutout", "cutout, next background"),
        Action("review.side_by_side", "t", "side_by_side", "side by side"),
        Action("review.marks", "y", "marks", "boxes and strokes on or off"),
        Action("review.box", "d", "draw_box", "draw a box with the mouse"),
        Action("zoom.fit", "0", "fit", "whole picture"),
        Action("zoom.100", "1", "zoom(1)", "100 %"),
        *_CLOSE,
        Action("pan.left", "left,h", "pan(-8,0)", "pan left"),
        Action("pan.right", "right,l", "pan(8,0)", "pan right"),
        Action("pan.up", "up,k", "pan(0,-8)", "pan up"),
        Action("pan.down", "down,j", "pan(0,8)", "pan down"),
        Action("pan.far_left", "shift+left,H", "pan(-40,0)", "pan far left"),
        Action("pan.far_right", "shift+right,L", "pan(40,0)", "pan far right"),
        Action("pan.far_up", "shift+up,K", "pan(0,-40)", "pan far up"),
        Action("pan.far_down", "shift+down,J", "pan(0,40)", "pan far down"),
        Action("review.leave", "escape", "leave", "back to the queue"),
        Action("review.viewer", "o", "open_outside(False)", "open in the system's viewer"),
        Action("review.viewer_crop", "O", "open_outside(True)", "open the finding's evidence there"),
    ),
    "brush": (
        Action("brush.save", "enter,ctrl+s", "save", "save: the matte is made again", "save"),
        Action("brush.pen", "space", "pen", "brush down, brush up", "paint"),
        Action("brush.keep", "k", "brush('keep')", "keep: a part of the piece runs here", "keep"),
        Action("brush.solid", "s", "brush('solid')", "solid keep: all here is piece", "solid"),
        Action("brush.remove", "r", "brush('remove')", "remove: all here is background", "remove"),
        Action("brush.smaller", "left_square_bracket", "size(-1)", "a finer brush", "finer"),
        Action("brush.larger", "right_square_bracket", "size(1)", "a wider brush", "wider"),
        Action("brush.view", "v", "view", "original, cutout, matte", "view"),
        Action("brush.leave", "escape", "leave", "back to the piece"),
        Action("brush.left", "left", "stroke(-1,0)", "move the brush left"),
        Action("brush.right", "right", "stroke(1,0)", "move the brush right"),
        Action("brush.up", "up", "stroke(0,-1)", "move the brush up"),
        Action("brush.down", "down", "stroke(0,1)", "move the brush down"),
        Action("brush.far_left", "shift+left", "stroke(-10,0)", "move it far left"),
        Action("brush.far_right", "shift+right", "stroke(10,0)", "move it far right"),
        Action("brush.far_up", "shift+up", "stroke(0,-10)", "move it far up"),
        Action("brush.far_down", "shift+down", "stroke(0,10)", "move it far down"),
        *_CLOSE,
    ),
}

PLACES: Mapping[Place, str] = {
    "queue": "In the queue",
    "review": "At a piece",
    "brush": "With the brush",
    "everywhere": "Everywhere",
}


def bindings(place: Place) -> list[Binding]:
    """The bindings of a screen, to be changed by id."""
    return [
        Binding(action.keys, action.action, action.short, show=bool(action.short), id=action.id)
        for action in ACTIONS[place]
    ]


def load_keymap(name: str, root: Path) -> dict[str, str]:
    """The keys of a keymap by binding id: the studio's own `keymaps/NAME.toml`, else the shipped one."""
    folders = (root / "keymaps", find_config() / "keymaps")
    for folder in folders:
        path = folder / f"{name}.toml"
        if path.is_file():
            return _checked(_read(path), path)
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise SettingsError(
        f"There is no keymap named {printable(name)}.",
        f"Known are {', '.join(map(printable, known))}; your own go to {printable(folders[0])}/NAME.toml.",
    )


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"{printable(path)} cannot be read: {printable(str(error))}.",
            'A keymap has lines such as "review.approve" = "p".',
        ) from error


def _checked(table: dict[str, object], path: Path) -> dict[str, str]:
    """The keymap, when every id is known and no key means two things in one place."""
    known = {action.id for actions in ACTIONS.values() for action in actions}
    keymap: dict[str, str] = {}
    for id, keys in _flat(table):
        if id not in known:
            raise SettingsError(
                f"{printable(path)}: {printable(id)} is not a binding.",
                "The ids stand in the help screen (?) and in config/keymaps/default.toml.",
            )
        if not isinstance(keys, str) or not all(part.strip() for part in keys.split(",")):
            raise SettingsError(
                f"{printable(path)}: {id} needs a key, or several with commas between them.",
                'For example "p" or "p,ctrl+p".',
            )
        keymap[id] = keys
    for place in PLACES:
        owners: dict[str, str] = {}
        for action in {*ACTIONS[place], *ACTIONS["everywhere"]}:
            for key in Binding.make_bindings([Binding(keymap.get(action.id, action.keys), "", "")]):
                if not _exists(key.key):
                    raise SettingsError(
                        f"{printable(path)}: {action.id} names a key that does not exist: "
                        f"{printable(key.key)}.",
                        "Keys are written like p, P, ctrl+p, f6, space, right or backslash.",
                    )
                if owners.setdefault(key.key, action.id) != action.id:
                    raise SettingsError(
                        f"{printable(path)}: the key {printable(key.key)} would mean both "
                        f"{owners[key.key]} and {action.id}.",
                        "Give one of them another key.",
                    )
    return keymap


def _flat(table: dict[str, object]) -> Iterator[tuple[str, object]]:
    """The ids with their keys, those too that stand without quotes, which TOML takes for tables."""
    for id, keys in table.items():
        if isinstance(keys, dict):
            yield from ((f"{id}.{part}", value) for part, value in keys.items())
        else:
            yield id, keys


def _exists(key: str) -> bool:
    """Whether a terminal could ever send this: known modifiers, and a character or the name of a key."""
    *modifiers, name = key.split("+")
    if not {"ctrl", "shift", "alt", "super", "meta", "hyper"}.issuperset(modifiers):
        return False
    if len(name) == 1:
        return name.isprintable()
    if name in KEY_NAME_REPLACEMENTS.values() or name in {known.value for known in Keys}:
        return True
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return name.islower()
