"""Descriptions are rich text; only what cannot harm a reader stays in it."""

import nh3

_TAGS = {"p", "br", "b", "strong", "i", "em", "u", "s", "ul", "ol", "li", "h2", "h3", "h4", "img"}
_TAGS |= {"a", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "span", "div", "hr"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}


def _keep(tag: str, attribute: str, value: str) -> str | None:
    # A picture from elsewhere would tell that elsewhere who reads this.
    if (tag, attribute) == ("img", "src") and not value.startswith("/media/"):
        return None
    return value


def clean(text: str) -> str:
    """Return the text with nothing but harmless tags; cleaning it again changes nothing."""
    return nh3.clean(
        text,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep,
        url_schemes={"http", "https", "tel"},
        link_rel="noopener noreferrer nofollow",
    )


def plain(text: str) -> str:
    """Return the words of a rich text, for the search."""
    spaced = text.replace("<", " <")
    return " ".join(nh3.clean(spaced, tags=set()).replace("&nbsp;", " ").split())
