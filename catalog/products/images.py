"""Product images, kept under the hash of their content."""

import hashlib
from pathlib import Path

from mall.kernel.errors import DomainError

MAX_BYTES = 2 * 1024 * 1024


class ImageRefused(DomainError):
    code = "image_refused"
    status = 422
    zh = "请上传 2 MB 以内的 JPEG、PNG 或 WebP 图片。"
    en = "Upload a JPEG, PNG or WebP image of at most 2 MB."


def _extension(content: bytes) -> str | None:
    if content.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return None


def store_image(media_dir: Path, content: bytes) -> str:
    """Keep an image and return its path below /media; the same image is kept once.

    Raises ImageRefused for anything that does not begin as an image does, or is over 2 MB.
    """
    extension = _extension(content)
    if extension is None or len(content) > MAX_BYTES:
        raise ImageRefused("body")
    digest = hashlib.sha256(content).hexdigest()
    relative = f"{digest[:2]}/{digest}.{extension}"
    target = media_dir / relative
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        partial.write_bytes(content)
        partial.replace(target)
    return relative
