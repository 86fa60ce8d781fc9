"""Where do the vendors' own payloads lie? Beside the repository, never in it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def contracts_folder() -> Path | None:
    """The folder of collected samples, or None where this machine has none."""
    folder = ROOT.parent / "shared" / "contracts"
    return folder if folder.is_dir() else None


needs_contracts = pytest.mark.skipif(
    contracts_folder() is None,
    reason="no ../shared/contracts beside the repository; vendors' samples are not ours to ship",
)
