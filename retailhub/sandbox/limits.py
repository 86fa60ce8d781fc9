"""How fast a simulated system lets itself be asked."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from retailhub.sandbox.faults import change_settings


class Bucket:
    """A leaky bucket: holds `size` points and regains `per_second`."""

    def __init__(self, size: float, per_second: float) -> None:
        self.size, self.per_second = size, per_second
        self.level = size
        self._at = time.monotonic()

    def available(self) -> float:
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self._at) * self.per_second)
        self._at = now
        return self.level

    def take(self, points: float) -> bool:
        """Take the points if they are all there."""
        if self.available() < points:
            return False
        self.level -= points
        return True

    def give_back(self, points: float) -> None:
        self.level = min(self.size, self.level + points)


@dataclass(frozen=True)
class RateSettings:
    requests_per_second: float = 0.0


class RequestRate:
    """At most so many requests a second; 0 means as many as come."""

    def __init__(self) -> None:
        self.settings = RateSettings()
        self._bucket = Bucket(1, 1)

    def take(self) -> float:
        """Seconds to wait before asking again, 0 when this request may pass."""
        rate = self.settings.requests_per_second
        return 0.0 if not rate or self._bucket.take(1) else max(1 / rate, 0.05)

    def report(self) -> dict[str, Any]:
        return asdict(self.settings)

    def change(self, values: dict[str, Any]) -> None:
        self.settings = change_settings(self.settings, values)
        rate = self.settings.requests_per_second
        self._bucket = Bucket(max(1.0, rate), rate)
