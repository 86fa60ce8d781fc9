"""Which faults strike, and which of them really landed."""

import json
import random
from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from retailhub.sandbox.clock import ledger_stamp

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class SettingError(ValueError):
    """A control call named something that cannot be set, or set it to nonsense."""


@dataclass(frozen=True)
class FaultSettings:
    """Probabilities from 0 to 1, except where the name says milliseconds, seconds or a switch."""

    latency_ms: float = 0.0
    latency_jitter_ms: float = 0.0
    error_429: float = 0.0
    retry_after_s: float = 1.0
    error_5xx_before: float = 0.0
    error_5xx_after: float = 0.0
    lost_response: float = 0.0
    late_apply: float = 0.0
    late_apply_s: float = 5.0
    broken_json: float = 0.0
    maintenance: bool = False
    expired_credentials: float = 0.0
    duplicate_delivery: float = 0.0
    out_of_order: float = 0.0
    out_of_order_s: float = 2.0
    malformed_body: float = 0.0
    lost_delivery: float = 0.0
    seed: int = 1


class Faults:
    """A seeded die for each fault, and the count of those that landed."""

    def __init__(self, path: Path, settings: FaultSettings | None = None) -> None:
        self.settings = settings or FaultSettings()
        self.landed: Counter[str] = Counter()
        self._file = path.open("a", buffering=1, encoding="utf-8")
        self._dice: dict[str, random.Random] = {}

    def strikes(self, name: str) -> bool:
        """Throw this fault's own die, so that one fault does not change another's luck."""
        share = float(getattr(self.settings, name))
        if share <= 0:
            return False
        return share >= 1 or self._die(name).random() < share

    def land(self, name: str, what: str, trace_id: str = "") -> None:
        """Count a fault that really happened to somebody."""
        self.landed[name] += 1
        line = {"at": ledger_stamp(), "fault": name, "what": what, "trace_id": trace_id}
        self._file.write(json.dumps(line) + "\n")

    def latency_s(self) -> float:
        jitter = self.settings.latency_jitter_ms
        extra = self._die("latency").uniform(-jitter, jitter) if jitter else 0.0
        return max(0.0, self.settings.latency_ms + extra) / 1000

    def delay_s(self, name: str) -> float:
        """A random part of the time this fault may take."""
        return self._die(name + "_delay").uniform(0.05, 1.0) * float(getattr(self.settings, name))

    def change(self, values: dict[str, Any]) -> None:
        """Set some faults and leave the others. A new seed starts every die again."""
        self.settings = change_settings(self.settings, values)
        if "seed" in values:
            self._dice.clear()

    def calm(self) -> None:
        self.settings = FaultSettings(seed=self.settings.seed)

    def report(self) -> dict[str, Any]:
        return {"settings": asdict(self.settings), "landed": dict(self.landed)}

    def close(self) -> None:
        self._file.close()

    def _die(self, name: str) -> random.Random:
        if name not in self._dice:
            # Text seeds random deterministically; a plain hash() would differ between processes.
            self._dice[name] = random.Random(f"{self.settings.seed}:{name}")  # noqa: S311
        return self._dice[name]


SettingsT = TypeVar("SettingsT", bound="DataclassInstance")


def change_settings(settings: SettingsT, values: dict[str, Any]) -> SettingsT:
    """The same settings with some values changed. Raises SettingError when one cannot be."""
    kinds = {field.name: type(getattr(settings, field.name)) for field in fields(settings)}
    changed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in kinds:
            raise SettingError(f"unknown setting {name!r}; known: {', '.join(sorted(kinds))}")
        changed[name] = _converted(name, value, kinds[name])
    return replace(settings, **changed)


def _converted(name: str, value: Any, kind: type) -> Any:
    if kind in (str, bool, dict):
        if isinstance(value, kind):
            return value
        raise SettingError(f"{name} must be of type {kind.__name__}, got {value!r}")
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise SettingError(f"{name} must be a number of 0 or more, got {value!r}")
    return kind(value)
