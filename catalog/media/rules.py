"""Which images are taken, and in which sizes they are shown."""

from mall.kernel.errors import DomainError

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
# A WebP is decoded several times over: what a child can hold of it is less.
MAX_WEBP_PIXELS = 16_000_000
# Longest side in pixels; the largest stands in the product, the others differ in their number.
SIZES = (240, 640, 1280)


class ImageRefused(DomainError):
    code = "image_refused"
