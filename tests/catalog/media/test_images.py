"""Images are made anew: nothing but what can be seen is kept, in three sizes."""

import io

import pytest
from PIL import Image

from catalog.media import rules as media_rules
from tests.support.people import new_staff
from tests.support.shop import new_supplier


def picture(kind="JPEG", size=(1600, 900), mode="RGB", **how):
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, kind, **how)
    return out.getvalue()


def see_through():
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 90)).save(out, "PNG")
    return out.getvalue()


def upload(world, content, supplier=None):
    supplier = supplier or new_staff(world, "supplier", new_supplier(world))
    headers = {"Authorization": f"Bearer {supplier.token}", "Content-Type": "image/png"}
    return supplier.client.post("/v1/supplier/images", data=content, headers=headers)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_is_kept_in_three_sizes_of_webp(world, kind):
    stored = upload(world, picture(kind)).get_json()
    assert stored["url"] == stored["large"]
    sizes = {}
    for name in ("small", "medium", "large"):
        served = world.app.test_client().get(stored[name])
        assert served.headers["Content-Type"] == "image/webp"
        assert served.headers["X-Content-Type-Options"] == "nosniff"
        assert "immutable" in served.headers["Cache-Control"]
        with Image.open(io.BytesIO(served.data)) as shown:
            assert shown.format == "WEBP"
            sizes[name] = shown.size
    assert sizes == {"small": (240, 135), "medium": (640, 360), "large": (1280, 720)}


def test_the_same_image_is_kept_once(world):
    first, again = (upload(world, picture()).get_json() for _ in range(2))
    assert first == again


def test_nothing_hidden_in_a_file_is_kept(world):
    """Case 30: neither EXIF (where it was taken) nor a second content behind the picture."""
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    content = picture(exif=exif) + b"PK\x03\x04<script>alert(1)</script>"
    stored = upload(world, content).get_json()
    for name in ("small", "medium", "large"):
        shown = world.app.test_client().get(stored[name]).data
        assert b"secret" not in shown and b"script" not in shown and b"EXIF" not in shown


def test_a_picture_taken_upright_is_shown_upright(world):
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = upload(world, picture(size=(400, 200), exif=exif)).get_json()
    served = world.app.test_client().get(stored["large"]).data
    with Image.open(io.BytesIO(served)) as shown:
        assert shown.size == (200, 400)


def test_transparency_stays(world):
    stored = upload(world, see_through()).get_json()
    with Image.open(io.BytesIO(world.app.test_client().get(stored["large"]).data)) as shown:
        assert shown.mode == "RGBA"


REFUSED = {
    "nothing": b"",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "gif": picture("GIF", (5, 5), "P"),
    "a name only": b"\x89PNG\r\n\x1a\n" + b"0" * 100,
    "cut off": picture()[:-200],
    "41 megapixels": picture("PNG", (8200, 5001), "1"),
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_what_is_no_image_within_bounds_is_refused(world, content):
    """Case 30."""
    reply = upload(world, content)
    assert (reply.status_code, reply.get_json()["code"]) == (422, "image_refused")


def test_a_body_over_ten_megabytes_is_refused(world):
    """Case 30."""
    reply = upload(world, b"\xff\xd8\xff" + b"0" * media_rules.MAX_BYTES)
    assert (reply.status_code, reply.get_json()["code"]) == (413, "too_large")
