"""A voucher's code as a QR picture."""

import io

import segno

SVG, PNG = "image/svg+xml", "image/png"
KINDS = {"svg": SVG, "png": PNG}
# Read from a telephone's scratched screen: a quarter of it may be lost.
ERROR_LEVEL = "q"
SCALE, BORDER = 8, 4


def qr(code: str, kind: str) -> bytes:
    """Return the QR code of a voucher's code as svg or png."""
    out = io.BytesIO()
    picture = segno.make(code, error=ERROR_LEVEL, micro=False)
    picture.save(out, kind=kind, scale=SCALE, border=BORDER)
    return out.getvalue()
