"""Files are kept alike in a local folder and in an S3-compatible bucket."""

from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from mall.kernel.errors import NotFound
from mall.kernel.files.local import LocalFiles
from mall.kernel.files.s3 import S3Files
from mall.kernel.files.store import PRIVATE, FilesUnavailable, PrivateFiles
from mall.kernel.settings import S3Settings
from mall.shell import config
from mall.shell.app import create_app
from mall.shell.serving.ports import free_port


def bucket(port, name="mall"):
    return S3Settings(f"http://127.0.0.1:{port}", "us-east-1", name, "key", "secret")


@pytest.fixture(scope="module")
def s3_port():
    """A real S3 server on this machine, with a bucket."""
    port = free_port(45000)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    S3Files(bucket(port), "images")._client.create_bucket(Bucket="mall")
    yield port
    server.stop()


@pytest.fixture(params=["local", "s3"])
def files(request, tmp_path):
    if request.param == "local":
        return LocalFiles(tmp_path)
    return S3Files(bucket(request.getfixturevalue("s3_port")), request.node.name[:40])


def test_a_file_comes_back_as_it_was_put(files):
    files.put("images/ab/one.webp", b"\x00\xffbytes", "image/webp")
    files.put("images/ab/one.webp", b"\x00\xffbytes", "image/webp")
    assert files.get("images/ab/one.webp") == b"\x00\xffbytes"
    assert files.holds("images/ab/one.webp")


def test_what_is_not_there_is_said_to_be_missing(files):
    assert not files.holds("images/none.webp")
    with pytest.raises(NotFound):
        files.get("images/none.webp")


def test_a_deleted_file_is_gone_and_may_be_deleted_again(files):
    files.put("documents/a.pdf", b"%PDF-", "application/pdf")
    for _ in range(2):
        files.delete("documents/a.pdf")
    assert not files.holds("documents/a.pdf")


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/passwd", "a\0b"])
def test_no_key_leads_out_of_the_folder(tmp_path, key):
    (tmp_path / "outside").write_text("secret", encoding="utf-8")
    with pytest.raises(NotFound):
        LocalFiles(tmp_path / "inside").get(key)


def test_a_bucket_that_does_not_answer_is_said_to_be_unavailable():
    silent = S3Files(bucket(free_port(46000)), "images")
    with pytest.raises(FilesUnavailable):
        silent.put("images/a", b"x", "image/webp")


def test_a_bucket_that_is_not_there_is_said_to_be_unavailable(s3_port):
    with pytest.raises(FilesUnavailable):
        S3Files(bucket(s3_port, "nowhere"), "images").put("images/a", b"x", "image/webp")


def test_the_service_keeps_files_in_the_bucket_it_is_told(s3_port, environment):
    told = {
        **environment,
        "MALL_S3_BUCKET": "mall",
        "MALL_S3_ENDPOINT": f"http://127.0.0.1:{s3_port}",
        "MALL_S3_ACCESS_KEY": "key",
        "MALL_S3_SECRET_KEY": "secret",
    }
    app = create_app(config.load(told))
    app.extensions["mall_public_files"].put("ab/shown.webp", b"picture", "image/webp")
    assert app.test_client().get("/media/ab/shown.webp").data == b"picture"


def opened(request, tmp_path, environment, kind):
    told = {**environment, "MALL_MEDIA_DIR": str(tmp_path)}
    if kind == "s3":
        port = request.getfixturevalue("s3_port")
        told |= {"MALL_S3_BUCKET": "mall", "MALL_S3_ENDPOINT": f"http://127.0.0.1:{port}"}
        told |= {"MALL_S3_ACCESS_KEY": "key", "MALL_S3_SECRET_KEY": "secret"}
    return create_app(config.load(told))


# Every way to name a private file that a public route might be taken in by.
ROSTER = "rosters/u/r.xlsx"
ODD_NAMES = [
    *(f"{up}{ROSTER}" for up in ("../", "%2e%2e/", "..%2f", "%2e%2e%2f", "..%5c", "....//", "./../")),
    *(f"a/../../{ROSTER}", f"%252e%252e/{ROSTER}", f"ab/..%2f..%2f{ROSTER}", f"..;/{ROSTER}"),
    *("../documents/s/d.pdf", "../uploads/s/u.xlsx", "../images/ab/shown.webp", ROSTER, "images/ab/shown.webp"),
    *("x" * 300, "x/" * 200 + "x", "ab/" + "x" * 5000, "%00", "ab/x%00.webp", "ab/%ff.webp", "ab"),
    *("ab/", "/", ".", "..", "%2e", "ab//shown.webp", "ab/./shown.webp", "/etc/passwd", "~", "a:b"),
    *("ab/shown.webp%20", "ab/shown.webp.", "AB/SHOWN.WEBP", "ab/名.webp", "%ed%a0%80", "a\\b", "*"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_no_public_address_names_a_private_file_and_odd_names_are_404(
    request, tmp_path, environment, kind
):
    app = opened(request, tmp_path, environment, kind)
    private, public = (app.extensions[f"mall_{each}_files"] for each in ("private", "public"))
    for key in (ROSTER, "documents/s/d.pdf", "uploads/s/u.xlsx"):
        private.put(key, b"names and phones", "application/octet-stream")
    public.put("ab/shown.webp", b"picture", "image/webp")
    client = app.test_client()
    assert client.get("/media/ab/shown.webp").data == b"picture"
    for name in ODD_NAMES:
        reply = client.get(f"/media/{name}")
        # Where the address itself is put right (`//`), it leads to the very same public image.
        assert reply.status_code in (404, 308), (name, reply.status_code)
        assert b"phones" not in reply.data and "public" not in str(reply.headers), name


def test_the_stores_of_public_and_private_files_cannot_name_each_others():
    names = ("images/ab/x.webp", "../images/ab/x.webp", "rosters/../images/x.webp", "x.webp", "")
    private = PrivateFiles({name: LocalFiles(Path("/nowhere")) for name in PRIVATE})
    for name in names:
        with pytest.raises(NotFound):
            private.put(name, b"x", "image/webp")


@pytest.mark.parametrize("key", ["x" * 300, "x/" * 3000, "a\0", "\ud800", "", ".", "a/../b", "//"])
def test_a_name_too_long_or_odd_is_a_file_that_is_not_there(files, key):
    with pytest.raises(NotFound):
        files.get(key)


def test_files_of_an_earlier_version_are_still_where_they_were(tmp_path, environment):
    """Upgrade: keys in the database and addresses in use stay as they are."""
    for old in ("images/ab/1-240.webp", "rosters/u/r.xlsx", "documents/s/d.pdf", "uploads/s/u.csv"):
        (tmp_path / old).parent.mkdir(parents=True)
        (tmp_path / old).write_bytes(b"kept")
    app = create_app(config.load({**environment, "MALL_MEDIA_DIR": str(tmp_path)}))
    assert app.test_client().get("/media/ab/1-240.webp").data == b"kept"
    private = app.extensions["mall_private_files"]
    assert private.get("rosters/u/r.xlsx") == private.get("documents/s/d.pdf") == b"kept"


def test_every_file_of_an_area_is_listed_with_its_moment(files):
    for name in ("a/1.xlsx", "b/2.xlsx"):
        files.put(name, b"x", "text/csv")
    listed = {kept.key: kept.since for kept in files.every()}
    assert {"a/1.xlsx", "b/2.xlsx"} <= set(listed)
    assert all(moment.tzinfo is not None for moment in listed.values())
