"""The demo's contact sheet: what came of every piece, at a glance."""

from __future__ import annotations

from pathlib import Path

from studiod.ledger import reading
from studiod.ledger.engine import Ledger
from studiod.ledger.records import ItemRecord
from studiod.money import price_text
from studiod.names import printable
from studiod.settings import Settings


def draw_contact_sheet(
    ledger: Ledger, items: list[ItemRecord], settings: Settings, place: Path
) -> Path | None:
    """Original, matte and composite of every finished piece, side by side; None when there is none.

    Pieces whose previews were cleared away are left out.
    """
    from PIL import Image, ImageDraw, ImageFont

    width, height, margin, caption = 360, 300, 12, 30
    previews = ("preview-original.jpg", "preview-cutout.png", "preview-composite.jpg")
    rows = []
    for item in items:
        version = reading.get_version(ledger, item.id)
        folder = None if version is None else settings.work / version.made.folder
        if folder is not None and all((folder / name).is_file() for name in previews):
            rows.append((item, folder))
    if not rows:
        return None
    row_height = height + caption + margin
    sheet = Image.new(
        "RGB", (3 * (width + margin) + margin, len(rows) * row_height + margin), (226, 226, 226)
    )
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16)
    for number, (item, folder) in enumerate(rows):
        top = margin + number * row_height
        for column, name in enumerate(previews):
            with Image.open(folder / name) as picture:
                small = picture.getchannel("A") if picture.mode == "RGBA" else picture.convert("RGB")
                small.thumbnail((width, height))
            left = margin + column * (width + margin)
            pen.rectangle((left, top, left + width - 1, top + height - 1), fill=(255, 255, 255))
            sheet.paste(small, (left + (width - small.width) // 2, top + (height - small.height) // 2))
        price = price_text(item.price_minor, item.currency) or "price unknown"
        risk = "" if item.risk is None else f"risk {item.risk:.2f}  "
        words = (
            f"{printable(Path(item.path).name)}   {price}   {risk}{', '.join(item.reasons)}   {item.status}"
        )
        pen.text((margin, top + height + 5), words, fill=(40, 40, 40), font=font)
    sheet.save(place, optimize=True)
    return place
