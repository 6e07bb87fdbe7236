"""ICC profiles: what is in one as bytes, read and written."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from studiod.imaging.types import Values

Curve = Callable[[Values], Values]
"""From codes 0..1 to light 0..1."""

_D50 = np.array([0.9642, 1.0, 0.8249])


class BrokenProfile(ValueError):
    """An ICC profile is damaged, or not made for this kind of picture."""


def read_kind(profile: bytes) -> bytes:
    """What pictures a profile is for, such as `RGB ` or `GRAY`; BrokenProfile where it is no profile."""
    if len(profile) < 132 or profile[36:40] != b"acsp":
        raise BrokenProfile("no profile")
    return profile[16:20]


def read_tags(profile: bytes) -> dict[bytes, bytes]:
    """All that a profile says, by the four letters of each tag; BrokenProfile where its table is cut off."""
    count = int.from_bytes(profile[128:132], "big")
    if count > 256 or len(profile) < 132 + 12 * count:
        raise BrokenProfile("its table of tags is cut off")
    tags = {}
    for index in range(count):
        name, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        tags[name] = profile[start : start + size]
    return tags


def read_matrix(tags: Mapping[bytes, bytes]) -> tuple[tuple[Curve, ...], Values]:
    """The three tone curves and the matrix to XYZ (D50) of an RGB profile's `tags`; else BrokenProfile."""
    try:
        columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    except (KeyError, struct.error, ValueError) as problem:
        raise BrokenProfile("neither curves and primaries nor tables") from problem
    return curves, np.stack(columns, axis=1)


def read_grey(profile: bytes, codes: Values) -> Values:
    """The light of `codes` (0..1) in a grey `profile`; BrokenProfile where it holds no curve."""
    try:
        light = _curve(read_tags(profile)[b"kTRC"])(codes)
    except (KeyError, struct.error, ValueError) as problem:
        raise BrokenProfile("no tone curve") from problem
    if profile[20:24] == b"Lab ":  # the curve then leads to lightness, L* / 100
        light = np.where(light > 0.08, ((light + 0.16) / 1.16) ** 3, light * (2700 / 24389))
    return light


def _xyz(tag: bytes) -> Values:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ tag")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536.0


def _curve(tag: bytes) -> Curve:
    """The tone curve of a `curv` or `para` tag."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        points = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
        if count == 0:
            return lambda codes: codes
        if count == 1:
            return lambda codes: codes ** float(points[0] / 256.0)
        return lambda codes: np.interp(codes, np.linspace(0.0, 1.0, count), points / 65535.0)
    if tag[:4] != b"para":
        raise ValueError("no tone curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    numbers = [value / 65536.0 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[min(kind, 4)]}i", tag, 12)]
    g, a, b, c, d, e, f = _parameters(kind, numbers)

    def parametric(codes: Values) -> Values:
        power = np.maximum(a * codes + b, 0.0) ** g + e
        return np.where(codes >= d, power, c * codes + f)

    return parametric


def _parameters(kind: int, numbers: Sequence[float]) -> tuple[float, ...]:
    """The seven numbers of the most general parametric curve, out of those of `kind`."""
    if kind == 0:
        return (numbers[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if kind in (1, 2):
        g, a, b = numbers[:3]
        offset = numbers[3] if kind == 2 else 0.0
        return (g, a, b, 0.0, -b / a if a else 0.0, offset, offset)
    if kind == 3:
        return (*numbers, 0.0, 0.0)
    if kind == 4:
        return tuple(numbers)
    raise ValueError("unknown parametric curve")


def build_profile(name: str, matrix: Values, light: Values) -> bytes:
    """A version 2 ICC profile of a `matrix` to XYZ and one tone curve: a gamma, or a table of light."""
    if light.size == 1:
        points = (light * 256).round()
    else:
        points = (light.clip(0.0, 1.0) * 65535).round()
    text = name.encode("ascii") + b"\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text" + bytes(4) + b"No copyright, use freely\0",
        b"wtpt": b"XYZ " + bytes(4) + _fixed(_D50),
    }
    for index, name_of in enumerate((b"rXYZ", b"gXYZ", b"bXYZ")):
        tags[name_of] = b"XYZ " + bytes(4) + _fixed(matrix[:, index])
    curve = b"curv" + bytes(4) + struct.pack(">I", light.size) + points.astype(">u2").tobytes()
    offset = 132 + 12 * (len(tags) + 3)
    table, body = b"", b""
    for tag, content in tags.items():
        content += bytes(-len(content) % 4)
        table += struct.pack(">4sII", tag, offset + len(body), len(content))
        body += content
    for tag in (b"rTRC", b"gTRC", b"bTRC"):
        table += struct.pack(">4sII", tag, offset + len(body), len(curve))
    body += curve + bytes(-len(curve) % 4)
    header = struct.pack(
        ">I4sI4s4s4s6H4s", offset + len(body), bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ ",
        2026, 1, 1, 0, 0, 0, b"acsp",
    )  # fmt: skip
    header += bytes(28) + _fixed(_D50) + bytes(48)
    return header + struct.pack(">I", len(tags) + 3) + table + body


def _fixed(numbers: Values) -> bytes:
    """Numbers as a profile keeps them: whole 65536ths of 32 bits."""
    return struct.pack(f">{numbers.size}i", *(numbers * 65536).round().astype(int))
