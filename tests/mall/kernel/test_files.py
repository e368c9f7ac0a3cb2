"""Files are kept alike in a local folder and in an S3-compatible bucket."""

import pytest
from moto.server import ThreadedMotoServer

from mall.kernel.errors import NotFound
from mall.kernel.files.local import LocalFiles
from mall.kernel.files.s3 import S3Files
from mall.kernel.files.store import FilesUnavailable
from mall.kernel.settings import S3Settings
from mall.shell import config
from mall.shell.app import create_app
from mall.shell.supervisor import free_port


def bucket(port, name="mall"):
    return S3Settings(f"http://127.0.0.1:{port}", "us-east-1", name, "key", "secret")


@pytest.fixture(scope="module")
def s3_port():
    """A real S3 server on this machine, with a bucket."""
    port = free_port(45000)
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    S3Files(bucket(port))._client.create_bucket(Bucket="mall")
    yield port
    server.stop()


@pytest.fixture(params=["local", "s3"])
def files(request, tmp_path):
    if request.param == "local":
        return LocalFiles(tmp_path)
    return S3Files(bucket(request.getfixturevalue("s3_port")))


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
    silent = S3Files(bucket(free_port(46000)))
    with pytest.raises(FilesUnavailable):
        silent.put("images/a", b"x", "image/webp")


def test_a_bucket_that_is_not_there_is_said_to_be_unavailable(s3_port):
    with pytest.raises(FilesUnavailable):
        S3Files(bucket(s3_port, "nowhere")).put("images/a", b"x", "image/webp")


def test_the_service_keeps_files_in_the_bucket_it_is_told(s3_port, environment):
    told = {
        **environment,
        "MALL_S3_BUCKET": "mall",
        "MALL_S3_ENDPOINT": f"http://127.0.0.1:{s3_port}",
        "MALL_S3_ACCESS_KEY": "key",
        "MALL_S3_SECRET_KEY": "secret",
    }
    app = create_app(config.load(told))
    app.extensions["mall_files"].put("images/ab/shown.webp", b"picture", "image/webp")
    assert app.test_client().get("/media/ab/shown.webp").data == b"picture"
