"""What stands in the cells of a sheet, and what is written into them."""

import io

import openpyxl
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


def workbook(change):
    """Return a workbook of two sheets, 3 rows each, after something was done to it."""
    made = openpyxl.Workbook()
    for name in ("一", "二"):
        sheet = made.active if name == "一" else made.create_sheet("二")
        sheet.title = name
        for number in range(3):
            sheet.append([f"{name}{number + 1}"])
    change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def texts(content, wanted=""):
    return [row.cells[0].value for row in reading.read_rows(content, Limits(), wanted)]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_never_read(state):
    def hide(book):
        book["一"].sheet_state = state
        book.active = 1

    content = workbook(hide)
    assert texts(content) == texts(content, "一") == ["二1", "二2", "二3"]


def test_the_sheet_of_the_wanted_name_is_read_where_it_is_seen():
    assert texts(workbook(lambda book: None), "二")[0] == "二1"


def test_hidden_and_filtered_rows_are_refused_by_number():
    def hide(book):
        for number in (2, 3):
            book["一"].row_dimensions[number].hidden = True

    with pytest.raises(SheetRefused) as refused:
        texts(workbook(hide))
    assert "第 2、3 行被隐藏或筛选" in refused.value.sentence("zh")


def test_an_empty_hidden_row_hides_nothing():
    def hide(book):
        book["一"].row_dimensions[9].hidden = True
        book["一"].column_dimensions["C"].hidden = True

    assert len(texts(workbook(hide))) == 3
