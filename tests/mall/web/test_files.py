"""Replies that name a file say so by RFC 6266, whatever the file is called."""

import re
from urllib.parse import unquote

import pytest
from werkzeug.http import parse_options_header

from mall.kernel.files.names import is_own_image, to_be_saved
from mall.web.files import attachment

NAMES = {
    "我的商品.xlsx": "我的商品.xlsx",
    "plain.pdf": "plain.pdf",
    'a"b.csv': "a_b.csv",
    "a\\b/c.csv": "a_b_c.csv",
    "../../etc/passwd": "_.._etc_passwd",
    "a\r\nSet-Cookie: x=1.csv": "aSet-Cookie_ x=1.csv",
    "a\0b.csv": "ab.csv",
    "\u202exslx.exe": "xslx.exe",
    "": "file",
    "...": "file",
    "  a b .csv": "a b.csv",
    "x" * 400 + ".xlsx": "x" * 116 + ".xlsx",
    "名" * 400 + ".xlsx": "名" * 116 + ".xlsx",
    "100%;'$(x)`.csv": "100__'$(x)`.csv",
    "a.b.c": "a.b.c",
    "CON|x?*<y>": "CON_x___y_",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_saved_under_a_harmless_name_that_browsers_understand(name):
    assert to_be_saved(name) == NAMES[name]
    header = attachment(b"x", "text/csv", name).headers["Content-Disposition"]
    assert re.fullmatch(r"[\x20-\x7e]+", header)
    kind, options = parse_options_header(header)
    assert (kind, options["filename"]) == ("attachment", NAMES[name])
    [extended] = re.findall(r"filename\*=UTF-8''([A-Za-z0-9%._~-]+)$", header)
    assert unquote(extended) == NAMES[name]


@pytest.mark.parametrize(
    ("address", "is_own"),
    [
        ("/media/3f/3fa4-1280.webp", True),
        ("https://a.example/media/3f/1.webp", False),
        ("//a.example/1.webp", False),
        ("/media//a.example/1.webp", False),
        ("/media/../x.webp", False),
        ("/media/%2e%2e/x.webp", False),
        ("/media/a.webp?x=1", False),
        ("/media/a.webp\n", False),
        ("/media/", False),
        ("data:image/png;base64,AA", False),
        ("", False),
    ],
)
def test_only_the_malls_own_images_are_shown(address, is_own):
    assert is_own_image(address) is is_own
