import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.checkout import Checkout, make_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = make_checkout(tmp_path / "checkout")
    yield made
    data = made.root / ".data" / "postgres"
    if data.is_symlink():
        shutil.rmtree(data.resolve())
