"""Which release are the files of, that browsers keep?"""

from __future__ import annotations

import hashlib
from pathlib import Path
from string import ascii_lowercase

import django
import rest_framework


def static_version(folder: Path) -> str:
    """Another one whenever a file of ours, or of Django's admin or the API's pages, changes.

    As part of each address it lets browsers keep files for ever and still never mix two releases.
    Letters alone: nobody who looks for a number in a page finds one that is not there.
    """
    found = hashlib.sha256(f"{django.__version__} {rest_framework.__version__}".encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return "".join(ascii_lowercase[byte % 26] for byte in found.digest()[:12])
