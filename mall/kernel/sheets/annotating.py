"""A sheet that somebody sent comes back with a column of messages; in a child (docs/adr/0027)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from mall.kernel.sandbox.nursery import Send
from mall.kernel.sheets import parsing, writing
from mall.kernel.sheets.cells import Limits, Value
from mall.kernel.sheets.parsing import Sent

_CSV = "csv"


def send_report(file: BinaryIO, options: dict[str, Any], send: Send) -> None:
    """Send a file with its messages, in its own format; one that could not be read has no rows."""
    messages = dict[int, str](options["messages"])
    encoding, rows = "utf-8", iter(list[tuple[int, Sent]]())
    if file.read(1):
        file.seek(0)
        limits = Limits(**options["limits"])
        encoding, rows = parsing.read_rows(file, limits, options["sheet"])
    made = _with_messages(rows, messages, options["head"])
    if options["format"] == _CSV:
        send(writing.csv_text(made, encoding))
    else:
        heads = [str(head or "") for head in next(made)]
        send(writing.xlsx(options["sheet"], heads, made))


def _with_messages(
    rows: Iterable[tuple[int, Sent]], messages: Mapping[int, str], head: str
) -> Iterator[list[Value]]:
    width, is_head = 0, True
    for number, sent in rows:
        found = {position: value for position, _, value in sent}
        if is_head:
            width = max((p + 1 for p, name in found.items() if name != head), default=0)
            yield [*(found.get(position) for position in range(width)), head]
            is_head = False
            continue
        yield [*(found.get(position) for position in range(width)), messages.get(number, "")]
    if is_head:
        yield [head]
    if 1 in messages:
        yield [*[None] * width, messages[1]]
