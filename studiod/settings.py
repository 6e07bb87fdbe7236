"""What a studio can set: `studiod.toml` and the presets, read once, checked, and frozen.

Every key has a default except the hot folders. A key that is not known here is an error that names
the file and the key, so that a slip of the pen never silently means the default.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from studiod.errors import SettingsError
from studiod.mistakes import tell_mistake
from studiod.money import to_minor
from studiod.names import inert, printable

SETTINGS_NAME = "studiod.toml"
MARKER = ".studiod-root"
"""The file that `studiod init` leaves in every root: where it is missing, the disk is not mounted."""
GIGABYTE = 1024**3
"""The bytes of what settings and messages call a GB."""

_LARGEST = 1_000_000_000  # seconds, days, gigabytes: whatever it counts, more has no meaning and no machine
_WEBP_SIDE = 16383

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "light_grey": (242, 242, 242),
    "beige": (243, 236, 224),
    "off_white": (250, 248, 243),
}
"""The backgrounds that have a name, as 8-bit sRGB."""


def _number(value: object) -> object:
    """TOML numbers only: neither a text that looks like one nor a truth value."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("needs a number, without quotes")
    if not math.isfinite(value):
        raise ValueError("needs a finite number")
    if value > _LARGEST:
        raise ValueError(f"needs a number of at most {_LARGEST:,}")
    return float(value)


def _whole_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("needs a whole number, without quotes")
    return value


def _truth(value: object) -> object:
    if not isinstance(value, bool):
        raise ValueError("needs true or false, without quotes")
    return value


def _number_or_off(value: object) -> object:
    return None if value == "" else _number(value)


def _text_or_none(value: object) -> object:
    return None if value == "" else value


def _amount(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not math.isfinite(value):
        raise ValueError("needs an amount of money such as 1000 or 999.50, without quotes")
    return Decimal(value)


def _exact(amounts: dict[str, Decimal]) -> dict[str, Decimal]:
    for currency, amount in amounts.items():
        to_minor(amount, currency)  # a ValueError says why this cannot be an amount in that currency
    return amounts


def _path(value: object, info: ValidationInfo) -> object:
    """An absolute path; a relative one is below the studio's root, which the context names."""
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("needs a path")
    assert info.context is not None  # load_settings gives it
    root: Path = info.context["root"]
    try:
        return Path(os.path.normpath(root / Path(value).expanduser()))
    except RuntimeError:
        raise ValueError("names a home folder that is not known") from None


def _path_or_none(value: object, info: ValidationInfo) -> object:
    return None if value == "" else _path(value, info)


def _command(value: object) -> object:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError('needs a command line, or "" for none')
    return value


def _pattern(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("needs a regular expression as text")
    try:
        compiled = re.compile(value)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    if value and compiled.groups == 0:
        raise ValueError('needs a group that finds the SKU, such as "^([A-Z]+-[0-9]+)"')
    return value


def _pattern_or_none(value: object) -> object:
    return _text_or_none(_pattern(value))


def _hours(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('needs hours such as "19:00-07:00", or "" for all day')
    if value and _hours_of(value) is None:
        raise ValueError('needs two different times such as "19:00-07:00", or "" for all day')
    return value


def _hours_of(text: str) -> tuple[dt.time, dt.time] | None:
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)", text)
    if match is None:
        return None
    hour, minute, last_hour, last_minute = map(int, match.groups())
    start, end = dt.time(hour, minute), dt.time(last_hour, last_minute)
    return None if start == end else (start, end)


def _colour(value: object) -> object:
    if isinstance(value, str) and (value in COLOURS or re.fullmatch(r"#[0-9a-fA-F]{6}", value)):
        return value
    raise ValueError(f"needs a colour such as #f2f2f2, or one of {', '.join(COLOURS)}")


Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_whole_number)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1)]
Scale = Annotated[float, Field(gt=0, le=10_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Amounts = Annotated[dict[Currency, Amount], AfterValidator(_exact)]
SkuSource = Literal["name", "folder"]
Provider = Literal["cpu", "cuda", "directml", "coreml"]
"""What onnxruntime computes on."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HotFolder(_Table):
    """A folder that camera software writes to, and the rules of what lands there."""

    name: Name
    path: Annotated[Path, BeforeValidator(_path)]
    presets: Annotated[tuple[Name, ...], Field(min_length=1)] = ("white",)
    plate: Annotated[Path | None, BeforeValidator(_path_or_none)] = None
    watch: Literal["events", "poll"] = "events"
    sku: Annotated[SkuSource | None, BeforeValidator(_text_or_none)] = None
    sku_pattern: Annotated[str | None, BeforeValidator(_pattern_or_none)] = None
    pair: Literal["jpeg", "raw"] = "jpeg"
    pixels_per_mm: Annotated[Scale | None, BeforeValidator(_number_or_off)] = None


class IntakeSettings(_Table):
    """When a file counts as whole, and how large a picture may be."""

    quiet_seconds: Annotated[Number, Field(ge=0)] = 3.0
    pair_seconds: Annotated[Number, Field(ge=0)] = 20.0
    rescan_seconds: Annotated[Number, Field(gt=0)] = 30.0
    max_megapixels: Annotated[Number, Field(gt=0)] = 160.0


class CatalogSettings(_Table):
    """Where prices come from, and how a file finds its SKU."""

    files: Annotated[tuple[Annotated[Path, BeforeValidator(_path)], ...], Field(validate_default=True)] = (
        Path("prices.csv"),
    )
    currencies: Annotated[
        dict[Annotated[Path, BeforeValidator(_path)], Currency], Field(validate_default=True)
    ] = Field(default_factory=dict)
    sku: SkuSource = "name"
    sku_pattern: Annotated[str, BeforeValidator(_pattern)] = ""

    @model_validator(mode="after")
    def _currencies_are_of_files(self) -> Self:
        for file in self.currencies:
            if file not in self.files:
                raise ValueError(f"currencies names {printable(file)}, which is not one of its files")
        return self


class MattingSettings(_Table):
    """The model that finds the piece: the shipped one, or a user's own ONNX file."""

    model: Annotated[Path | None, BeforeValidator(_path_or_none)] = None
    provider: Provider = "cpu"


class QaSettings(_Table):
    """What a person must decide."""

    threshold: Amounts = Field(default_factory=lambda: {"USD": Decimal(1000)})
    two_person_above: Amounts = Field(default_factory=dict)
    audit_share: Share = 0.02
    auto_approve_below: Annotated[Share | None, BeforeValidator(_number_or_off)] = None
    always_review: tuple[str, ...] = ("moissanite", "cubic zirconia")


class DeliverySettings(_Table):
    """When approved pictures leave, and where copies of originals go afterwards."""

    delay_minutes: Annotated[Number, Field(ge=0)] = 5.0
    archive: Annotated[Path | None, BeforeValidator(_path_or_none)] = None


class StoreSettings(_Table):
    """What is kept in the work folder, and how much of the disk stays free."""

    copy_originals: Truth = True
    keep_originals_days: Annotated[Number, Field(ge=0)] = 30.0
    keep_previews_days: Annotated[Number, Field(ge=0)] = 30.0
    min_free_gb: Annotated[Number, Field(ge=0)] = 5.0


class DaemonSettings(_Table):
    """How much of the machine the daemon may use, and when. 0 workers or threads: by the machine."""

    hours: Annotated[str, BeforeValidator(_hours)] = ""
    workers: Annotated[Whole, Field(ge=0, le=256)] = 0
    threads: Annotated[Whole, Field(ge=0, le=256)] = 0
    memory_gb: Annotated[Number, Field(ge=1)] = 6.0
    time_limit_seconds: Annotated[Number, Field(ge=1)] = 600.0

    def may_work_at(self, moment: dt.time) -> bool:
        """Whether heavy work may run at this time of day; hours may span midnight."""
        hours = _hours_of(self.hours)
        if hours is None:
            return True
        start, end = hours
        return start <= moment < end if start < end else (moment >= start or moment < end)


class NotifySettings(_Table):
    """The command that is told when the night needs a person."""

    command: Annotated[str, BeforeValidator(_command)] = ""


class LogSettings(_Table):
    """How the daemon's log is written."""

    format: Literal["text", "json"] = "text"


class Settings(_Table):
    """One studio: everything that `studiod.toml` says, with absolute paths."""

    root: Path
    currency: Currency = "USD"
    hot_folders: Annotated[tuple[HotFolder, ...], Field(alias="hot_folder", min_length=1)]
    intake: IntakeSettings = IntakeSettings()
    catalog: CatalogSettings
    matting: MattingSettings = MattingSettings()
    qa: QaSettings = QaSettings()
    delivery: DeliverySettings = DeliverySettings()
    store: StoreSettings = StoreSettings()
    daemon: DaemonSettings = DaemonSettings()
    notify: NotifySettings = NotifySettings()
    log: LogSettings = LogSettings()

    @property
    def work(self) -> Path:
        """The daemon's own folder: database, kept originals, cutouts, previews."""
        return self.root / "work"

    @property
    def database(self) -> Path:
        """The ledger."""
        return self.work / "studiod.db"

    @property
    def calibrations(self) -> Path:
        """What the studio taught the risk scorer: a file for each `studiod calibrate --apply`."""
        return self.work / "calibration"

    @property
    def outbox(self) -> Path:
        """Where finished pictures go, a folder a preset."""
        return self.root / "outbox"

    @property
    def touchup(self) -> Path:
        """Where flagged pictures go for work by hand."""
        return self.root / "touchup"

    @property
    def touchup_return(self) -> Path:
        """Where retouched pictures come back."""
        return self.touchup / "return"

    @property
    def roots(self) -> tuple[Path, ...]:
        """Every folder that carries a marker: the hot folders and all that studiod writes to."""
        archive = () if self.delivery.archive is None else (self.delivery.archive,)
        hot = tuple(folder.path for folder in self.hot_folders)
        return (*hot, self.outbox, self.touchup, self.work, *archive)

    def hot_path(self, name: str) -> Path | None:
        """Where the hot folder of this name lies; None where the studio has none such any more."""
        return next((folder.path for folder in self.hot_folders if folder.name == name), None)

    def currency_of(self, file: Path) -> str:
        """The currency of a catalogue file's prices where the file itself names none."""
        return self.catalog.currencies.get(file, self.currency)

    @model_validator(mode="after")
    def _folders_are_apart(self) -> Self:
        seen: set[str] = set()
        for folder in self.hot_folders:
            if folder.name.lower() in seen:
                raise ValueError(f"two hot folders are named {folder.name}")
            seen.add(folder.name.lower())
        written = (self.outbox, self.touchup, self.work)
        archive = () if self.delivery.archive is None else (self.delivery.archive,)
        for folder_of_ours in written:
            if archive and _overlap(archive[0], folder_of_ours):
                raise ValueError(
                    f"[delivery] archive ({printable(archive[0])}) and {printable(folder_of_ours)} "
                    "lie in each other: originals would be taken for something else"
                )
        for index, folder in enumerate(self.hot_folders):
            others = tuple(other.path for other in self.hot_folders[index + 1 :])
            for other_path in (*written, *archive, *others):
                if _overlap(folder.path, other_path):
                    raise ValueError(
                        f"hot folder {folder.name} ({printable(folder.path)}) and "
                        f"{printable(other_path)} lie in each other: a picture would be taken up twice"
                    )
        return self


class Preset(_Table):
    """How a finished picture looks: canvas, background, place of the piece, file format.

    `width` and `height` are the canvas in pixels, 0 for the piece at its native size plus `padding`;
    `fill` is the share of the canvas' tighter side that the piece takes up.
    """

    name: Name
    width: Annotated[Whole, Field(ge=0, le=20000)] = 0
    height: Annotated[Whole, Field(ge=0, le=20000)] = 0
    fill: Annotated[Number, Field(gt=0, le=1)] = 0.85
    background: Annotated[str, BeforeValidator(_colour)] = "white"
    placement: Literal["centre", "bottom"] = "centre"
    padding: Annotated[Whole, Field(ge=0, le=10000)] = 0
    format: Literal["jpeg", "png", "tiff8", "tiff16", "webp"] = "jpeg"
    quality: Annotated[Whole, Field(ge=1, le=100)] = 92

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The background as 8-bit sRGB."""
        if self.background in COLOURS:
            return COLOURS[self.background]
        digits = bytes.fromhex(self.background[1:])
        return digits[0], digits[1], digits[2]

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if self.name.lower() == "recalled":
            raise ValueError("recalled is the folder of recalled pictures and cannot name a preset")
        if (self.width == 0) != (self.height == 0):
            raise ValueError("needs width and height both, or neither")
        if self.width and 2 * self.padding >= min(self.width, self.height):
            raise ValueError("padding leaves no room for the piece")
        if self.format == "webp" and max(self.width, self.height) > _WEBP_SIDE:
            raise ValueError(f"a WebP has at most {_WEBP_SIDE} pixels a side")
        return self


def is_mounted(folder: Path) -> bool:
    """Whether a folder of the studio holds its marker: else its disk is not there."""
    return os.path.lexists(folder / MARKER)


def load_settings(path: Path) -> Settings:
    """The settings in a `studiod.toml`; relative paths are below the folder that it lies in."""
    root = path.absolute().parent
    table = _read_toml(path)
    if "root" in table:
        raise SettingsError(
            f"{printable(path)}: root is not a setting",
            f"The studio is the folder that holds the file: {printable(root)}.",
        )
    beside = "The comment beside the key, in the file that `studiod init` writes, says what it takes."
    return _validated(Settings, {"catalog": {}, **table, "root": root}, path, beside, {"root": root})


def load_preset(name: str, root: Path) -> Preset:
    """The preset of this name: the studio's own (`presets/NAME.toml` below root), else the shipped one."""
    shipped = find_config() / "presets"
    own = root / "presets"
    for folder in (own, shipped):
        path = folder / f"{name}.toml"
        if path.is_file():
            beside = f"The shipped presets say what each key takes: {printable(shipped)}."
            return _validated(Preset, {**_read_toml(path), "name": name}, path, beside)
    known = sorted({path.stem for folder in (own, shipped) for path in folder.glob("*.toml")})
    raise SettingsError(
        f"There is no preset named {printable(name)}.",
        f"Known are {', '.join(map(printable, known)) or 'none'}; your own go to {printable(own)}/NAME.toml, "
        f"written like those in {printable(shipped)}.",
    )


def find_config() -> Path:
    """The folder of shipped configuration, in an installed wheel and in a checkout alike."""
    package = Path(__file__).resolve().parent
    for folder in (package / "config", package.parent / "config"):
        if (folder / SETTINGS_NAME).is_file() or (folder / "presets").is_dir():
            return folder
    raise SettingsError(
        "studiod's own configuration folder is missing from this installation.",
        "Install studiod again: pip install --force-reinstall studiod",
    )


def _overlap(one: Path, other: Path) -> bool:
    """Whether one folder is the other or lies in it, links followed."""
    one, other = one.resolve(), other.resolve()
    return one == other or one in other.parents or other in one.parents


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' editor may begin it with a mark
    except FileNotFoundError:
        raise SettingsError(
            f"There is no {printable(path)}.",
            "Make a studio with: studiod init DIR; or name the file with --config FILE.",
        ) from None
    except IsADirectoryError:
        raise SettingsError(
            f"{printable(path)} is a folder.", f"Name the file: {printable(path / SETTINGS_NAME)}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{printable(path)} cannot be read: {printable(str(error))}.",
            "It must be a text file in UTF-8 that this user may read.",
        ) from None
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{printable(path)} is not valid TOML: {inert(str(error))}.",
            "Texts stand in straight quotes, those with a backslash in single ones ('^(\\d+)'), headings in "
            "[brackets]; compare with the file that `studiod init` writes.",
        ) from None


Model = TypeVar("Model", bound=BaseModel)


def _validated(
    kind: type[Model], table: dict[str, Any], path: Path, beside: str, context: dict[str, Path] | None = None
) -> Model:
    try:
        return kind.model_validate(table, context=context)
    except ValidationError as error:
        raise tell_mistake(error, kind, path, beside) from None
