"""The daemon's log on standard error: lines for people, or JSON; names of files never raw."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import Literal

from studiod.names import inert


def configure_logging(form: Literal["text", "json"]) -> None:
    """Send the log of every part of studiod to standard error, one line an event."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("studiod").setLevel(logging.INFO)
    logging.getLogger("watchdog.observers.inotify").addFilter(_matters)


def _matters(record: logging.LogRecord) -> bool:
    """Not what watchdog says, as an error, of an event that comes while a watch on a folder ends."""
    return "called when the thread is inactive" not in record.getMessage()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created).strftime("%Y-%m-%d %H:%M:%S")
        first, *rest = _lines(record)
        return "\n    ".join([f"{moment} {record.levelname.lower():7} {first}", *rest])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created).astimezone()
        return json.dumps(
            {
                "time": moment.isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                "message": "\n".join(_lines(record)),
                "part": record.name,
            }
        )


def _lines(record: logging.LogRecord) -> list[str]:
    """The message on one line, and those of its traceback."""
    trace = logging.Formatter().formatException(record.exc_info).splitlines() if record.exc_info else []
    return [inert(record.getMessage()), *map(inert, trace)]
