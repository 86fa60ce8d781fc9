"""Interchanges of our own making, envelope and all."""

from __future__ import annotations

from collections.abc import Sequence

ADVICE = (
    "BIA*00*MM*REF-1*20261120*0930",
    "N1*WH*Main warehouse*92*BERLIN",
    "LIN*1*SK*MUG*UP*012345678905",
    "QTY*33*7*EA",
    "QTY*17*9*EA",
    "LIN*2*VN*TRAY",
    "QTY*33*4",
)


def isa(
    control: str = "000000042",
    *,
    separator: str = "*",
    component: str = ">",
    terminator: str = "~",
    sender: str = "ACME",
    usage: str = "P",
    version: str = "00401",
    repetition: str = "U",
) -> str:
    """An ISA of 106 characters."""
    parts = [
        *("ISA", "00", " " * 10, "00", " " * 10, "ZZ", sender.ljust(15), "ZZ", "HUB".ljust(15)),
        *("261120", "0931", repetition, version, control, "0", usage, component),
    ]
    return separator.join(parts) + terminator


def one_set(lines: Sequence[str] = ADVICE, *, kind: str = "846", number: str = "0001") -> list[str]:
    """A transaction set that adds up."""
    return [f"ST*{kind}*{number}", *lines, f"SE*{len(lines) + 2}*{number}"]


def interchange(
    *sets: Sequence[str],
    control: str = "000000042",
    group: str = "7",
    after: str = "",
    usage: str = "P",
) -> bytes:
    """One group of sets; `after` follows each terminator."""
    chosen = sets or (one_set(),)
    lines = [
        f"GS*IB*ACME*HUB*20261120*0931*{group}*X*004010",
        *(line for one in chosen for line in one),
        f"GE*{len(chosen)}*{group}",
        f"IEA*1*{control}",
    ]
    text = isa(control, usage=usage) + after + "".join(f"{line}~{after}" for line in lines)
    return text.encode()
