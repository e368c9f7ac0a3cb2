"""How files may be called; pure."""

import re
import unicodedata

# One to four plain segments: no dots but one before an extension, nothing encoded, nothing long.
_SEGMENT = r"[0-9A-Za-z][0-9A-Za-z_-]{0,119}(?:\.[0-9A-Za-z]{1,8})?"
_KEY = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,3}}")
_SHOWN = "/media/"
_LONGEST = 120
# What separates paths, quotes, or means something to a shell or a file system.
_UNWANTED = str.maketrans(dict.fromkeys('\\/:*?"<>|%;', "_"))


def is_plain(key: str) -> bool:
    """Tell whether a file can have this key."""
    return _KEY.fullmatch(key) is not None


def is_own_image(address: str) -> bool:
    """Tell whether an address is one of the mall's own images: no other is ever shown."""
    return address.startswith(_SHOWN) and is_plain(address.removeprefix(_SHOWN))


def to_be_saved(name: str) -> str:
    """Return a name under which a file can be saved anywhere, whatever somebody called it.

    No control or invisible character, no path, no quotes; shortened in front of its extension.
    """
    plain = unicodedata.normalize("NFC", name).translate(_UNWANTED)
    plain = "".join(c for c in plain if unicodedata.category(c)[0] not in "CZ" or c == " ")
    plain = plain.strip(" .")
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension) > 8:
        stem, extension = plain, ""
    stem = stem[: _LONGEST - len(extension)].rstrip(" .")
    return f"{stem or 'file'}.{extension}" if extension else stem or "file"
