"""Every kind of picture keeps its colours, and whatever is done to a file, it is no 500 and no hang."""

import io
import random
import struct
import zipfile
import zlib

import pytest
from PIL import Image, ImageCms, ImageStat

from catalog.media.process import store_image
from catalog.media.rules import ImageRefused
from mall.kernel.files.local import LocalFiles
from mall.kernel.files.store import IMAGES, PublicFiles
from tests.catalog.media.test_images import upload
from tests.support.harmful import chunk, png
from tests.support.sheets import row_of, sheet
from tests.support.soak import LONG, SEED

SIDE = 64
MUTANTS = 42 if LONG else 8
# Halves of one colour each, so that neither mean nor place can be right by accident.
LEFT, RIGHT = (200, 60, 20), (30, 90, 160)


def base(mode="RGB"):
    made = Image.new("RGB", (SIDE, SIDE), LEFT)
    made.paste(RIGHT, (SIDE // 2, 0, SIDE, SIDE))
    return made.convert(mode)


def saved(picture, kind, **how):
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def sixteen_bits(colour, values):
    """Return a PNG of 16 bits, hand-made: `values` gives the samples of a pixel of each half."""
    left, right = (b"".join(struct.pack(">H", 257 * v) for v in half) for half in values)
    line = b"\0" + left * (SIDE // 2) + right * (SIDE // 2)
    return png(SIDE, SIDE, 16, colour, line * SIDE)


def grey(colour):
    return (round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]),) * 3


def black_and_white():
    made = Image.new("1", (SIDE, SIDE), 0)
    made.paste(1, (SIDE // 2, 0, SIDE, SIDE))
    return made


def see_through(mode="RGBA"):
    made = base(mode)
    made.putalpha(Image.new("L", (SIDE, SIDE), 255))
    return made


def with_transparent_index():
    made = base().quantize(4)
    return saved(made, "PNG", transparency=3)


def cmyk():
    left, right = ((*(255 - value for value in half), 0) for half in (LEFT, RIGHT))
    made = Image.new("CMYK", (SIDE, SIDE), left)
    made.paste(right, (SIDE // 2, 0, SIDE, SIDE))
    return made


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREYS = grey(LEFT), grey(RIGHT)
PICTURES = {
    "1": (saved(black_and_white(), "PNG"), ((0,) * 3, (255,) * 3)),
    "L": (saved(base("L"), "PNG"), GREYS),
    "LA": (saved(see_through("L"), "PNG"), GREYS),
    "P": (saved(base().quantize(8), "PNG"), (LEFT, RIGHT)),
    "P with transparency": (with_transparent_index(), (LEFT, RIGHT)),
    "RGB": (saved(base(), "PNG"), (LEFT, RIGHT)),
    "RGBA": (saved(see_through(), "PNG"), (LEFT, RIGHT)),
    "CMYK": (saved(cmyk(), "JPEG", quality=95), (LEFT, RIGHT)),
    "I;16": (sixteen_bits(0, (GREYS[0][:1], GREYS[1][:1])), GREYS),
    "RGB of 16 bits": (sixteen_bits(2, (LEFT, RIGHT)), (LEFT, RIGHT)),
    "RGBA of 16 bits": (sixteen_bits(6, ((*LEFT, 255), (*RIGHT, 255))), (LEFT, RIGHT)),
    "LA of 16 bits": (sixteen_bits(4, ((GREYS[0][0], 255), (GREYS[1][0], 255))), GREYS),
    "JPEG": (saved(base(), "JPEG", quality=95), (LEFT, RIGHT)),
    "progressive JPEG": (saved(base(), "JPEG", quality=95, progressive=True), (LEFT, RIGHT)),
    "grey JPEG": (saved(base("L"), "JPEG", quality=95), GREYS),
    "JPEG with a profile": (saved(base(), "JPEG", quality=95, icc_profile=PROFILE), (LEFT, RIGHT)),
    "a profile that is none": (saved(base(), "PNG", icc_profile=b"profile"), (LEFT, RIGHT)),
    "WebP": (saved(base(), "WEBP", quality=95), (LEFT, RIGHT)),
    "WebP without loss": (saved(see_through(), "WEBP", lossless=True), (LEFT, RIGHT)),
    "large": (saved(base().resize((3000, 2900), 0), "PNG"), (LEFT, RIGHT)),
    "large of 16 bits": (saved(base("L").resize((2600, 2600), 0), "PNG"), GREYS),
}


@pytest.fixture
def files(tmp_path):
    return PublicFiles({IMAGES: LocalFiles(tmp_path)})


def shown(files, content):
    return Image.open(
        io.BytesIO(files.get(store_image(files, content).large.removeprefix("/media/")))
    )


def means(picture):
    """Return the mean colour of each half, away from their border."""
    plain = picture.convert("RGB")
    width, height = plain.size
    left = plain.crop((0, 0, width * 3 // 8, height))
    right = plain.crop((width * 5 // 8, 0, width, height))
    return [ImageStat.Stat(half).mean for half in (left, right)]


def assert_near(found, wanted, far=6):
    for halves in zip(found, wanted, strict=True):
        assert all(abs(a - b) <= far for a, b in zip(*halves, strict=True)), (found, wanted)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_keeps_its_colours_whatever_its_mode(files, name):
    content, wanted = PICTURES[name]
    assert_near(means(shown(files, content)), wanted)


def test_transparent_pixels_stay_transparent(files):
    made = see_through()
    made.putalpha(Image.new("L", (SIDE, SIDE), 90))
    with shown(files, saved(made, "PNG")) as picture:
        assert picture.mode == "RGBA"
        assert abs(ImageStat.Stat(picture.getchannel("A")).mean[0] - 90) < 3


def test_the_colours_are_those_that_the_profile_means(files):
    """A profile whose red is blue: a browser that is not told would show the wrong colours."""
    swapped = PROFILE.replace(b"rXYZ", b"tmp!").replace(b"bXYZ", b"rXYZ").replace(b"tmp!", b"bXYZ")
    found = means(shown(files, saved(base(), "PNG", icc_profile=swapped)))
    assert_near(found, (LEFT[::-1], RIGHT[::-1]))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was_held(files, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    whole = base().resize((80, 40))
    with shown(files, saved(whole, "JPEG", quality=95, exif=exif)) as picture:
        upright = picture.size == (80, 40)
        assert upright == (orientation <= 4)
        plain = picture.convert("RGB")
        # Where the left, red half is now.
        place = {1: (9, 20), 2: (70, 20), 3: (70, 20), 4: (9, 20)}
        turned = {5: (20, 9), 6: (20, 9), 7: (20, 70), 8: (20, 70)}
        red, _, blue = plain.getpixel({**place, **turned}[orientation])
        assert red > 150 > blue


def exif_of(*entries):
    """Return EXIF whose entries are tag, type, count and the four bytes of the value."""
    body = struct.pack(">H", len(entries))
    body += b"".join(struct.pack(">HHI4s", *entry) for entry in entries) + b"\0" * 4
    return b"Exif\0\0MM\0*\0\0\0\x08" + body + struct.pack(">iiII", -1, 0, 1, 0) + b"many dpi\0"


def _at(entries, offset=0):
    return struct.pack(">I", 8 + 2 + 12 * entries + 4 + offset)


ODD_EXIF = {
    "a resolution of -1/0": exif_of((0x011A, 10, 1, _at(2)), (0x0112, 3, 1, b"\0\6\0\0")),
    "a resolution of 1/0": exif_of((0x011A, 5, 1, _at(2, 8)), (0x0112, 3, 1, b"\0\6\0\0")),
    "a resolution in ASCII": exif_of((0x011A, 2, 8, _at(2, 16)), (0x0112, 3, 1, b"\0\6\0\0")),
    "a resolution of bytes": exif_of((0x011A, 7, 4, b"\xff" * 4), (0x011B, 1, 4, b"\0" * 4)),
    "an orientation of 99": exif_of((0x0112, 3, 1, b"\0\x63\0\0")),
    "an orientation in words": exif_of((0x0112, 2, 4, b"left")),
    "a unit of -1": exif_of((0x0128, 8, 1, b"\xff\xff\0\0"), (0x011A, 10, 1, _at(2))),
    "an offset beyond the end": exif_of((0x011A, 5, 1, b"\xff" * 4), (0x8769, 4, 1, b"\xff" * 4)),
    "a directory within itself": exif_of((0x8769, 4, 1, b"\0\0\0\x08"), (0x8825, 4, 1, b"\0\0\0\x08")),
    "not even a header": b"Exif\0\0",
    "another order of bytes": b"Exif\0\0XX\0*\0\0\0\x08",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("name", ODD_EXIF)
def test_odd_exif_takes_nothing_from_a_picture(files, name, kind):
    if kind == "PNG":
        whole = saved(base(), "PNG")
        content = whole[:33] + chunk(b"eXIf", ODD_EXIF[name][6:]) + whole[33:]
    else:
        content = saved(base(), kind, quality=95, exif=ODD_EXIF[name])
    picture = shown(files, content)
    assert picture.size == (SIDE, SIDE)
    wanted = (LEFT, RIGHT)
    if means(picture)[0][0] - means(picture)[1][0] < 100:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    assert_near(means(picture), wanted, far=8)


def test_odd_exif_is_no_500_and_no_hanging_upload(world, seller):
    content = saved(base(), "JPEG", exif=ODD_EXIF["a resolution of -1/0"])
    assert upload(world, content).status_code == 201
    made = seller.check(sheet([row_of(1)]))
    out = io.BytesIO()

    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("S1.jpg", content)
        archive.writestr("S1-2.jpg", saved(base(), "JPEG", exif=ODD_EXIF["a resolution in ASCII"]))
    seller.send(out.getvalue(), f"/v1/supplier/uploads/{made['id']}/images")
    seller.work()
    found = seller.read(made["id"])
    assert (found["state"], found["image_problems"]) == ("checked", [])


def mutated(content, chance):
    """Return a file of which something was changed, cut out, doubled or made up."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 3, 20))):
        at = chance.randrange(len(changed))
        how = chance.randrange(5)
        if how == 0:
            changed[at] = chance.randrange(256)
        elif how == 1:
            del changed[at : at + chance.randrange(1, 40)]
        elif how == 2:
            changed[at:at] = changed[at : at + chance.randrange(1, 200)]
        elif how == 3:
            changed[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        else:
            changed[at:at] = chance.randbytes(chance.randrange(1, 30))
        if not changed:
            return b"\xff"
    return bytes(changed)


FORMATS = [*(name for name in PICTURES if "large" not in name and "profile" not in name)][:11]


@pytest.mark.parametrize("name", [*FORMATS, "EXIF"])
def test_whatever_is_done_to_a_file_it_is_shown_or_refused(files, name):
    """504 files of 12 formats in the long form; seeded by their format and the run."""
    content = (
        PICTURES[name][0]
        if name != "EXIF"
        else saved(base(), "JPEG", exif=ODD_EXIF["a resolution of 1/0"])
    )
    chance = random.Random(zlib.crc32(name.encode()) + SEED)
    for _ in range(MUTANTS):
        try:
            picture = shown(files, mutated(content, chance))
        except ImageRefused:
            continue
        assert picture.format == "WEBP" and max(picture.size) <= 1280
