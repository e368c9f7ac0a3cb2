"""Papers as they go out: drawn by a child (docs/adr/0027)."""

from mall.kernel.paper.document import Paper, packed
from mall.kernel.sandbox.building import make

_TASKS = {
    "pdf": "mall.kernel.paper.pdf:send_pdf",
    "xlsx": "mall.kernel.paper.workbook:send_workbook",
}


def draw(paper: Paper, kind: str) -> bytes:
    """Return a paper as pdf or xlsx; raise TooMuchToMake."""
    return make(_TASKS[kind], packed(paper), {})
