"""The layered file that a retoucher works in, and the same file as it comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from psd_tools import PSDImage
from psd_tools.api.layers import Layer, PixelLayer
from psd_tools.constants import ColorMode, Resource
from psd_tools.psd.image_resources import ImageResource

from studiod.errors import PictureError
from studiod.imaging.retouch import Saved, check_size
from studiod.imaging.types import Bytes, Floats, Pixels

ORIGINAL, BACKDROP, CUTOUT, FINDINGS = "original", "backdrop", "cutout", "findings"
_GREY = 0.5
_SHOWN = 6.0 / 255  # how far the merged image may be off what the cutout alone would show
_XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:identifier="{token}"/></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="w"?>'
)


def write_psd(
    path: Path,
    original: Pixels,
    colour: Pixels,
    mask: Bytes,
    marks: Bytes,
    profile: bytes | None,
    token: str,
) -> None:
    """Write the layers `original`, `backdrop`, `cutout` with its `mask`, and (hidden) `findings`, RGBA.

    All are of one size; `original` and `colour` have 8 or 16 bits. `token` is embedded in its XMP.
    """
    height, width = original.shape[:2]
    psd = PSDImage.new("RGB", (width, height), depth=16 if original.dtype == np.uint16 else 8)
    if profile is not None:
        _embed(psd, Resource.ICC_PROFILE, profile)
    _embed(psd, Resource.XMP_METADATA, _XMP.format(token=token).encode())
    backdrop = np.full_like(original, round(_GREY * np.iinfo(original.dtype).max))
    PixelLayer.fromarray(original, psd, ORIGINAL)
    PixelLayer.fromarray(backdrop, psd, BACKDROP)
    PixelLayer.fromarray(colour, psd, CUTOUT).create_mask(Image.fromarray(mask))
    PixelLayer.fromarray(marks, psd, FINDINGS).visible = False
    cover = mask[..., None] / np.float32(255)
    merged = np.asarray(colour * cover + backdrop * (1 - cover) + np.float32(0.5), original.dtype)
    # PSDImage.save draws the merged image itself where extras are installed, and leaves it black elsewhere.
    wire = np.moveaxis(merged.astype(merged.dtype.newbyteorder(">")), -1, 0)
    psd._record.image_data.set_data([plane.tobytes() for plane in wire], psd._record.header)
    with path.open("wb") as file:
        psd._record.write(file)


def read_psd(path: Path, size: tuple[int, int]) -> Saved:
    """What a returned PSD holds: the cutout layer's colour and coverage; PictureError says what to save.

    `size` is the width and height that were sent. Where something lies over that layer,
    the colour is what the merged image shows.
    """
    try:
        return _read(PSDImage.open(path), size)
    except (MemoryError, PictureError):
        raise
    except Exception as error:  # psd-tools raises whatever a broken file makes it stumble on
        raise PictureError("It is damaged: part of it cannot be read.", "Save it again as PSD.") from error


def _read(psd: PSDImage, size: tuple[int, int]) -> Saved:
    check_size(psd.size, size)
    if psd.color_mode != ColorMode.RGB or psd.depth not in (8, 16):
        raise PictureError(
            f"It is {psd.color_mode.name} of {psd.depth} bits.", "Save it in RGB with 8 or 16 bits a channel."
        )
    cutout = next((layer for layer in psd.descendants() if layer.name == CUTOUT), None)
    if cutout is None:
        raise PictureError(
            f"It has no layer named {CUTOUT}: its layers were merged or renamed.",
            f"Keep the layer {CUTOUT} with its mask and its name, and save it as PSD.",
        )
    if any(layer.name == FINDINGS and layer.is_visible() for layer in psd.descendants()):
        raise PictureError(f"The layer {FINDINGS} is visible in it.", "Hide that layer and save it again.")
    colour, alpha = _colour(cutout), _coverage(cutout)
    if not _stands_alone(psd, cutout):
        if not psd.has_preview():
            raise PictureError(
                "Something lies over the cutout, and the file has no merged image.",
                "Save it again with Maximize Compatibility switched on.",
            )
        colour = _seen_colour(np.ascontiguousarray(psd.numpy("color")), colour, alpha)
    return Saved(colour, alpha, psd.image_resources.get_data(Resource.ICC_PROFILE))


def _embed(psd: PSDImage, resource: Resource, content: bytes) -> None:
    psd.image_resources[resource] = ImageResource(key=resource, data=content)


def _coverage(cutout: Layer) -> Floats:
    """The layer's mask over the whole canvas, less what was erased from the layer itself."""
    mask = cutout.mask
    if mask is None or mask.disabled:
        state = "no mask any more" if mask is None else "its mask switched off"
        raise PictureError(
            f"The layer {CUTOUT} has {state}.",
            "Keep that mask, switched on and not applied, and save it again.",
        )
    coverage = _canvas(cutout, 1, mask.background_color / 255)
    _paste(coverage, cutout.numpy("mask"), mask.left, mask.top)
    kept = _canvas(cutout, 1, 0.0)
    erased = cutout.numpy("shape")
    _paste(kept, np.ones((cutout.height, cutout.width, 1)) if erased is None else erased, *cutout.offset)
    return (coverage * kept)[..., 0]


def _colour(cutout: Layer) -> Floats:
    """The layer's own colour over the whole canvas; black where the layer has none."""
    canvas = _canvas(cutout, 3, 0.0)
    _paste(canvas, cutout.numpy("color"), *cutout.offset)
    return canvas


def _canvas(layer: Layer, channels: int, value: float) -> Floats:
    width, height = layer._psd.size
    return np.full((height, width, channels), value, np.float32)


def _paste(canvas: Floats, values: NDArray[Any] | None, left: int, top: int) -> None:
    """Put `values` on the canvas at a corner that may lie outside of it."""
    if values is None or not values.size:
        return
    height, width = values.shape[:2]
    x, y = max(0, left), max(0, top)
    right, bottom = min(canvas.shape[1], left + width), min(canvas.shape[0], top + height)
    if right > x and bottom > y:
        canvas[y:bottom, x:right] = values[y - top : bottom - top, x - left : right - left]


def _stands_alone(psd: PSDImage, cutout: Layer) -> bool:
    """Whether the cutout layer is seen as it is: nothing but our own layers is visible beside it."""
    others = (
        layer for layer in psd.descendants() if layer.name not in (ORIGINAL, BACKDROP, CUTOUT, FINDINGS)
    )
    return cutout.opacity == 255 and cutout.parent is psd and not any(each.is_visible() for each in others)


def _seen_colour(merged: Floats, own: Floats, alpha: Floats) -> Floats:
    """The cutout layer's own colour, and where the merged image shows another one, that.

    It is freed of what is behind: what is seen at the nearest pixel that the piece leaves free.
    """
    free = alpha <= 0.0
    behind = merged
    if free.any():
        _, labels = cv2.distanceTransformWithLabels(
            (~free).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
        )
        of_label = np.empty((int(labels.max()) + 1, 3), np.float32)
        of_label[labels[free]] = merged[free]
        behind = of_label[labels]
    cover = alpha[..., None]
    shown = cover * own + (1 - cover) * behind
    over = (np.abs(merged - shown).max(axis=2) > _SHOWN) & ~free
    seen = own.copy()
    seen[over] = np.clip((merged - (1 - cover) * behind)[over] / cover[over], 0.0, 1.0)
    return seen
