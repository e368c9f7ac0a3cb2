"""The list of errors for whoever writes a client: `docs/errors.md`, made of the catalogues."""

from collections.abc import Iterator
from pathlib import Path

from mall.kernel.text.wording import Entry, catalogue

PATH = Path(__file__).resolve().parents[1] / "docs" / "errors.md"
HEAD = """# Errors

Made by `make errors` out of `mall/web/texts/` (ADR 0036); do not edit it by hand.

Every failure is an RFC 9457 problem document (`application/problem+json`). Clients match on `code`, and on `reason` where
there is one, never on a sentence. `detail_zh` and `detail_en` say the same in two languages, `detail` is one of them by
`Accept-Language`. Words in braces are members of the document, too; what has a name in both languages is `state` and
`state_zh`, for example.

"""


def text() -> str:
    """Return the whole page."""
    refusals = _of("refusals")
    return HEAD + "\n".join(
        (
            "## Refusals\n",
            "| code | HTTP | 中文 | English |",
            "|---|---|---|---|",
            *(f"| `{code}` | {each.status} | {_words(each)} |" for code, each in refusals),
            "",
            "## Reasons\n",
            "Of `invalid`, `sheet_refused`, `sheet_too_demanding` and `fetch_refused`, as the member `reason`.\n",
            "| reason | 中文 | English |",
            "|---|---|---|",
            *(f"| `{key}` | {_words(each)} |" for key, each in _of("reasons")),
            "",
            "## Findings\n",
            "What checks find of rows, cells, images and programmes. Those of a programme are members of `problems` and\n"
            "`warnings`, those of sheets of parcels too, with these keys as their `code`.\n",
            "| finding | 中文 | English |",
            "|---|---|---|",
            *(f"| `{key}` | {_words(each)} |" for key, each in _of("findings")),
            "",
            "## By HTTP status\n",
            "What is refused before a use case is asked.\n",
            "| HTTP | code | 中文 | English |",
            "|---|---|---|---|",
            *(f"| {key} | `{each.code}` | {_words(each)} |" for key, each in _of("http")),
            "",
        )
    )


def _of(section: str) -> Iterator[tuple[str, Entry]]:
    for key, entry in sorted(catalogue().items()):
        if key.startswith(f"{section}."):
            yield key.removeprefix(f"{section}."), entry


def _words(entry: Entry) -> str:
    return f"{entry.zh} | {entry.en}".replace("{", "`{").replace("}", "}`")


def write() -> None:
    """Write the page."""
    PATH.write_text(text(), encoding="utf-8")
