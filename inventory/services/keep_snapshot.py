"""A file of stock is put on record, piece by piece, before anybody reads it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from inventory.errors import SnapshotKeyReused, SnapshotUnreadable
from inventory.events import SnapshotStored
from inventory.models import SnapshotPart, SnapshotRun
from inventory.snapshots import GZIP
from retailhub.kernel.events import publish

PART = 1 << 20


@dataclass
class _Seen:
    size: int
    digest: hashlib._Hash


@transaction.atomic
def keep_snapshot(
    chunks: Iterable[bytes], *, source: str, key: str, counted_at: datetime, most: int
) -> SnapshotRun:
    """Store the file and let it wait for its turn. Asking again with it gives the first run.

    Never holds more than a piece in memory. Raises `SnapshotUnreadable` over `most` bytes, and
    `SnapshotKeyReused` when `key` came with another file.
    """
    # The row first: of two who send the same at once, one waits and finds the other's.
    run, is_new = SnapshotRun.objects.get_or_create(
        source=source,
        key=key,
        defaults={"counted_at": counted_at, "size": 0, "body_sha256": b""},
    )
    seen = _Seen(0, hashlib.sha256())
    pieces = _compressed(_watched(chunks, seen, most))
    for number, body in enumerate(pieces):
        if is_new:
            SnapshotPart.objects.create(run=run, number=number, body=body)
    if is_new:
        run.size, run.body_sha256 = seen.size, seen.digest.digest()
        run.save(update_fields=["size", "body_sha256", "updated_at"])
        publish(SnapshotStored(run_id=run.pk))
    elif bytes(run.body_sha256) != seen.digest.digest():
        raise SnapshotKeyReused("This key came with another file before; that one counts.")
    return run


def _watched(chunks: Iterable[bytes], seen: _Seen, most: int) -> Iterator[bytes]:
    for chunk in chunks:
        seen.size += len(chunk)
        if seen.size > most:
            raise SnapshotUnreadable(f"The file is larger than {most} bytes.")
        seen.digest.update(chunk)
        yield chunk


def _compressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of a gzip stream: as it came, or packed here."""
    first = next(chunks, b"")
    while len(first) < len(GZIP) and (more := next(chunks, b"")):
        first += more
    if first.startswith(GZIP):
        yield from _pieces(first, chunks)
        return
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    yield from _pieces(packer.compress(first), _packed(packer, chunks))


def _packed(packer: zlib._Compress, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()


def _pieces(first: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    kept = bytearray(first)
    for chunk in chunks:
        kept += chunk
        while len(kept) >= PART:
            yield bytes(kept[:PART])
            del kept[:PART]
    if kept:
        yield bytes(kept)
