"""Papers as they go out: drawn by a child (docs/adr/0027)."""

from dataclasses import replace

from mall.kernel.paper.document import Paper, packed
from mall.kernel.sandbox.building import make
from mall.kernel.settings import STAGING_MARK, current_settings

_TASKS = {
    "pdf": "mall.kernel.paper.pdf:send_pdf",
    "xlsx": "mall.kernel.paper.workbook:send_workbook",
}


def draw(paper: Paper, kind: str) -> bytes:
    """Return a paper as pdf or xlsx; raise TooMuchToMake."""
    if current_settings().is_staging:
        paper = marked(paper)
    return make(_TASKS[kind], packed(paper), {})


def marked(paper: Paper) -> Paper:
    """Return a paper that says of itself, above and on each page, that it is of a staging mall."""
    title = f"{paper.title}（{STAGING_MARK}）"
    return replace(paper, title=title, footer=f"{STAGING_MARK}    {paper.footer}")
