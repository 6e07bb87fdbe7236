"""A folder of hostile and odd files, and what a sensible studio expects of each."""

from __future__ import annotations

import io
import os
import random
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms

QUARANTINED = frozenset({"quarantined"})
ITEM = frozenset({"item"})
NOTHING = frozenset({"", "ignored"})
"""Not taken up: not on record, or as ignored."""


@dataclass(frozen=True)
class Odd:
    """A file below the hot folder (as `os.fsdecode` gives its name) and the states that it may end in."""

    path: str
    states: frozenset[str]


def make_hostile(root: Path, outside: Path) -> list[Odd]:
    """Fill `root`, a hot folder, with odd files (`outside` is a folder of its own); what is expected of each.

    Pipes, sockets, links and names that this system cannot make are left out.
    """
    outside.mkdir(parents=True, exist_ok=True)
    made: list[Odd] = []
    for name, states, make in _recipes(outside):
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            make(path)
        except (OSError, AttributeError):
            continue
        made.append(Odd(os.fsdecode(name), states))
    return made


def ring(seed: int, size: tuple[int, int] = (96, 72)) -> np.ndarray:
    """A small ring on a light ground, RGB 8 bit; every seed is another picture."""
    noise = np.random.default_rng(seed)
    picture = np.full((size[1], size[0], 3), 232, np.float32)
    centre = (size[0] // 2 + int(noise.integers(-6, 6)), size[1] // 2 + int(noise.integers(-4, 4)))
    cv2.circle(picture, centre, size[1] // 4, (200, 150, 60), 4, cv2.LINE_AA)
    return (picture + noise.normal(0, 1.0, picture.shape)).clip(0, 255).astype(np.uint8)


def jpeg(seed: int, **options: object) -> bytes:
    """The ring of a seed as JPEG."""
    return _encode(Image.fromarray(ring(seed)), "JPEG", **options)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is of this size, with next to no data: a decompression bomb."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(b"\0" * 5000))
        + _chunk(b"IEND", b"")
    )  # fmt: skip


Make = Callable[[Path], None]


def _recipes(outside: Path) -> Iterator[tuple[bytes, frozenset[str], Make]]:
    seeds = iter(range(1000, 2000))
    whole = jpeg(1)

    def picture(**options: object) -> Make:
        return _write(jpeg(next(seeds), **options))

    for name in _odd_names():
        yield name, ITEM, picture()
    yield b"a\xff\xfe.jpg", ITEM, picture()
    yield b"deep/" + b"d/" * 40 + b"deep.jpg", ITEM, picture()
    yield b"\xff\xfe folder/in it.jpg", ITEM, picture()
    yield b"album.jpg/inside.jpg", ITEM, picture()

    for share in (0.02, 0.2, 0.5, 0.9):
        yield b"cut-%d.jpg" % (share * 100), QUARANTINED, _write(whole[: int(len(whole) * share)])
    yield b"cut-by-2.jpg", QUARANTINED | ITEM, _write(whole[:-2])
    for ending, data in _other_formats(2):
        yield b"cut" + ending, QUARANTINED, _write(data[: int(len(data) * 0.6)])
    yield b"tail.jpg", ITEM, _write(jpeg(3) + b"\0" * 4096)
    yield b"zero.jpg", QUARANTINED, _write(b"")
    yield b"zero.tif", QUARANTINED, _write(b"")
    yield b"zeros.jpg", QUARANTINED, _write(b"\0" * 50_000)
    yield b"text.jpg", QUARANTINED, _write(b"This is not a picture.\n" * 50)
    yield b"text.png", QUARANTINED, _write(b"<html><body>404</body></html>")
    yield b"text.nef", QUARANTINED, _write(b"no camera wrote this\n" * 500)
    yield b"noise.jpg", QUARANTINED, _write(random.Random(5).randbytes(30_000))
    yield b"noise.cr2", QUARANTINED, _write(random.Random(6).randbytes(30_000))
    yield (
        b"noise.webp",
        QUARANTINED,
        _write(b"RIFF\xff\xff\xff\x7fWEBPVP8 " + random.Random(7).randbytes(900)),
    )
    yield b"marker-only.jpg", QUARANTINED, _write(b"\xff\xd8\xff\xd9")
    yield b"zip.jpg", QUARANTINED, _write(b"PK\x03\x04" + bytes(2000))
    yield b"pdf.tif", QUARANTINED, _write(b"%PDF-1.7\n" + bytes(2000))
    yield b"gif.jpg", QUARANTINED, _write(_encode(Image.fromarray(ring(4)), "GIF"))
    yield b"bomb.png", QUARANTINED, _write(png_header(60_000, 60_000))
    yield b"bomb-max.png", QUARANTINED, _write(png_header(2**31 - 1, 2**31 - 1))
    yield b"tiny.png", ITEM, _write(_encode(Image.new("RGB", (1, 1)), "PNG"))
    yield b"strip.png", ITEM, _write(_encode(Image.new("RGB", (3, 9000)), "PNG"))
    yield b"endless.png", QUARANTINED, _write(_encode(Image.new("L", (100_000, 2)), "PNG"))
    yield b"loop.tif", QUARANTINED, _write(b"II*\0\x08\0\0\0\0\0\x08\0\0\0")

    for ending, data in _other_formats(8):
        yield b"good" + ending, ITEM, _write(data)
    yield b"lies-png.jpg", ITEM, _write(_encode(Image.fromarray(ring(next(seeds))), "PNG"))
    yield b"lies-jpeg.png", ITEM, picture()
    yield b"lies-tiff.jpg", ITEM, _write(_tiff(ring(next(seeds))))
    yield b"cmyk.jpg", ITEM, _write(_encode(Image.fromarray(ring(9)).convert("CMYK"), "JPEG"))
    yield b"grey.jpg", ITEM, _write(_encode(Image.fromarray(ring(10)).convert("L"), "JPEG"))
    yield b"grey16.tif", ITEM, _write(_tiff(ring(11)[..., 0].astype(np.uint16) * 257))
    yield b"grey16.png", ITEM, _write(_cv2(".png", ring(12)[..., 0].astype(np.uint16) * 257))
    yield b"rgb16.png", ITEM, _write(_cv2(".png", ring(13).astype(np.uint16) * 257))
    yield b"one-bit.tif", ITEM, _write(_tiff(ring(22)[..., 0] > 200))
    yield b"ycbcr.tif", ITEM, _write(_encode(Image.fromarray(ring(23)).convert("YCbCr"), "TIFF"))
    yield b"palette.png", ITEM, _write(_encode(Image.fromarray(ring(14)).quantize(16), "PNG"))
    yield b"alpha.png", ITEM, _write(_encode(Image.fromarray(ring(15)).convert("RGBA"), "PNG"))
    yield b"progressive.jpg", ITEM, picture(progressive=True)
    yield b"broken-exif.jpg", ITEM, picture(exif=b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 60)
    yield b"broken-icc.jpg", ITEM, picture(icc_profile=b"this is no profile at all" * 20)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield b"icc.jpg", ITEM, picture(icc_profile=profile)
    yield b"turned.jpg", ITEM, picture(exif=_exif(0x0112, 6))
    for year in (b"0000", b"0001", b"9999"):
        yield b"year-%b.jpg" % year, ITEM, picture(exif=_exif(0x0132, f"{year.decode()}:01:01 00:00:00"))
    frames = [Image.fromarray(ring(next(seeds))) for _ in range(3)]
    animated = _encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100)
    yield b"animated.webp", ITEM, _write(animated)
    pages = _tiff(np.stack([ring(next(seeds)) for _ in range(2)]))
    yield b"pages.tif", ITEM, _write(pages)

    secret = outside / "secret.jpg"
    secret.write_bytes(jpeg(16))
    yield b"link-out.jpg", QUARANTINED, lambda path: path.symlink_to(secret)
    yield b"link-etc.png", QUARANTINED, lambda path: path.symlink_to("/etc/passwd")
    yield b"link-dead.jpg", QUARANTINED, lambda path: path.symlink_to("nowhere.jpg")
    yield b"link-self.jpg", QUARANTINED, lambda path: path.symlink_to("link-self.jpg")
    yield b"link-folder-out.jpg", QUARANTINED, lambda path: path.symlink_to(outside)
    yield b"link-loop", NOTHING, lambda path: path.symlink_to(".")
    yield b"outside-folder", NOTHING, lambda path: path.symlink_to(outside)
    yield b"pipe.jpg", QUARANTINED, os.mkfifo
    yield b"pipe.txt", NOTHING, os.mkfifo
    yield b"socket.jpg", QUARANTINED, _socket

    for name in (
        b"notes.txt", b"IMG_1.xmp", b"IMG_1.jpg.xmp", b"._IMG_1.jpg", b".hidden.jpg", b"Thumbs.db",
        b".DS_Store",
        b"IMG_1.jpg.part", b"IMG_1.jpg.crdownload", b"@eaDir/IMG_1.jpg/SYNOPHOTO_THUMB.jpg",
        b".stfolder/x.jpg",
        b"CaptureOne/Cache/Thumbnails/IMG_1.jpg", b"movie.mp4", b"design.psd", b"no extension",
        b"script.jpg.sh",
        b".git/x.png", b"IMG_1.jpg~", b"~syncthing~IMG_1.jpg.tmp",
    ):  # fmt: skip
        yield name, NOTHING, _write(jpeg(17))

    yield b"far-future.jpg", ITEM, _dated(jpeg(18), 2**33)
    yield b"before-1970.jpg", ITEM, _dated(jpeg(19), -86_400)
    yield b"read-only.jpg", ITEM, _with_mode(jpeg(20), 0o400)
    yield b"unreadable.jpg", QUARANTINED, _unreadable(jpeg(21))


def _odd_names() -> list[bytes]:
    return [
        b"\xff\xfe\xfd.jpg", b"latin1-\xe9\xe8.jpg", b"new\nline.jpg", b"\x1b[31mred\x1b[0m.jpg",
        b"\x1b]0;title\x07.jpg", b"tab\tand\rreturn.jpg", b"$(touch pwned).jpg", b"`id`.jpg",
        b"; rm -rf .jpg",
        b"-rf.jpg", b"--help.jpg", b"%s%n%d.jpg", b"{0.__class__}.jpg", b"quote'\".jpg", b"back\\slash.jpg",
        b" leading space.jpg", b"UPPER.JPG", b"two.dots.jpg", b"a" * 246 + b".jpg",
        "é".encode() * 123 + b".jpg", "\u202egpj.exe.jpg".encode(), "emoji \U0001f48d.jpeg".encode(),
        "e\u0301 decomposed.jpg".encode(), b"null.jpg", b"CON.jpg", b"*.jpg", b"?.jpg", b"\x7f.jpg",
        b"\x01.jpg",
        b"'; DROP TABLE items; --.jpg", b"<script>.jpg", b"[bold red]x[/].jpg",
    ]  # fmt: skip


def _other_formats(seed: int) -> list[tuple[bytes, bytes]]:
    picture = ring(seed)
    deep = picture.astype(np.uint16) * 257
    return [
        (b".png", _encode(Image.fromarray(picture), "PNG")),
        (b".webp", _encode(Image.fromarray(ring(seed + 100)), "WEBP", quality=90)),
        (b"-8.tif", _tiff(ring(seed + 200))),
        (b"-16.tiff", _tiff(deep)),
        (b"-lzw.tif", _tiff(deep, compression="lzw")),
        (b"-deflate.tif", _tiff(ring(seed + 300), compression="zlib")),
        (b"-tiled.tif", _tiff(ring(seed + 400), tile=(32, 32))),
        (b"-big.tif", _tiff(deep[::-1], byteorder=">")),
    ]


def _encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _tiff(picture: np.ndarray, *, byteorder: str = "<", **options: object) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, byteorder=byteorder) as writer:
        for page in picture if picture.ndim == 4 else [picture]:
            writer.write(page, photometric="rgb" if page.ndim == 3 else "minisblack", **options)
    return buffer.getvalue()


def _cv2(ending: str, picture: np.ndarray) -> bytes:
    return bytes(cv2.imencode(ending, picture)[1])


def _chunk(name: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def _exif(tag: int, value: object) -> bytes:
    exif = Image.Exif()
    exif[tag] = value
    return exif.tobytes()


def _write(data: bytes) -> Make:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def _dated(data: bytes, seconds: int) -> Make:
    def make(path: Path) -> None:
        _write(data)(path)
        os.utime(path, (seconds, seconds))

    return make


def _with_mode(data: bytes, mode: int) -> Make:
    def make(path: Path) -> None:
        _write(data)(path)
        path.chmod(mode)

    return make


def _unreadable(data: bytes) -> Make:
    def make(path: Path) -> None:
        _with_mode(data, 0o000)(path)
        if os.access(path, os.R_OK):  # this user may read everything
            path.unlink()
            raise PermissionError

    return make


def _socket(path: Path) -> None:
    """A socket's name may be a hundred bytes long at most: bound from its own folder."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)
