"""Which papers there are."""

from collections.abc import Sequence

from mall.kernel.errors import DomainError

# A part of a long paper; a year's roster of a county goes in several.
MAX_ROWS = 5000
PAPERS = (
    *("purchase-list", "contract-appendix", "bill", "issue-list"),
    *("hand-out-sheet", "acceptance-note", "settlement"),
)


class NoPaperYet(DomainError):
    code = "no_paper_yet"


def options_text(options: Sequence[dict[str, str]]) -> str:
    """Return a SKU's options as people read them."""
    return " ".join(each["value"] for each in options)
