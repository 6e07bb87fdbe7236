"""File names are bytes that a stranger chose: how they are shown without being obeyed."""

from __future__ import annotations

import os


def printable(path: str | bytes | os.PathLike[str]) -> str:
    r"""The name as it may be printed to a terminal or a log: on one line, and inert.

    Control characters, direction marks and everything else that has no shape of its own become
    `\xNN`, `\uNNNN` or `\UNNNNNNNN`; a byte that is not UTF-8 becomes `\xNN`; a backslash is
    doubled, so that two different names never look the same.
    """
    return inert(os.fsdecode(path).replace("\\", "\\\\"))


def inert(text: str) -> str:
    """A sentence as it may be printed: `printable` for text that is not itself a name."""
    return "".join(map(_inert, text))


def mistake_text(error: Exception) -> str:
    """What is said of a file or item that an exception of ours was about; a sentence without its end."""
    return f"studiod makes a mistake about it ({type(error).__name__}: {printable(str(error))})"


def _inert(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that os.fsdecode could not decode
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
