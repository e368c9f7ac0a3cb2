"""What stands in the cells of a sheet, and what is written into them."""

import pytest

from bench.bombs import book, rows_of, text_cell
from mall.kernel.sheets import cells, reading, writing
from mall.kernel.sheets.cells import Limits, SheetRefused


def test_endless_empty_rows_end_a_sheet():
    content = book(rows_of(5, text_cell()) + "".join(f'<row r="{n}"/>' for n in range(6, 500_000)))
    assert len(list(reading.read_rows(content, Limits()))) == 5


def test_kinds_of_cells_are_told_apart_with_their_addresses():
    made = writing.xlsx("s", ["头"], [["文本", 1.5, True, None, "'=x"]])
    _, row = reading.read_rows(made, Limits())
    found = [(cell.address, cell.kind, cell.value) for cell in row.cells.values()]
    assert found == [
        ("A2", cells.TEXT, "文本"),
        ("B2", cells.NUMBER, 1.5),
        ("C2", cells.BOOLEAN, True),
        ("E2", cells.TEXT, "=x"),
    ]


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"]
)
def test_what_is_written_is_no_formula_and_reads_back_as_it_was(text):
    assert cells.safe(text) == f"'{text}"
    assert cells.plain(f"'{text}") == text
    assert writing.csv_text([[text]], "utf-8").decode().lstrip('"').startswith("'")


@pytest.mark.parametrize(("position", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (16_383, "XFD")])
def test_columns_have_letters(position, name):
    assert cells.column_name(position) == name


def test_more_rows_than_allowed_are_refused_while_reading():
    with pytest.raises(SheetRefused):
        list(reading.read_rows(b"a\n" * 12, Limits(rows=10)))
    assert len(list(reading.read_rows(b"a\n" * 11, Limits(rows=10)))) == 11
