"""How is a file of stock written? Pure: encoding, delimiter, header and rows, whatever was sent.

A header line names the columns, in any order: `sku`, `location` and `quantity` must be there,
`unit` and `counted_at` may be, others are passed over. Comma, semicolon, tab or bar; UTF-8, or
UTF-16 with its mark; gzip or plain.
"""

from __future__ import annotations

import codecs
import csv
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inventory.errors import SnapshotUnreadable

COLUMNS = ("sku", "location", "quantity", "unit", "counted_at")
REQUIRED = COLUMNS[:3]
# What other systems call them.
NAMES = {
    "sku": "sku", "item": "sku", "item_no": "sku", "itemnumber": "sku", "item_number": "sku",
    "article": "sku", "material": "sku", "product": "sku",
    "location": "location", "location_code": "location", "warehouse": "location",
    "store": "location", "plant": "location", "node": "location", "site": "location",
    "quantity": "quantity", "qty": "quantity", "on_hand": "quantity", "onhand": "quantity",
    "inventory": "quantity", "stock": "quantity",
    "unit": "unit", "uom": "unit", "unit_of_measure": "unit",
    "counted_at": "counted_at", "timestamp": "counted_at", "as_of": "counted_at",
}  # fmt: skip
DELIMITERS = (",", ";", "\t", "|")
GZIP = b"\x1f\x8b"
LONGEST_HEADER = 64 * 1024
MOST_COLUMNS = 200
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Layout:
    """The header of a file: which column is what ("" for what we pass over)."""

    delimiter: str
    columns: tuple[str, ...]

    def has(self, name: str) -> bool:
        """True when the file has that column."""
        return name in self.columns


def unpacked(chunks: Iterable[bytes], *, most: int) -> Iterator[bytes]:
    """The plain bytes of a gzip stream, a bounded piece at a time. Raises `SnapshotUnreadable`.

    A small file that would unpack to more than `most` bytes is stopped there.
    """
    size, unpacker, is_whole = 0, _gunzip(), False
    for chunk in chunks:
        packed = chunk
        while packed:
            try:
                plain = unpacker.decompress(packed, 1 << 20)
            except zlib.error as error:
                raise SnapshotUnreadable("The file is damaged: it can't be unpacked.") from error
            size += len(plain)
            if size > most:
                raise SnapshotUnreadable(f"The file unpacks to more than {most} bytes.")
            if plain:
                yield plain
            packed = unpacker.unconsumed_tail
            if unpacker.eof:  # several streams in a row are one file
                packed, unpacker = unpacker.unused_data, _gunzip()
                is_whole = True
            else:
                is_whole = False
    if not is_whole:
        raise SnapshotUnreadable("The file ends before it is whole.")


def _gunzip() -> zlib._Decompress:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def in_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same text without its mark, in UTF-8. What has no mark is taken for UTF-8 and passed."""
    first = next(chunks, b"")
    while len(first) < 4 and (more := next(chunks, b"")):
        first += more
    for mark, name in _MARKS:
        if first.startswith(mark):
            first = first[len(mark) :]
            if name != "utf-8":
                yield from _recoded(first, chunks, name)
                return
    yield first
    yield from chunks


def _recoded(first: bytes, chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(name)("replace")
    yield decoder.decode(first).encode()
    for chunk in chunks:
        yield decoder.decode(chunk).encode()


def read_header(chunks: Iterator[bytes]) -> tuple[Layout, bytes]:
    """The header of a file and what was read beyond it. Raises `SnapshotUnreadable`."""
    start = b""
    while b"\n" not in start and len(start) < LONGEST_HEADER and (more := next(chunks, b"")):
        start += more
    line, _, rest = start.partition(b"\n")
    try:
        text = line.decode().strip("\r\ufeff ")
    except UnicodeDecodeError as error:
        raise SnapshotUnreadable("The header is neither UTF-8 nor UTF-16.") from error
    delimiter = max(DELIMITERS, key=text.count)
    names = next(csv.reader([text], delimiter=delimiter), [])
    columns = tuple(_known(name) for name in names)
    _check(columns)
    return Layout(delimiter, columns), rest


def _known(name: str) -> str:
    return NAMES.get(name.strip().casefold().replace(" ", "_").replace("-", "_"), "")


def _check(columns: tuple[str, ...]) -> None:
    for name in REQUIRED:
        if name not in columns:
            raise SnapshotUnreadable(
                f"The header has no column “{name}”. It must name {', '.join(REQUIRED)}."
            )
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice:
        raise SnapshotUnreadable(f"Two columns of the header mean “{min(twice)}”.")
    if len(columns) > MOST_COLUMNS:
        raise SnapshotUnreadable(f"The header has more than {MOST_COLUMNS} columns.")


@dataclass(frozen=True)
class BadLine:
    """A row that can't be split as the header says."""

    number: int
    why: str
    text: str = ""


def read_rows(layout: Layout, chunks: Iterator[bytes]) -> Iterator[list[str | None] | BadLine]:
    """Row by row: the five columns with the row's number before them, or what is wrong with it.

    Slower than the database's own reader, which stops at the first bad row.
    """
    places = [layout.columns.index(n) if layout.has(n) else None for n in COLUMNS]
    reader = csv.reader(_lines(chunks), delimiter=layout.delimiter)
    while True:
        number = reader.line_num + 2  # as an editor counts: the header is line 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield BadLine(number, f"is not a row of a table: {error}")
            continue
        if row is None:
            return
        if not row:
            continue
        why = _wrong(row, layout)
        if why:
            yield BadLine(number, why, layout.delimiter.join(row)[:200])
        else:
            yield [str(number), *(row[n] or None if n is not None else None for n in places)]


def _wrong(row: list[str], layout: Layout) -> str:
    if len(row) != len(layout.columns):
        return f"has {len(row)} columns, the header {len(layout.columns)}"
    if any("\ufffd" in value for value in row):
        return "is not UTF-8"
    return "holds a NUL" if any("\x00" in value for value in row) else ""


def _lines(chunks: Iterator[bytes]) -> Iterator[str]:
    # Split at line feeds only: other separators of Unicode may be part of a name.
    reader = io.BufferedReader(_Stream(chunks), 1 << 20)
    for line in reader:
        yield line.decode("utf-8", "replace")


class _Stream(io.RawIOBase):
    """Chunks as a file to read lines from."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            more = next(self._chunks, None)
            if more is None:
                return 0
            self._left = more
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
