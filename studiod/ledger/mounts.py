"""Whether a folder lies on a network file system, where SQLite's WAL mode does not work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

_NETWORK = re.compile(
    r"(nfs\d?|cifs|smb\d?|smbfs|smb3|afpfs|afs|webdav|davfs|ncpfs|ceph|glusterfs|lustre|beegfs|gpfs|ocfs2|gfs2"
    r"|fuse\.(sshfs|rclone|glusterfs|ceph.*|s3fs|gcsfuse|davfs2?|smbnetfs|curlftpfs))"
)


def network_file_system(path: Path, mounts: str | None = None) -> str | None:
    """The type of the network file system that `path` lies on; None when it is a local one.

    `mounts` has the form of /proc/mounts. Where that does not exist, `mount` is asked (macOS), and a path
    that begins with two backslashes is a share (Windows).
    """
    text = _mounts() if mounts is None else mounts
    place = str(path.resolve())
    if place.startswith("\\\\"):
        return "a share"
    found = ("", "")
    for folder, kind in _lines(text):
        below = place == folder or place.startswith(folder.rstrip("/") + "/")
        if below and len(folder) >= len(found[0]):
            found = (folder, kind)
    return found[1] if _NETWORK.fullmatch(found[1]) else None


def _mounts() -> str:
    proc = Path("/proc/mounts")
    if proc.exists():
        return proc.read_text("utf-8", "surrogateescape")
    if sys.platform != "darwin":
        return ""
    try:
        said = subprocess.run(["/sbin/mount"], capture_output=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    # //user@server/share on /Volumes/share (smbfs, nodev, nosuid)
    lines = re.findall(r"^(.*?) on (.*) \((\w+)", said.decode("utf-8", "surrogateescape"), re.MULTILINE)
    return "\n".join(f"- {folder.replace(' ', chr(92) + '040')} {kind}" for _, folder, kind in lines)


def _lines(text: str) -> list[tuple[str, str]]:
    """Mount point and type of each line; spaces and the like in a mount point are written \\040."""
    parts = [line.split(" ") for line in text.splitlines()]
    return [
        (re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), part[1]), part[2])
        for part in parts
        if len(part) >= 3
    ]
