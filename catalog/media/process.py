"""Product images: made anew in three sizes by a child, kept under the hash of what was sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.media.rules import MAX_BYTES, SIZES, ImageRefused
from mall.kernel.files import quotas
from mall.kernel.files.quotas import Owner
from mall.kernel.files.store import PublicFiles
from mall.kernel.sandbox import pool
from mall.kernel.sandbox.frames import STARVED, Limits
from mall.kernel.uow import unit_of_work

WEBP = "image/webp"
# While somebody waits for the answer; three sizes of WebP are a few hundred kilobytes.
_EFFORT = Limits(cpu_seconds=5, wall_seconds=8.0, output_bytes=8 * 1024 * 1024, turn_seconds=2.0)
_TASK = "catalog.media.child.decoding:send_sizes"


@dataclass(frozen=True)
class StoredImage:
    """Where an image is shown, in three sizes."""

    small: str
    medium: str
    large: str


def store_image(files: PublicFiles, content: bytes, owner: Owner | None = None) -> StoredImage:
    """Keep an image in three sizes of WebP; the same image is kept once.

    Nothing of the file that was sent is kept but what can be seen: no EXIF, no second content.
    Its owner, where it has one, is charged for it once. Raises ImageRefused for what is none, is over
    10 MB, or over 40 megapixels, FilesBusy and StorageFull.
    """
    if not content or len(content) > MAX_BYTES:
        raise ImageRefused("body")
    names = _names(hashlib.sha256(content).hexdigest())
    if all(files.holds(name) for name in names):
        _charge(owner, names, sum(len(files.get(name)) for name in names) if owner else 0)
        return _stored(names)
    outcome = pool.read(_TASK, content, {}, _EFFORT)
    if outcome.ending == STARVED:
        raise pool.FilesBusy()
    if not outcome.is_done:
        raise ImageRefused("body")
    made = [piece for piece in outcome.pieces() if isinstance(piece, bytes)]
    return _keep(files, names, made, owner)


def keep_sizes(files: PublicFiles, made: Sequence[bytes], owner: Owner) -> StoredImage:
    """Keep an image that a child made in each size, under the hash of the largest."""
    return _keep(files, _names(hashlib.sha256(made[-1]).hexdigest()), made, owner)


def _charge(owner: Owner | None, names: Sequence[str], size_bytes: int) -> None:
    """Charge an image, in all its sizes, in a transaction of its own."""
    if owner is not None:
        with unit_of_work() as uow:
            quotas.charge(uow, owner, f"images/{names[-1]}", size_bytes)


def _names(digest: str) -> list[str]:
    return [f"{digest[:2]}/{digest}-{size}.webp" for size in SIZES]


def _keep(
    files: PublicFiles, names: Sequence[str], made: Sequence[bytes], owner: Owner | None
) -> StoredImage:
    # A child is believed no more than what it read: whatever it sent is kept and served as WebP.
    if len(made) != len(SIZES) or not all(map(_is_webp, made)):
        raise ImageRefused("body")
    _charge(owner, names, sum(map(len, made)))
    for name, content in zip(names, made, strict=True):
        files.put(name, content, WEBP)
    return _stored(names)


def _is_webp(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WEBP"


def _stored(names: Sequence[str]) -> StoredImage:
    return StoredImage(*(f"/media/{name}" for name in names))
