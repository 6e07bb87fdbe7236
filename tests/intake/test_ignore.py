import pytest

from studiod.intake.ignore import Kind, is_ignored_folder, is_plate, kind_of


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "a.JPG", "a.jpeg", "a.jpe", "a.png", "a.tif", "a.TIFF", "a.webp", "a.cr3", "a.NEF", "a.b.dng",
     "a\udcff.jpg", "new\nline.jpg", "a.sync-conflict-20261123-1.jpg"],
)  # fmt: skip
def test_pictures_are_told_by_their_extension(name: str) -> None:
    """Whatever its case, an extension that studiod reads makes a name a picture's."""
    assert kind_of(name) is Kind.PICTURE


@pytest.mark.parametrize(
    "name",
    ["._a.jpg", ".a.jpg", ".DS_Store", ".a.jpg.Xy12", "a.xmp", "a.jpg.xmp", "A.XMP", "a.cr2.dop",
     "a.jpg.part", "a.jpg.crdownload", "a.jpg.tmp", "a.jpg.filepart", "a.jpg.!sync", "a.jpg~", "~$a.jpg",
     "Thumbs.db", "desktop.ini", "Icon\r", ".studiod-root", "~syncthing~a.jpg.tmp"],
)  # fmt: skip
def test_litter_is_not_even_recorded(name: str) -> None:
    """Sidecars, hidden and sync-tool files, unfinished downloads and desktop litter are nobody's pictures."""
    assert kind_of(name) is Kind.LITTER


@pytest.mark.parametrize("name", ["a.txt", "a.psd", "a.heic", "a", "a.jpg.sh", "a.jpg\n", "a.gif", "jpg"])
def test_other_files_are_recorded_as_ignored(name: str) -> None:
    """A file that somebody put there and that is no picture by its name is known as such."""
    assert kind_of(name) is Kind.OTHER


@pytest.mark.parametrize(
    "name", ["@eaDir", ".stfolder", "CaptureOne", "captureone", ".git", "#recycle", "__MACOSX"]
)
def test_folders_of_programs_are_not_looked_into(name: str) -> None:
    """What sync tools, network drives and camera software keep in a folder of their own stays theirs."""
    assert is_ignored_folder(name)
    assert not is_ignored_folder("2026-11-23 rings")


def test_plates_are_told_by_the_beginning_of_their_stem() -> None:
    """Any case counts, the whole first word only: a plated ring is a piece."""
    assert is_plate("set/plate.jpg") and is_plate("Plate_03.CR3") and is_plate("PLATE.tif")
    assert is_plate("plate2.jpg") and is_plate("plates.jpg") and is_plate("plate-left.jpg")
    assert not is_plate("plates/ring.jpg") and not is_plate("my plate.jpg")
    assert not is_plate("plated hoop.jpg") and not is_plate("PLATED-0412.jpg") and not is_plate("plateau.jpg")
