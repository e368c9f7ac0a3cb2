"""Product images: decoded, made anew in three sizes, kept under the hash of what was sent."""

import hashlib
import io
import threading
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from mall.kernel.errors import DomainError
from mall.kernel.files.store import PublicFiles

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
# Longest side in pixels; the largest stands in the product, the others differ in their number.
SMALL, MEDIUM, LARGE = SIZES = (240, 640, 1280)
WEBP = "image/webp"
_FORMATS = ("JPEG", "PNG", "WEBP")
# Decoding 40 megapixels takes 160 MB: one at a time in a process.
_decoding = threading.Lock()


class ImageRefused(DomainError):
    code = "image_refused"
    status = 422
    zh = "请上传 10 MB、4000 万像素以内的 JPEG、PNG 或 WebP 图片。"
    en = "Upload a JPEG, PNG or WebP image of at most 10 MB and 40 megapixels."


@dataclass(frozen=True)
class StoredImage:
    """Where an image is shown, in three sizes."""

    small: str
    medium: str
    large: str


def store_image(files: PublicFiles, content: bytes) -> StoredImage:
    """Keep an image in three sizes of WebP; the same image is kept once.

    Nothing of the file that was sent is kept but what can be seen: no EXIF, no second content.
    Raises ImageRefused for what is none, is over 10 MB, or over 40 megapixels.
    """
    if not content or len(content) > MAX_BYTES:
        raise ImageRefused("body")
    digest = hashlib.sha256(content).hexdigest()
    keys = {size: f"{digest[:2]}/{digest}-{size}.webp" for size in SIZES}
    if not all(files.holds(key) for key in keys.values()):
        with _decoding:
            picture = _decode(content)
            for size in sorted(SIZES, reverse=True):
                picture.thumbnail((size, size))
                files.put(keys[size], _encode(picture), WEBP)
    urls = [f"/media/{key}" for key in keys.values()]
    return StoredImage(*urls)


def _decode(content: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
                if opened.width * opened.height > MAX_PIXELS:
                    raise ImageRefused("body")
                # JPEG can be decoded at a fraction of its size, which is all that is needed.
                opened.draft("RGB", (LARGE, LARGE))
                opened.load()
                turned = ImageOps.exif_transpose(opened)
                mode = (
                    "RGBA" if "A" in turned.getbands() or "transparency" in turned.info else "RGB"
                )
                return turned.convert(mode)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning) as error:
        raise ImageRefused("body") from error
    except Image.DecompressionBombError as error:
        raise ImageRefused("body") from error


def _encode(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    bare.save(out, "WEBP", quality=82, method=4)
    return out.getvalue()
