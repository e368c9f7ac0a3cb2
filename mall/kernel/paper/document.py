"""What a paper says, apart from how it is drawn: facts, tables, lines to sign on."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fen:
    """An amount in fen; papers show it in yuan with two decimals."""

    fen: int

    def __str__(self) -> str:
        sign, fen = ("-", -self.fen) if self.fen < 0 else ("", self.fen)
        return f"{sign}{fen // 100:,}.{fen % 100:02d}"


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


@dataclass(frozen=True)
class Paper:
    """A paper from its title to the lines to sign on."""

    title: str
    facts: Sequence[tuple[str, Cell]]
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    signatures: Sequence[str] = ()
    footer: str = ""
    is_landscape: bool = field(default=False)
