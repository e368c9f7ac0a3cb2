"""Libraries that few processes need: they are loaded when they are first used, and only from here."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

# What each costs whoever loads it, as measured, and who needs it.
LATE: Mapping[str, str] = {
    "mall.kernel.files.s3": "boto3, 23 MB and 0.2 s: installations that keep files in a bucket",
    "xlsxwriter": "10 MB: whoever writes a workbook",
    "pypinyin": "55 MB and 0.3 s: whoever searches or indexes",
    "rjieba": "32 MB and 0.2 s: whoever searches or indexes",
    "opencc": "2 MB: whoever searches or indexes",
}


def late(name: str) -> Any:
    """Return a module of the table, loaded now unless it was before."""
    if name not in LATE:
        raise LookupError(f"{name} is not among what is loaded late")
    return import_module(name)
