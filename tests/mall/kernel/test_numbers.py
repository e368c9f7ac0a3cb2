"""Cells as a person reads them: a table."""

from datetime import date
from decimal import Decimal

import pytest

from mall.kernel.sheets import cells, numbers
from mall.kernel.sheets.cells import Cell

READ = {
    "0": "0", "7": "7", "12": "12", "12.5": "12.5", "12.50": "12.50", "0.01": "0.01", "007": "7",
    "1,234": "1234", "1,234.50": "1234.50", "12,345,678.90": "12345678.90", "１０": "10",
    "１，２３４．５": "1234.5", "¥12.50": "12.50", "￥12.50": "12.50", "¥ 12.50": "12.50",
    "12元": "12", "12 元": "12", "12.50元": "12.50", "-3": "-3", "+3": "3", " 12 ": "12",
    "\u200b12": "12", "12_x000D_": "12", "999999999999": "999999999999",
}  # fmt: skip
REFUSED = [
    "9,9", "12,5", "1_0", "1e999999", "1E5", "6.92123E+12", "1,23,456", "1234,567", ",123", "1,,234",
    "0,5", "12.", ".5", "1.2.3", "1 2", "12元5角", "元", "¥", "¥¥1", "--1", "NaN", "Infinity", "inf",
    "-", "", "0x10", "1/2", "１２，５", "12%", "一百", "1234567890123", "1.2345678", "12，5", "1'234",
    "9" * 400, "٣", "²", "Ⅻ", "①", "1,234,56", "12;5", "12.5.0", "=1", "1e-3",
]  # fmt: skip
CODES = {
    "LJ-500": "LJ-500", "ＬＪ－５００": "LJ-500", "AB 12": "AB 12", "1E5": "1E5", "E5": "E5",
    " 007 ": "007", "6901234567892": "6901234567892", "12345678901234567890": "12345678901234567890",
}  # fmt: skip
CHANGED = ["6.92123E+12", "6.90123E+12", "1E+22", "1.5e-07", "６．９Ｅ＋１２"]
DAYS = {
    "1990-08-15": date(1990, 8, 15), "1990/8/5": date(1990, 8, 5), "1990.8.5": date(1990, 8, 5),
    "19900815": date(1990, 8, 15), "1990年8月5日": date(1990, 8, 5), "1990 年 8 月 5 日": date(1990, 8, 5),
    "１９９０－０８－１５": date(1990, 8, 15), "1990-08-15 00:00:00": date(1990, 8, 15),
}  # fmt: skip
NO_DAYS = [
    "1990111",
    "199011",
    "1990-1/1",
    "90-08-15",
    "1990-13-01",
    "1990-02-30",
    "15/08/1990",
    "1990",
    "32874",
    "１９９０１１１",
]


def text(value):
    return Cell("A1", cells.TEXT, value)


def number(value):
    return Cell("A1", cells.NUMBER, value)


@pytest.mark.parametrize("told", READ)
def test_what_everybody_reads_alike_is_a_number(told):
    assert numbers.number(text(told)) == Decimal(READ[told])


@pytest.mark.parametrize("told", REFUSED)
def test_what_could_be_read_otherwise_is_none(told):
    with pytest.raises(numbers.WrongNumber):
        numbers.number(text(told))


@pytest.mark.parametrize(
    ("value", "wanted"), [(12, "12"), (49.9, "49.9"), (0.1 + 0.2, "0.3"), (1e5, "100000")]
)
def test_a_number_cell_is_its_number(value, wanted):
    assert numbers.number(number(value)) == Decimal(wanted)


@pytest.mark.parametrize("value", [1e15, 10**300, -1e300])
def test_a_number_beyond_all_amounts_is_refused_unreckoned(value):
    with pytest.raises(numbers.WrongNumber, match="number_too_large"):
        numbers.number(number(value))


@pytest.mark.parametrize("told", CODES)
def test_a_code_stays_as_it_is_written(told):
    assert numbers.code(text(told)) == CODES[told]


@pytest.mark.parametrize(
    "cell", [*map(text, CHANGED), *map(number, [1e15, 6.92123e22, 12.5, 10**16])]
)
def test_a_code_that_the_spreadsheet_changed_is_refused(cell):
    with pytest.raises(numbers.WrongNumber) as refused:
        numbers.code(cell)
    assert "文本格式" in refused.value.finding.zh


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(7, "7"), (13800000001.0, "13800000001"), (123456789012345, "123456789012345")],
)
def test_a_short_number_cell_is_a_code(value, wanted):
    assert numbers.code(number(value)) == wanted


@pytest.mark.parametrize("told", DAYS)
def test_a_day_is_read(told):
    assert numbers.day(text(told)) == DAYS[told]


@pytest.mark.parametrize("told", NO_DAYS)
def test_what_could_be_several_days_is_none(told):
    assert numbers.day(text(told)) is None


def test_days_of_other_cells():
    assert numbers.day(number(19900815)) == date(1990, 8, 15)
    assert numbers.day(Cell("A1", cells.DATE, "1990-08-15 00:00:00")) == date(1990, 8, 15)
    assert [numbers.day(number(value)) for value in (1990111, 32874, 1e300, 19900815.5)] == [
        None
    ] * 4
