"""Photographs: every depth and orientation comes out exactly; what is not whole is refused in words."""

import datetime as dt
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from studiod.errors import PictureError
from studiod.imaging.colour import ADOBE_RGB
from studiod.imaging.photo import read_header, read_photo

NOISE = np.random.default_rng(7)
EIGHT = NOISE.integers(0, 256, (40, 60, 3), dtype=np.uint8)
SIXTEEN = NOISE.integers(0, 65536, (40, 60, 3), dtype=np.uint16)
SMOOTH = cv2.resize(EIGHT, (160, 120), interpolation=cv2.INTER_CUBIC)


def saved(path: Path, **options: object) -> Path:
    Image.fromarray(EIGHT).save(path, **options)  # type: ignore[arg-type]
    return path


def exif_of(**tags: object) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x8298] = "Nikon", "Z 9", "(c) Studio"
    for tag, value in tags.items():
        exif[int(tag[1:], 16)] = value
    exif.get_ifd(0x8769)[0x9003] = "2026:11:23 20:15:07"
    exif.get_ifd(0x8769)[0x9291] = "25"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_eight_bit_values_come_out_exactly(tmp_path: Path, name: str) -> None:
    """A lossless 8-bit file gives exactly its values."""
    options = {"lossless": True} if name.endswith("webp") else {}
    photo = read_photo(saved(tmp_path / name, **options))
    assert photo.pixels.dtype == np.uint8
    assert np.array_equal(photo.pixels, EIGHT)


def test_sixteen_bit_png_is_not_cut_to_eight(tmp_path: Path) -> None:
    """A 16-bit RGB PNG keeps all its bits."""
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(SIXTEEN))
    assert np.array_equal(read_photo(path).pixels, SIXTEEN)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_orientation_is_that_of_pillow(tmp_path: Path, orientation: int, name: str) -> None:
    """All eight orientations turn out as Pillow turns them, in every format, and the header agrees."""
    path = saved(tmp_path / name, exif=exif_of(t0112=orientation))
    with Image.open(path) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    photo, header = read_photo(path), read_header(path)
    assert np.array_equal(photo.pixels, expected)
    assert (header.width, header.height) == (photo.width, photo.height)


def test_exif_is_kept_without_place_and_orientation(tmp_path: Path) -> None:
    """Copyright, camera and date stay; GPS and orientation go; the date is read with its fraction."""
    path = saved(tmp_path / "a.jpg", exif=exif_of(t0112=6))
    photo = read_photo(path)
    assert read_header(path).captured_at == dt.datetime(2026, 11, 23, 20, 15, 7, 250000)
    kept = Image.Exif()
    kept.load(photo.exif)
    assert kept[0x8298] == "(c) Studio"
    assert kept[0x0110] == "Z 9"
    assert 0x0112 not in kept
    assert not kept.get_ifd(0x8825)


@pytest.mark.parametrize("length", [60_000, 65_400, 70_000, 1_000_000])
def test_exif_that_no_jpeg_takes_loses_its_longest_texts(tmp_path: Path, length: int) -> None:
    """However long a TIFF's description, and the texts beside it: copyright and camera fit into a JPEG."""
    path = tmp_path / "a.tif"
    texts = [(0x8298, "s", 0, "(c) Studio", True), (0x0110, "s", 0, "Z 9", True)]
    tifffile.imwrite(
        path, EIGHT, photometric="rgb", metadata=None, description="x" * length, software="y" * length,
        extratags=texts,
    )  # fmt: skip
    kept = read_photo(path).exif
    assert kept is not None and b"(c) Studio" in kept and b"Z 9" in kept
    saved(tmp_path / "b.jpg", exif=kept)


def test_texts_of_exif_keep_their_bytes(tmp_path: Path) -> None:
    """Copyright, artist and the camera's owner, in UTF-8 or whatever was written there, go on as they are."""
    texts = {
        0x8298: "© 2026 Atelier Müller".encode(),
        0x013B: "José".encode("latin-1"),
        0xA430: "Zoë Müller".encode(),
    }
    exif = Image.Exif()
    for tag, text in texts.items():
        (exif.get_ifd(0x8769) if tag == 0xA430 else exif)[tag] = f"{tag:x}".ljust(len(text), "x")
    block = exif.tobytes()
    for tag, text in texts.items():
        block = block.replace(f"{tag:x}".encode().ljust(len(text), b"x"), text)
    kept = read_photo(saved(tmp_path / "a.jpg", exif=block)).exif
    assert kept is not None
    assert all(text + b"\0" in kept for text in texts.values())
    assert read_photo(saved(tmp_path / "b.jpg", exif=kept)).exif == kept


@pytest.mark.parametrize(
    "junk",
    [b"Exif\0\0", b"Exif\0\0junk", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0" + bytes(range(97, 157))],
)
def test_broken_exif_is_ignored(tmp_path: Path, junk: bytes) -> None:
    """A picture that decodes whole is read even where its EXIF is nonsense."""
    assert read_photo(saved(tmp_path / "a.jpg", exif=junk)).width == 60


def test_broken_profile_is_ignored(tmp_path: Path) -> None:
    """A broken ICC profile counts as none."""
    assert read_photo(saved(tmp_path / "a.jpg", icc_profile=b"not a profile")).profile is None


def test_a_profile_of_which_a_part_is_missing_is_ignored(tmp_path: Path) -> None:
    """Half of a profile that a JPEG holds in two parts counts as none, and the picture is read."""
    saved(tmp_path / "whole.jpg")
    whole, head = (tmp_path / "whole.jpg").read_bytes(), b"ICC_PROFILE\0\1\2" + ADOBE_RGB[:-100]
    marker = b"\xff\xe2" + struct.pack(">H", len(head) + 2)
    (tmp_path / "half.jpg").write_bytes(whole[:2] + marker + head + whole[2:])
    photo = read_photo(tmp_path / "half.jpg")
    assert photo.profile is None
    assert np.array_equal(photo.pixels, read_photo(tmp_path / "whole.jpg").pixels)


def test_a_webp_whose_exif_ends_in_zeros_is_read(tmp_path: Path) -> None:
    """Programs pad what they write behind the picture: that is no sign that its end is missing."""
    path = saved(tmp_path / "a.webp", lossless=True, exif=exif_of().tobytes() + bytes(64))
    assert np.array_equal(read_photo(path).pixels, EIGHT)


def test_profiles_are_found_in_every_format(tmp_path: Path) -> None:
    """The embedded profile comes out byte for byte."""
    for name in ("a.jpg", "a.png", "a.tif", "a.webp"):
        assert read_photo(saved(tmp_path / name, icc_profile=ADOBE_RGB)).profile == ADOBE_RGB


def test_a_camera_jpeg_that_says_adobe_in_exif_is_adobe(tmp_path: Path) -> None:
    """Cameras embed no profile but mark Adobe RGB as R03 in EXIF."""
    exif = exif_of()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    assert read_photo(saved(tmp_path / "a.jpg", exif=exif)).profile == ADOBE_RGB


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    """Grey, palette, transparent and CMYK pictures come out as three channels."""
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    picture = Image.fromarray(SIXTEEN[..., 0]) if mode == "I;16" else Image.fromarray(EIGHT).convert(mode)
    picture.save(path)
    photo = read_photo(path)
    assert photo.pixels.shape == (40, 60, 3)
    if mode == "I;16":
        assert np.array_equal(photo.pixels[..., 1], SIXTEEN[..., 0])


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    """Half transparent black is middle grey, wholly transparent is white."""
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[:10, :, 3] = 128
    Image.fromarray(pixels).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert photo.pixels[0, 0].tolist() == [127] * 3
    assert photo.pixels[19, 0].tolist() == [255] * 3


def test_cmyk_jpeg_without_ink_is_white(tmp_path: Path) -> None:
    """Paper is white: CMYK in JPEG is stored inverted."""
    Image.new("CMYK", (32, 32), (0, 0, 0, 0)).save(tmp_path / "a.jpg")
    assert read_photo(tmp_path / "a.jpg").pixels.min() > 65000


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    """A PNG named .jpg is a PNG, a JPEG named .nef a JPEG, a text named .jpg nothing."""
    saved(tmp_path / "a.png").rename(tmp_path / "a.jpg")
    assert read_header(tmp_path / "a.jpg").kind == "png"
    saved(tmp_path / "b.jpg").rename(tmp_path / "b.nef")
    assert read_header(tmp_path / "b.nef").kind == "jpeg"
    for content in (b"hello, not a picture", b"GIF89a" + bytes(40), b"BM" + bytes(40), b"<html>", bytes(500)):
        (tmp_path / "c.jpg").write_bytes(content)
        with pytest.raises(PictureError, match=r"c\.jpg"):
            read_photo(tmp_path / "c.jpg")


def test_empty_missing_and_special_files_are_refused(tmp_path: Path) -> None:
    """Zero bytes, no file, a folder and a pipe are errors in words, and a pipe does not hang."""
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("empty.jpg", "none.jpg", "folder.jpg", "pipe.jpg"):
        with pytest.raises(PictureError):
            read_photo(tmp_path / name)


def formats() -> dict[str, bytes]:
    made = {}
    smooth = Image.fromarray(SMOOTH)
    for name, kind, options in (
        ("base.jpg", "JPEG", {"quality": 90}), ("progressive.jpg", "JPEG", {"progressive": True}),
        ("a.png", "PNG", {}), ("a.webp", "WEBP", {"quality": 80}), ("raw.tif", "TIFF", {}),
    ):  # fmt: skip
        stream = io.BytesIO()
        smooth.save(stream, kind, **options)
        made[name] = stream.getvalue()
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.asarray(smooth), photometric="rgb", compression="lzw", rowsperstrip=16)
    made["lzw.tif"] = stream.getvalue()
    return made


FORMATS = formats()


@pytest.mark.parametrize("name", FORMATS)
@given(cut=st.floats(0.0, 0.995))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_picture_that_is_cut_off_is_refused(tmp_path: Path, name: str, cut: float) -> None:
    """Cut anywhere, a picture is an error: never a half-grey picture."""
    whole = FORMATS[name]
    path = tmp_path / name
    path.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(PictureError):
        read_photo(path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_picture_whose_tail_was_never_written_is_refused(tmp_path: Path, name: str) -> None:
    """A file of full size whose second half is zeros (a broken copy) is an error where it can be told."""
    if name == "raw.tif":
        pytest.skip("zeros are black pixels in an uncompressed TIFF")
    whole = FORMATS[name]
    half = len(whole) // 2
    (tmp_path / name).write_bytes(whole[:half] + bytes(len(whole) - half))
    with pytest.raises(PictureError):
        read_photo(tmp_path / name)


def test_a_jpeg_that_was_closed_early_is_refused(tmp_path: Path) -> None:
    """Half the data with a proper end mark decodes to half a picture in most programs: refused here."""
    whole = FORMATS["base.jpg"]
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    with pytest.raises(PictureError, match="part of the picture is missing"):
        read_photo(tmp_path / "a.jpg")


@pytest.mark.parametrize("name", ["base.jpg", "progressive.jpg"])
def test_a_jpeg_that_goes_on_as_another_file_is_refused(tmp_path: Path, name: str) -> None:
    """As card recovery leaves it, half of one picture and then another, or anything: never half grey."""
    whole = FORMATS[name]
    half = len(whole) // 2
    for other in (whole, b"\xff\x07\x14\x33" * 99 + whole[half:], b"\xff\xc3" + bytes(99) + whole[half:]):
        (tmp_path / name).write_bytes(whole[:half] + other)
        with pytest.raises(PictureError, match="damaged"):
            read_photo(tmp_path / name)


@pytest.mark.parametrize("name", FORMATS)
def test_what_follows_the_picture_does_not_matter(tmp_path: Path, name: str) -> None:
    """Trailing bytes after a whole picture are ignored."""
    (tmp_path / name).write_bytes(FORMATS[name] + b"garbage" * 100)
    assert read_photo(tmp_path / name).width == 160


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_damage_is_a_sentence_or_a_picture(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes overwritten anywhere end in a PictureError or a picture of sane size, nothing else."""
    name = data.draw(st.sampled_from(sorted(FORMATS)))
    whole = bytearray(FORMATS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(whole) - 1, 600)))
        whole[place] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(bytes(whole))
    try:
        assert read_photo(path, max_megapixels=5).pixels.ndim == 3
    except PictureError as refused:
        assert refused.message.endswith(".")


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """A small file that says it has 10,000 megapixels is refused by its header."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(PictureError, match="100000 x 100000"):
        read_photo(tmp_path / "a.png")


def test_of_many_pages_and_frames_the_first_counts(tmp_path: Path) -> None:
    """The first page of a TIFF and the first frame of a WebP are the picture."""
    tifffile.imwrite(tmp_path / "a.tif", np.stack([EIGHT, 255 - EIGHT]), photometric="rgb")
    assert np.array_equal(read_photo(tmp_path / "a.tif").pixels, EIGHT)
    saved(tmp_path / "a.webp", lossless=True, save_all=True, append_images=[Image.fromarray(255 - EIGHT)])
    assert np.array_equal(read_photo(tmp_path / "a.webp").pixels, EIGHT)


def test_the_name_is_printed_inert(tmp_path: Path) -> None:
    """Escape sequences and bytes that are not UTF-8 reach the message only escaped."""
    path = tmp_path / os.fsdecode(b"\x1b[31m\xff.jpg")
    path.write_bytes(b"nothing")
    with pytest.raises(PictureError) as refused:
        read_photo(path)
    assert refused.value.message.isprintable()


def test_nothing_is_printed_while_a_picture_is_read(tmp_path: Path) -> None:
    """What the libraries think of a stranger's profile or EXIF reaches no terminal, escapes and all."""
    saved(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    grey = bytearray(ADOBE_RGB)
    grey[16:20] = b"GRAY"
    profile = b"iCCP\x1b]0;title\x07\0\0" + zlib.compress(bytes(grey))
    chunk = struct.pack(">I", len(profile) - 4) + profile + struct.pack(">I", zlib.crc32(profile))
    (tmp_path / "a.png").write_bytes(whole[:33] + chunk + whole[33:])
    tifffile.imwrite(tmp_path / "b.tif", EIGHT, photometric="rgb", bigtiff=True, byteorder=">")
    reading = "import sys; from pathlib import Path; from studiod.imaging.photo import read_photo as read\n"
    reading += "for name in sys.argv[1:]: assert read(Path(name)).pixels.shape == (40, 60, 3)"
    said = subprocess.run(
        [sys.executable, "-c", reading, tmp_path / "a.png", tmp_path / "b.tif"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert said.stdout + said.stderr == b""
    assert np.array_equal(read_photo(tmp_path / "a.png").pixels, EIGHT)


def test_linear_of_a_box_is_a_box_of_linear(tmp_path: Path) -> None:
    """Converting a part gives the part of the converted whole."""
    photo = read_photo(saved(tmp_path / "a.png", icc_profile=ADOBE_RGB))
    np.testing.assert_allclose(photo.linear((5, 6, 25, 30)), photo.linear()[6:30, 5:25], atol=1e-6)
