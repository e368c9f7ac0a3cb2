"""Images come with a sheet, in a zip by SKU code or by address."""

import dataclasses
import io
import zipfile

import pytest
from PIL import Image

from catalog.uploads.process import pictures
from mall.kernel.files import fetching
from mall.kernel.files.fetching import FetchRefused
from mall.kernel.sheets import working
from tests.support.sheets import archive, at, row_of, sheet

# Images by SKU code


def test_images_come_in_a_zip_by_sku_code(seller):
    upload = seller.check(sheet([row_of(1), row_of(2)]))
    names = ["S1-2.png", "S1.png", "P2/1.png", "readme.txt", "__MACOSX/._S1.png"]
    path = f"/v1/supplier/uploads/{upload['id']}/images"
    assert seller.send(archive(names), path).get_json()["state"] == "waiting"
    assert seller.apply(upload["id"]).get_json()["code"] == "upload_busy"
    seller.work()
    checked = seller.read(upload["id"])
    assert [each["name"] for each in checked["image_problems"]] == ["readme.txt"]
    seller.apply(upload["id"])
    seller.work()
    images = {product["title"]: product["image_urls"] for product in seller.products()}
    assert {title: len(urls) for title, urls in images.items()} == {"商品 1": 2, "商品 2": 1}
    for urls in images.values():
        for url in urls:
            assert seller.person.get(url).status_code == 200
    sizes = []
    for url in images["商品 1"]:
        with Image.open(io.BytesIO(seller.person.get(url).data)) as shown:
            sizes.append(shown.height)
    assert sizes == [201, 200]
    again = seller.check(sheet([row_of(1), row_of(2)]))
    assert again["counts"]["unchanged"] == 2


@pytest.mark.parametrize(
    ("content", "text"), [(b"PK\x03\x04broken", "损坏"), (archive(["S1.png"], b"no image"), None)]
)
def test_a_zip_that_is_none_fails_and_a_file_that_is_no_image_is_named(seller, content, text):
    upload = seller.check(sheet([row_of(1)]))
    seller.send(content, f"/v1/supplier/uploads/{upload['id']}/images")
    seller.work()
    upload = seller.read(upload["id"])
    if text:
        assert upload["state"] == "failed" and text in upload["problem"]["detail_zh"]
    else:
        assert upload["state"] == "checked" and len(upload["image_problems"]) == 1


def test_many_images_are_unpacked_over_several_runs(seller, monkeypatch):
    upload = seller.check(sheet([row_of(1)]))
    names = [f"S1-{number}.png" for number in range(1, 6)]
    seller.send(archive(names), f"/v1/supplier/uploads/{upload['id']}/images")
    real, stored = pictures._store, []

    def slow(upload_id, content, batch):
        stored.append(batch[0].name)
        assert real(upload_id, content, batch[:1]) == 1
        if len(stored) in (2, 4):
            monkeypatch.setattr(pictures.time, "monotonic", lambda: now + 10_000 * len(stored))
        return 1

    now = pictures.time.monotonic()
    monkeypatch.setattr(pictures, "_store", slow)
    monkeypatch.setattr(working, "RUN_SECONDS", 10**9)
    assert seller.work() > 2
    assert sorted(stored) == names
    monkeypatch.undo()
    seller.apply(upload["id"])
    seller.work()
    assert len(seller.products()[0]["image_urls"]) == 5


@pytest.fixture
def fetching_is_on(world, monkeypatch):
    """Let images be fetched by address, in place of whose content the test gives it."""
    settings = dataclasses.replace(world.app.extensions["mall_settings"], fetch_images=True)
    monkeypatch.setitem(world.app.extensions, "mall_settings", settings)
    asked = []

    def serve(content):
        def fetch(url, limit_bytes):
            asked.append(url)
            if "private" in url:
                raise FetchRefused("address_not_public")
            return content

        monkeypatch.setattr(fetching, "fetch", fetch)
        return asked

    return serve


def test_images_are_fetched_by_address_where_that_is_allowed(seller, fetching_is_on):
    picture = zipfile.ZipFile(io.BytesIO(archive(["a.png"]))).read("a.png")
    asked = fetching_is_on(picture)
    row = row_of(1, image_urls="https://a.example/1.jpg https://a.example/2.jpg")
    upload = seller.take(sheet([row]))
    assert upload["state"] == "applied" and len(asked) == 2
    [product] = seller.products()
    assert product["image_urls"][0].startswith("/media/")


def test_an_address_that_must_not_be_asked_is_named_at_its_cell(seller, fetching_is_on):
    """Case 30."""
    fetching_is_on(b"no image")
    rows = [
        row_of(1, image_urls="http://private.example/1.jpg"),
        row_of(2, image_urls="https://a.example/1.jpg"),
        row_of(3, image_urls="ftp://a.example/1.jpg"),
    ]
    upload = seller.check(sheet(rows))
    found = [item["problems"][0] for item in seller.items(upload["id"], "&action=wrong")]
    assert [problem["cell"] for problem in found] == [at("image_urls", row) for row in (2, 3, 4)]
    assert "内网" in found[0]["text"] and "JPEG" in found[1]["text"]
