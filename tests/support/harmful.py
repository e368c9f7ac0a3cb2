"""Files that would harm whoever reads them without limits, made by code; sheets, zips, pictures."""

import io
import struct
import zlib
from functools import partial

from PIL import Image

from bench.bombs import BOMBS, book, relation, rows_of, text_cell
from tests.support.soak import LONG

_LOCAL, _ENTRY, _END = "<4s5H3I2H", "<4s6H3I5H2I", "<4s4H2IH"
STORED, DEFLATED = 0, 8
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


class Part:
    """An entry of a zip, each field of which may lie."""

    def __init__(self, name, content=b"", method=DEFLATED, **lies):
        packed = lies.pop("packed", None)
        if packed is None:
            packed = content if method == STORED else zlib.compress(content)[2:-4]
        self.name, self.packed, self.method = name.encode(), packed, method
        self.crc, self.size, self.flags = zlib.crc32(content), len(content), 0
        self.mode, self.extra, self.same_as = 0, b"", None
        vars(self).update(lies)


def zipped(*parts):
    """Return a zip of parts as they are told, wrong or not."""
    out, directory, places = io.BytesIO(), io.BytesIO(), {}
    for part in parts:
        about = (part.flags, part.method, 0, 33, part.crc)
        sizes = (len(part.packed), min(part.size, 0xFFFFFFFF), len(part.name), len(part.extra))
        place = places.get(part.same_as, out.tell())
        places[part.name] = place
        if part.same_as is None:
            out.write(struct.pack(_LOCAL, b"PK\3\4", 20, *about, *sizes))
            out.write(part.name + part.extra + part.packed)
        more = (0, 0, 0, part.mode << 16, place)
        directory.write(struct.pack(_ENTRY, b"PK\1\2", 0x314, 20, *about, *sizes, *more))
        directory.write(part.name + part.extra)
    start, length, count = out.tell(), directory.tell(), min(len(parts), 0xFFFF)
    out.write(directory.getvalue())
    out.write(struct.pack(_END, b"PK\5\6", 0, 0, count, count, length, start, 0))
    return out.getvalue()


def much(name, block, count, before=b"", after=b"", **lies):
    """Return a part that unpacks to a block so many times, made in no time."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = squeeze.compress(before) + squeeze.flush(zlib.Z_FULL_FLUSH)
    middle = squeeze.compress(block) + squeeze.flush(zlib.Z_FULL_FLUSH)
    tail = squeeze.compress(after) + squeeze.flush()
    crc = zlib.crc32(before)
    for _ in range(count):
        crc = zlib.crc32(block, crc)
    size = len(before) + count * len(block) + len(after)
    told = {"crc": zlib.crc32(after, crc), "size": size, **lies}
    return Part(name, packed=head + middle * count + tail, **told)


KINDS = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>{more}</Types>'
)
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.{}+xml"
BOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships">{more}<sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>'
)


def sheet_xml(rows, head=""):
    return f'<worksheet xmlns="{MAIN}">{head}<sheetData>{rows}</sheetData></worksheet>'.encode()


def xlsx(sheet=None, *more, kinds="", workbook="", rels=""):
    """Return a workbook of one sheet and whatever else it is given."""
    rel = relation("worksheet", "worksheets/sheet1.xml").replace(
        "</Relationships>", rels + "</Relationships>"
    )
    if sheet is None or isinstance(sheet, bytes):
        two = rows_of(2, text_cell())
        sheet = Part("xl/worksheets/sheet1.xml", sheet or sheet_xml(two))
    return zipped(
        Part("[Content_Types].xml", KINDS.replace("{more}", kinds).encode()),
        Part("_rels/.rels", relation("officeDocument", "xl/workbook.xml").encode()),
        Part("xl/workbook.xml", BOOK.replace("{more}", workbook).encode()),
        Part("xl/_rels/workbook.xml.rels", rel.encode()),
        sheet,
        *more,
    )


def with_part(part, kind, sheet=None):
    """Return a workbook with a part of a kind, whatever the part is called."""
    name = part.name.decode()
    told = f'<Override PartName="/{name}" ContentType="{KIND.format(kind)}"/>'
    return xlsx(sheet, part, kinds=told)


def strings(name, block, count):
    before, after = f'<sst xmlns="{MAIN}">'.encode(), b"</sst>"
    return with_part(much(name, block, count, before, after), "sharedStrings")


def in_sheet(block, count, before="", after=""):
    begins = f'<worksheet xmlns="{MAIN}"><sheetData>{before}'.encode()
    ends = f"{after}</sheetData></worksheet>".encode()
    return xlsx(much("xl/worksheets/sheet1.xml", block, count, begins, ends))


def styles(block, count):
    begins = f'<styleSheet xmlns="{MAIN}"><cellXfs>'.encode()
    part = much("xl/styles.xml", block, count, begins, b"</cellXfs></styleSheet>")
    return with_part(part, "styles")


def external():
    told = '<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>'
    return book(rows_of(1, text_cell("&j;")), before=told)


def utf16():
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a "ha">'
    text += "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    text += "]>" + sheet_xml(rows_of(1, text_cell("&j;"))).decode()
    return xlsx(text.encode("utf-16"))


def number(text):
    return xlsx(sheet_xml(f'<row r="1"><c r="A1"><v>{text}</v></c></row>'))


def broken_checksum():
    return xlsx(Part("xl/worksheets/sheet1.xml", sheet_xml(rows_of(2, text_cell())), crc=1))


def overlapping():
    first = much("xl/media/0.png", b"\0" * 1_000_000, 10)
    others = [
        much(f"xl/media/{n}.png", b"\0" * 1_000_000, 10, same_as=b"xl/media/0.png")
        for n in range(1, 200)
    ]
    return xlsx(None, first, *others)


def zip64():
    lies = struct.pack("<HHQQ", 1, 16, 2**60, 2**60)
    return xlsx(None, Part("xl/big.xml", b"<a/>", extra=lies, size=0xFFFFFFFF))


def sheets_of(count):
    names = "".join(f'<sheet name="n{n}" sheetId="{n + 2}" r:id="rId1"/>' for n in range(count))
    return xlsx(workbook=f"<sheets>{names}</sheets>")


_MILLION = b" " * 1_000_000
_CELL = '<c t="inlineStr"><is><t>x</t></is></c>'
SHEETS = {
    **{name: make for name, make in BOMBS.items() if name not in ("a zip bomb", "100 MB of strings")},
    "a gigabyte of spaces": partial(in_sheet, _MILLION, 1000),
    "a gigabyte that says it is a kilobyte": lambda: xlsx(
        much("xl/worksheets/sheet1.xml", _MILLION, 1000, size=1000)
    ),
    "shared strings by another name": partial(
        strings, "xl/words.xml", b"<si><t>" + b"x" * 999_000 + b"</t></si>", 300
    ),
    "shared strings by another name within the limit": partial(
        strings, "xl/words.bin", b"<si><t>" + b"x" * 999_000 + b"</t></si>", 110
    ),
    "millions of short strings": partial(strings, "xl/w.xml", b"<si><t>a</t></si>" * 1000, 6000),
    "one string without end": partial(strings, "xl/w.xml", b"x" * 1_000_000, 115),
    "deep nesting": partial(in_sheet, b"<a>" * 1000, 1500),
    "a million styles": partial(styles, b'<xf numFmtId="14"/>' * 1000, 1000),
    "an attribute of 100 MB": lambda: xlsx(
        much("xl/worksheets/sheet1.xml", b"a" * 1_000_000, 100, b'<worksheet x="', b'"/>')
    ),
    "a hundred thousand attributes": lambda: xlsx(
        ("<worksheet " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>").encode()
    ),
    "huge dimensions": lambda: xlsx(
        sheet_xml(f'<row r="1048576"><c r="XFD1048576">{_CELL[21:]}</row>', '<dimension ref="A1:XFD1048576"/>')
    ),
    "a row number beyond all": lambda: xlsx(sheet_xml(f'<row r="{10**18}">{_CELL}</row>')),
    "two thousand sheets": partial(sheets_of, 2000),
    "a hundred thousand defined names": lambda: xlsx(
        workbook="<definedNames>"
        + "".join(f'<definedName name="n{n}">s!$A$1</definedName>' for n in range(100_000))
        + "</definedNames>"
    ),
    "an external entity": external,
    "entities in UTF-16": utf16,
    "a number of a million digits": partial(number, "9" * 1_000_000),
    "a number beyond all": partial(number, "1e999999"),
    "a wrong checksum": broken_checksum,
    "an encrypted part": lambda: xlsx(None, Part("xl/x.xml", b"<a/>", flags=1)),
    "sizes of zip64 that lie": zip64,
    "overlapping parts": overlapping,
    "the same part twice": lambda: xlsx(
        None, *(much("xl/a.xml", _MILLION, 100) for _ in range(3))
    ),
    "a hundred thousand parts": lambda: xlsx(
        None, *(Part(f"xl/{n}", b"", STORED) for n in range(60_000))
    ),
    "a zip in a zip": lambda: xlsx(None, Part("xl/a.zip", zipped(much("a", _MILLION, 5000)))),
    "names that lead elsewhere": lambda: xlsx(
        None, Part("../../etc/cron.d/x", b"x"), Part("/etc/passwd", b"x", mode=0o120777)
    ),
    "a picture and a zip at once": lambda: b"GIF89a" + xlsx(),
    "a csv of one quoted cell": lambda: b'"' + b"x" * 18_000_000 + b'"',
    "a csv of 100 MB": lambda: b'"' + b"x" * 100_000_000 + b'"',
    "a csv of quotes": lambda: b'"' * 10_000_001,
    "a csv of commas": lambda: b"," * 18_000_000,
    "a csv that is no text": lambda: b"a,b\n\xff\xff\xff" * 1_000_000,
    "a csv of rare characters": lambda: ("\U0001f34a" * 4_000_000).encode(),
}  # fmt: skip


def chunk(kind, content):
    """Return a chunk of a PNG."""
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(width, height, depth=8, colour=2, rows=b"", before=b"", squeezed=None):
    """Return a PNG of these dimensions whose pixels may be missing."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    content = zlib.compress(rows) if squeezed is None else squeezed
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def squeezed(count):
    """Return so many zeros, as zlib has them."""
    squeeze = zlib.compressobj(9)
    block = squeeze.compress(bytes(1_000_000))
    return (
        block
        + b"".join(squeeze.compress(bytes(1_000_000)) for _ in range(count - 1))
        + squeeze.flush()
    )


def picture(kind, size=(64, 48), mode="RGB", **how):
    out = io.BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else 0).save(out, kind, **how)
    return out.getvalue()


def animated(kind, count):
    frames = [Image.new("RGB", (64, 64), (n % 256, n // 256, 0)) for n in range(count)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=10)
    return out.getvalue()


def many_scans():
    """Return a progressive JPEG that says its last scan a thousand times."""
    whole = picture("JPEG", (3000, 3000), progressive=True)
    last = whole.rfind(b"\xff\xda")
    return whole[:last] + whole[last:-2] * 3000 + b"\xff\xd9"


def jpeg_of(width, height):
    content = bytearray(picture("JPEG"))
    at = content.find(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def webp_of(width, height):
    whole = bytearray(picture("WEBP", lossless=True))
    at = whole.find(b"VP8L") + 9
    whole[at : at + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(whole)


IMAGES = {
    "41 megapixels": partial(picture, "PNG", (8200, 5001), "1"),
    "40 megapixels with an alpha": lambda: png(8000, 5000, colour=6, squeezed=squeezed(160)),
    "40 megapixels of 16 bits": lambda: png(8000, 5000, 16, 0, squeezed=squeezed(80)),
    "a gigapixel": lambda: png(60_000, 60_000, 1, 0, squeezed=squeezed(10)),
    "40 megapixels of JPEG": lambda: picture("JPEG", (8000, 5000), progressive=True, subsampling=0),
    "a JPEG of four gigapixels": partial(jpeg_of, 65_500, 65_500),
    "a JPEG of many scans": many_scans,
    "a WebP of 268 megapixels": partial(webp_of, 16_383, 16_383),
    "16 megapixels of WebP": lambda: picture("WEBP", (4000, 4000), lossless=True),
    "a WebP of frames": lambda: animated("WEBP", 300),
    "a PNG of frames": lambda: animated("PNG", 300),
    "a GIF": lambda: animated("GIF", 10),
    "a TIFF": partial(picture, "TIFF"),
    "a profile of 100 MB": lambda: png(
        8, 8, rows=bytes(200), before=chunk(b"iCCP", b"x\0\0" + squeezed(100))
    ),
    "texts of 500 MB": lambda: png(
        8, 8, rows=bytes(200), before=chunk(b"zTXt", b"x\0\0" + squeezed(50)) * 10
    ),
    "pixels of 200 MB in a picture of 64": lambda: png(8, 8, squeezed=squeezed(200)),
    "a million empty chunks": lambda: png(8, 8, rows=bytes(200), before=chunk(b"IDAT", b"") * 700_000),
    "a chunk that is longer than the file": lambda: picture("PNG")[:33] + b"\xff\xff\xff\xfftEXt",
    "EXIF of nothing but tags": lambda: picture(
        "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" * 5000
    ),
    "cut off": lambda: picture("JPEG", (2000, 2000))[:-100],
    "a picture and a zip at once": lambda: picture("PNG") + xlsx(),
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * 100_000,
}  # fmt: skip
ARCHIVES = {
    "pictures that are bombs": lambda: zipped(
        *(Part(f"S{n}.png", png(60_000, 60_000, 1, 0, squeezed=b"")) for n in range(50))
    ),
    "a hundred thousand entries": lambda: zipped(
        *(Part(f"{n}.png", b"", STORED) for n in range(60_000))
    ),
    "ten gigabytes of one picture": lambda: zipped(
        much("0.png", b"\0" * 1_000_000, 10),
        *(much(f"{n}.png", b"\0" * 1_000_000, 10, same_as=b"0.png") for n in range(1, 1000)),
    ),
    "a picture larger than it says": lambda: zipped(much("S.png", _MILLION, 500, size=1000)),
    "encrypted": lambda: zipped(Part("S.png", picture("PNG"), flags=1)),
    "links and ways out": lambda: zipped(
        Part("S.png", b"/etc/passwd", mode=0o120777), Part("../../S-2.png", picture("PNG"))
    ),
    "another way of packing": lambda: zipped(Part("S.png", picture("PNG"), method=99)),
    "a zip in a zip": lambda: zipped(Part("S.png", zipped(much("a", _MILLION, 5000)))),
    "half a zip": lambda: zipped(Part("S.png", picture("PNG")))[:-30],
    "sizes that lie": lambda: zipped(Part("S.png", picture("PNG"), size=0xFFFFFFFF)),
}

# What takes long to make, or the whole of its time to be refused.
COSTLY = {
    *("an attribute of 100 MB", "a zip bomb that lies", "a hundred thousand attributes"),
    *("a million rows", "a million rows of nothing", "a zip bomb that lies", "a csv of 100 MB"),
    *("millions of short strings", "a hundred thousand parts", "a hundred thousand entries"),
    *("a JPEG of many scans", "40 megapixels of JPEG", "a cell of 50 MB"),
    *("40 megapixels with an alpha", "a million styles", "a hundred thousand defined names"),
    *("16 megapixels of WebP", "a WebP of frames", "texts of 500 MB", "overlapping parts"),
    *("shared strings by another name within the limit", "ten gigabytes of one picture"),
    *("a gigabyte that says it is a kilobyte", "one string without end", "a csv of commas"),
    *("pixels of 200 MB in a picture of 64", "a csv of rare characters", "a zip in a zip"),
}


def chosen(files):
    """Return the names of those that belong to this run: in the short form what is quick."""
    return [name for name in files if LONG or name not in COSTLY]
