"""What a paper says, apart from how it is drawn: facts, tables, lines to sign on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mall.kernel.money import yuan


@dataclass(frozen=True)
class Fen:
    """An amount in fen; papers show it in yuan with two decimals."""

    fen: int

    def __str__(self) -> str:
        return yuan(self.fen, ",")


Cell = str | int | Fen | None


@dataclass(frozen=True)
class Table:
    """Rows under a head, with a line of totals if there is one; widths are shares of the page."""

    heads: Sequence[str]
    widths: Sequence[int]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    total: Sequence[Cell] | None = None
    # Room to sign in each row.
    is_tall: bool = False

    @property
    def all_rows(self) -> list[Sequence[Cell]]:
        """Return the rows and, if there is one, the line of totals."""
        return [*self.rows, *([self.total] if self.total is not None else [])]


@dataclass(frozen=True)
class Paper:
    """A paper from its title to the lines to sign on."""

    title: str
    facts: Sequence[tuple[str, Cell]]
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    signatures: Sequence[str] = ()
    footer: str = ""
    is_landscape: bool = False

    @property
    def lines_to_sign(self) -> list[str]:
        """Return a line for each who signs, with its date."""
        return [
            f"{who}：____________________    日期：______年____月____日" for who in self.signatures
        ]


def packed(paper: Paper) -> bytes:
    """Return a paper as JSON, to be drawn by another process."""
    return json.dumps(asdict(paper), ensure_ascii=False).encode()


def unpacked(content: bytes) -> Paper:
    """Return what was packed."""
    told = json.loads(content)
    told["facts"] = [(label, _cell(value)) for label, value in told["facts"]]
    told["tables"] = [_table(each) for each in told["tables"]]
    return Paper(**told)


def _table(told: dict[str, Any]) -> Table:
    told["rows"] = [[_cell(value) for value in row] for row in told["rows"]]
    if told["total"] is not None:
        told["total"] = [_cell(value) for value in told["total"]]
    return Table(**told)


def _cell(value: Any) -> Cell:
    return Fen(**value) if isinstance(value, dict) else value
