"""Text is canonical, and what looks the same compares equal."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mall.kernel.text import canonical

FORMS = (canonical.prose, canonical.lines, canonical.code, canonical.key, canonical.person)
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u202d\u2066\u2069\u200e\u061c\ufe0f\u3164\u2800\x00\x08\x7f"
SPACES = (" ", "\u3000", "\u00a0", "\t", "\u2009", "\n", "_x000D_", "_x0009_")
NAMES = (
    "徐闻良姜合作社",
    "买买提·艾力",
    "Fresh Cake Co",
    "名",
    "第1门店（赤坎）",
    "ﾊﾝｶｸ",
    "Straße",
    "İstanbul",
)
PARTS = st.sampled_from(
    [*UNSEEN, *SPACES, "_x00", "0D_", "•", "．", "é", "e\u0301", "名", "A", "Ａ", "ﬁ"]
)


@given(st.one_of(st.text(max_size=40), st.lists(PARTS, max_size=12).map("".join)))
@settings(max_examples=300, deadline=None)
def test_canonical_text_stays_as_it_is(text):
    for form in FORMS:
        once = form(text)
        assert form(once) == once, form.__name__
        assert once == once.strip()
        assert not set(once) & set(UNSEEN)
    assert canonical.key(canonical.prose(text)) == canonical.key(text)
    assert canonical.key(canonical.code(text)) == canonical.key(text)


@st.composite
def decorated(draw):
    """A name as somebody else might type or paste it."""
    name = draw(st.sampled_from(NAMES))
    form = draw(st.sampled_from(["NFC", "NFD"]))
    found = "".join(
        character + draw(st.sampled_from(["", "", *UNSEEN]))
        for character in unicodedata.normalize(form, name)
    )
    if draw(st.booleans()):
        wide = {chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)}
        found = "".join(wide.get(c, c) for c in found)
    found = found.replace("·", draw(st.sampled_from("•·‧・．")))
    found = draw(st.sampled_from([str.upper, str.lower, str]))(found)
    around = st.lists(st.sampled_from(SPACES), max_size=3).map("".join)
    return name, draw(around) + found + draw(around)


@given(decorated())
@settings(max_examples=300, deadline=None)
def test_a_decorated_name_compares_equal(pair):
    name, found = pair
    assert canonical.key(found) == canonical.key(name)


@pytest.mark.parametrize(
    ("form", "given", "wanted"),
    [
        (canonical.prose, "  徐闻\u3000良姜\u200b ", "徐闻 良姜"),
        (canonical.prose, "良姜_x000D_片", "良姜 片"),
        (canonical.prose, "买买提•艾力", "买买提·艾力"),
        (canonical.prose, "买买提．艾力", "买买提·艾力"),
        (canonical.prose, "１．５ 公斤", "１．５ 公斤"),
        (canonical.prose, "全角ＡＢＣ（大）", "全角ＡＢＣ（大）"),
        (canonical.lines, " 一 \r\n\u200b二_x000D_\n三 ", "一\n二\n三"),
        (canonical.code, "ＬＪ－５００", "LJ-500"),
        (canonical.code, "\ufeffLJ\u200b-500 ", "LJ-500"),
        (canonical.code, "AB  12", "AB 12"),
        (canonical.person, "陈 小\u3000湛", "陈小湛"),
        (canonical.person, "Ａｎｎ  Lee", "Ann Lee"),
        (canonical.mobile, "＋８６ １３８－００００－０００１", "13800000001"),
        (canonical.mobile, "13800000001\u200b", "13800000001"),
        (canonical.mobile, "1380000000", None),
    ],
)
def test_what_becomes_of_a_text(form, given, wanted):
    assert form(given) == wanted


@pytest.mark.parametrize(
    "blank", ["", " ", "\u3000", "\u200b", "\ufeff", "\u3164", "_x000D_", "\u202e \u2800"]
)
def test_what_nobody_sees_is_blank(blank):
    assert [form(blank) for form in FORMS] == [""] * len(FORMS)
