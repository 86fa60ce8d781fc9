import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.checkout import Checkout, make_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = make_checkout(tmp_path / "checkout")
    yield made
    data = made.root / ".data"
    if (data / "postgres").is_symlink():  # it would not go away with the checkout
        with (data / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the last process of this place has ended
        shutil.rmtree((data / "postgres").resolve())
