"""Private files stay private, however the way to them is written."""

import io
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from mall.kernel.files.store import PRIVATE
from tests.attacks.attacking import Attacker

WAYS = (
    *("/media/{}", "/media//{}", "/media/./{}", "/{}", "/media/images/{}", "/media/x/../../{}"),
    *("/media/../{}", "/media/%2e%2e/{}", "/media/..%2f{}", "/media/%2e%2e%2f{}", "/media/.%2e/{}"),
    *("/media/%252e%252e/{}", "/media/%252e%252e%252f{}", "/media/..%5c{}", "/media/..\\{}"),
    *("/media/%c0%ae%c0%ae/{}", "/media/%e0%80%ae%e0%80%ae/{}", "/media/..;/{}", "/media/..%00/{}"),
    *("/media/%ef%bc%8e%ef%bc%8e/{}", "/media/%u002e%u002e/{}", "/media/..%3f/{}", "/media/.../{}"),
    *("/docs/assets/../../{}", "/docs/assets/%2e%2e%2f%2e%2e%2f{}", "/media/{}%00.webp"),
    *("/media/images/../{}", "/media/images%2f..%2f{}", "/v1/../media/../{}", "/media/%2F..%2F{}"),
    *("http://127.0.0.1/media/../{}", "/media/..//..//{}", "/MEDIA/../{}", "/media/~/{}"),
)


@pytest.fixture(scope="module")
def private(attacked, tenants):
    """What is private of both tenants: the way to it below the root, and its content."""
    root = Path(attacked["MALL_MEDIA_DIR"])
    found = [each for area in PRIVATE for each in (root / area).rglob("*") if each.is_file()]
    assert {each.relative_to(root).parts[0] for each in found} == set(PRIVATE)
    return root, {each.relative_to(root).as_posix(): each.read_bytes() for each in found}


def spelled(root, key):
    """Yield a key as it may be written: plain, its slashes hidden, whole from the root."""
    yield key
    yield quote(key, safe="")
    yield "".join(f"%{ord(each):02x}" for each in key)
    yield (root / key).as_posix()
    yield quote((root / key).as_posix(), safe="")


def test_no_spelling_of_a_path_leads_out_of_what_is_public(port, private):
    root, contents = private
    # One of each area says it all: the ways are many.
    chosen = {key.split("/")[0]: key for key in contents}
    stranger, tried = Attacker(port), 0
    for key in chosen.values():
        for spelling in spelled(root, key):
            for way in WAYS:
                path = way.format(spelling)
                answer = stranger.ask("GET", path)
                if answer.status in (301, 302, 307, 308):
                    answer = stranger.ask("GET", answer.headers["Location"] or "/")
                assert answer.status in (400, 401, 404), (path, answer.status)
                assert answer.content not in contents.values(), path
                tried += 1
    assert tried == len(PRIVATE) * 5 * len(WAYS)


def test_a_public_picture_is_there_all_the_same(tenants, port):
    picture = io.BytesIO()
    Image.new("RGB", (300, 200), "red").save(picture, "PNG")
    headers = [("Content-Type", "image/png")]
    seller = Attacker(port, tenants[0].seller.token)
    kept = seller.ask("POST", "/v1/supplier/images", data=picture.getvalue(), headers=headers)
    answer = Attacker(port).ask("GET", kept.body["url"])
    assert (answer.status, answer.headers.get_content_type()) == (200, "image/webp")


def test_a_name_that_is_too_long_or_odd_is_not_there(port):
    stranger = Attacker(port)
    for name in (
        "a" * 300,
        "a" * 4_000,
        "a/" * 200,
        "%00",
        "%0a",
        "con",
        "*",
        "%ff",
        ".",
        "..",
        "a%20",
    ):
        answer = stranger.ask("GET", f"/media/{name}")
        assert answer.status == 404, (name[:20], answer.status)


def test_what_is_private_is_given_to_its_owner_and_kept_by_nobody_on_the_way(port, tenants):
    mine, theirs = tenants
    path = f"/v1/supplier/documents/{mine.ids['document_id']}"
    answer = Attacker(port, mine.seller.token).ask("GET", path)
    assert answer.status == 200 and answer.content.startswith(b"%PDF")
    assert "no-store" in answer.headers["Cache-Control"]
    assert Attacker(port, theirs.seller.token).ask("GET", path).status == 404
    assert Attacker(port).ask("GET", path).status == 401
