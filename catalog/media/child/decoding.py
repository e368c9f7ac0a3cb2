"""Decode a picture and make it anew in three sizes, inside a child that is thrown away.

Nothing here is called by the service itself: `images` and the uploads let a child do it.
"""

import io
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

from PIL import Image, ImageCms

from catalog.media.rules import MAX_PIXELS, MAX_WEBP_PIXELS, SIZES, ImageRefused
from mall.kernel.sandbox.nursery import Send

LARGE = SIZES[-1]
_FORMATS = ("JPEG", "PNG", "WEBP")
# Pixels that are worked on at once beside the picture itself.
_STRIP = 1_000_000
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")
_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")


def send_sizes(file: BinaryIO, options: dict[str, Any], send: Send) -> None:
    """Send a picture as WebP in each size, the smallest first; raises ImageRefused."""
    for made in sizes(file):
        send(made)


def sizes(file: BinaryIO) -> Iterator[bytes]:
    """Return a picture as WebP in each size, the smallest first; raises ImageRefused.

    Nothing of the file is kept but what can be seen: no EXIF, no second content, no other frames.
    """
    picture = _decode(file)
    made = []
    for size in sorted(SIZES, reverse=True):
        picture.thumbnail((size, size))
        made.append(_encode(picture))
    return reversed(made)


def _decode(file: BinaryIO) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=_FORMATS) as opened:
                most = MAX_WEBP_PIXELS if opened.format == "WEBP" else MAX_PIXELS
                if opened.width * opened.height > most:
                    raise ImageRefused("body")
                turn, profile = _turn(opened), opened.info.get("icc_profile")
                # JPEG can be decoded at a fraction of its size, which is all that is needed.
                opened.draft("RGB", (LARGE, LARGE))
                opened.load()
                plain = _in_srgb(_shrunk(opened), profile)
                return plain if turn is None else plain.transpose(turn)
    except (ImageRefused, MemoryError):
        raise
    except Exception as error:
        # Whatever a broken file does to the library, it is no picture.
        raise ImageRefused("body") from error


def _turn(opened: Image.Image) -> Image.Transpose | None:
    """Return how the camera was held, where EXIF can be read at all."""
    try:
        return _TURNS.get(opened.getexif().get(_ORIENTATION, 1))
    except Exception:
        return None


def _shrunk(opened: Image.Image) -> Image.Image:
    """Return a picture in RGB or RGBA, not much larger than is needed.

    It is worked on in strips, so that no second copy of a large picture is made.
    """
    factor = max(1, min(opened.width, opened.height, max(opened.size) // (2 * LARGE)))
    has_alpha = opened.mode in _ALPHA or "transparency" in opened.info
    mode = "RGBA" if has_alpha else "RGB"
    target = (-(-opened.width // factor), -(-opened.height // factor))
    made = Image.new(mode, target)
    rows = max(1, _STRIP // max(1, opened.width) // factor) * factor
    for top in range(0, opened.height, rows):
        part = opened.crop((0, top, opened.width, min(top + rows, opened.height)))
        plain = _plain(part, opened.info, mode)
        if factor > 1:
            plain = _reduced(plain, factor)
        made.paste(plain, (0, top // factor))
    return made


def _reduced(plain: Image.Image, factor: int) -> Image.Image:
    if plain.mode != "RGBA":
        return plain.reduce(factor)
    # What cannot be seen must not colour what can.
    return plain.convert("RGBa").reduce(factor).convert("RGBA")


def _plain(part: Image.Image, about: dict[Any, Any], mode: str) -> Image.Image:
    if part.mode in _SIXTEEN_BITS:
        # Its own conversion would cut everything above 255 off, and leave white.
        return _eight_bits(part).convert(mode)
    if "transparency" in about:
        part.info["transparency"] = about["transparency"]
    return part.convert(mode)


def _eight_bits(part: Image.Image) -> Image.Image:
    whole = part.convert("I")
    return whole.point(lambda value: value * (1 / 257) + 0.5).convert("L")


def _in_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """Return the picture in the colours that a browser shows where no profile is given."""
    if not isinstance(profile, bytes) or not profile:
        return picture
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if given.profile.xcolor_space.strip() != "RGB":
            return picture
        meant = ImageCms.createProfile("sRGB")
        changed = ImageCms.profileToProfile(picture, given, meant, outputMode=picture.mode)
    except Exception:
        return picture
    return changed or picture


def _encode(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    bare.save(out, "WEBP", quality=82, method=4)
    return out.getvalue()
