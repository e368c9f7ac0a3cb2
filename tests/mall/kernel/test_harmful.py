"""Whatever a stranger sends ends soon, in bounded memory, with a sentence for its sender.

The long form (MALL_SOAK=1) takes every file; the short one those that are quick to make.
"""

import time

import pytest

from catalog.media.process import store_image
from catalog.media.rules import ImageRefused
from catalog.uploads.process import pictures
from mall.kernel.files.local import LocalFiles
from mall.kernel.files.store import IMAGES as AREA
from mall.kernel.files.store import PublicFiles
from mall.kernel.sandbox import pool
from mall.kernel.sandbox.frames import STARVED
from mall.kernel.sandbox.pool import FilesBusy
from mall.kernel.sheets.cells import Limits, SheetRefused
from mall.kernel.sheets.reading import read_rows
from tests.support import harmful

SECONDS, BYTES = 10, 300 * 1024 * 1024


@pytest.fixture
def outcomes(monkeypatch):
    """Every child's end, and a check that it was soon and in bounded memory."""
    seen, real = [], pool._pool.read

    def read(*given):
        began = time.monotonic()
        outcome = real(*given)
        seen.append((time.monotonic() - began, outcome))
        return outcome

    monkeypatch.setattr(pool._pool, "read", read)
    yield seen
    for seconds, outcome in seen:
        assert outcome.peak_bytes <= BYTES, outcome
        assert outcome.cpu_seconds <= SECONDS, outcome
        # Where others had the processor for a third of the time, how long it took says nothing of the
        # file; what it cost is held above.
        was_alone = outcome.cpu_seconds > seconds * 2 / 3
        assert seconds <= SECONDS or outcome.ending == STARVED or not was_alone, (seconds, outcome)
        assert len(outcome.content) <= 64 * 1024 * 1024


def test_there_are_forty_files_of_twenty_five_kinds():
    assert len(harmful.SHEETS) + len(harmful.IMAGES) + len(harmful.ARCHIVES) >= 75


@pytest.mark.parametrize("name", harmful.chosen(harmful.SHEETS))
def test_a_harmful_sheet_is_refused_or_read_within_its_limits(name, outcomes):
    """Case 30."""
    content = harmful.SHEETS[name]()
    try:
        count = sum(1 for _ in read_rows(content, Limits()))
    except FilesBusy:
        assert outcomes[-1][1].ending == STARVED
    except SheetRefused as refused:
        assert refused.sentence("zh") and refused.sentence("en")
    else:
        assert count <= 2


@pytest.mark.parametrize("name", harmful.chosen(harmful.IMAGES))
def test_a_harmful_picture_is_refused_or_made_anew_within_its_limits(name, outcomes, tmp_path):
    """Case 30."""
    files = PublicFiles({AREA: LocalFiles(tmp_path)})
    content = harmful.IMAGES[name]()
    try:
        stored = store_image(files, content)
    except FilesBusy:
        assert outcomes[-1][1].ending == STARVED
    except ImageRefused:
        assert list(tmp_path.iterdir()) == []
    else:
        assert files.get(stored.large.removeprefix("/media/"))[:4] == b"RIFF"


@pytest.mark.parametrize("name", harmful.chosen(harmful.ARCHIVES))
def test_a_harmful_archive_is_refused_or_unpacked_within_its_limits(name, outcomes):
    """Case 30."""
    content = harmful.ARCHIVES[name]()
    listed = pool.read(pictures._ENTRIES, content, {}, pictures._EFFORT)
    assert listed.refusal is not None or listed.is_done
    found = [pictures._entry(piece) for piece in listed.pieces()]
    batch = [entry.place for entry in found][: pictures.BATCH]
    if batch:
        made = pool.read(pictures._PICTURES, content, {"places": batch}, pictures._EFFORT)
        assert made.is_done
        assert next(piece for piece in made.pieces() if isinstance(piece, dict)) == {"begins": 0}
