"""Telling systemd how the daemon fares (sd_notify), where it runs under systemd; nothing elsewhere."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping


class ServiceManager:
    """The service manager's socket; every call is a no-op without one."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._status = ""

    def ready(self) -> None:
        """The daemon is up: hot folders are watched and the queue is open."""
        self._send("READY=1")

    def alive(self) -> None:
        """A whole round of the main loop was made: feeds the watchdog."""
        self._send("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """What `systemctl status` shows; sent only when it changed."""
        if sentence != self._status:
            self._status = sentence
            self._send(f"STATUS={sentence}")

    def stopping(self) -> None:
        """The daemon finishes or gives back what it has in hand."""
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect(self._address)
            channel.send(text.encode(errors="replace"))
