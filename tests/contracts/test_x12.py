"""Real interchanges: each is tokenized to its last segment, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.systems.base import MappingFailed
from connectors.systems.x12.adapter import X12
from connectors.systems.x12.envelope import parse
from tests.contracts.samples import contracts_folder, needs_contracts

pytestmark = needs_contracts


def samples() -> list[Path]:
    folder = contracts_folder()
    return sorted((folder / "edi_x12").glob("*.edi")) if folder else []


def refusal(body: bytes) -> str:
    try:
        parse(body)
    except MappingFailed as error:
        return str(error)
    return ""


# Whole, but their counts don't add up.
DAMAGED = {
    "856_4010_x12types_01_interchange": "SE01 of set 0001 says '4' segments but there are 3",
    "856_4010_x12types_03_interchange": "GE01 says '2' transaction sets but there are 1",
    "856_4010_x12types_04_interchange": "SE01 of set 0001 says '12' segments but there are 14",
    "856_4010_x12types_05_interchange": "SE01 of set 0001 says '15' segments but there are 18",
    "940_4010_x12types_19_interchange": "SE01 of set 0001 says '2' segments but there are 3",
    "940_4010_x12types_21_interchange": "SE01 of set 0001~ says '2' segments but there are 3",
    "945_4010_x12types_05_interchange": "SE01 of set 0001 says '4' segments but there are 5",
}


@pytest.mark.parametrize("sample", samples(), ids=lambda path: path.stem)
def test_a_sample_is_read_or_refused_for_what_it_is(sample: Path) -> None:
    said = refusal(sample.read_bytes())

    if sample.stem in DAMAGED:
        assert said.startswith(DAMAGED[sample.stem])
    elif "txnset" in sample.stem:
        assert said.endswith("not with ISA: send whole interchanges.")
    elif "squeezed" in sample.stem:
        assert said.startswith("ISA")
    else:
        assert said == ""


@pytest.mark.parametrize("sample", samples(), ids=lambda path: path.stem)
def test_what_is_no_advice_moves_nothing(sample: Path) -> None:
    body = sample.read_bytes()
    envelope = X12().open({}, body)
    if refusal(body):
        return

    payload = parse(body)

    assert envelope.topic == payload["sets"][0]["kind"]
    assert X12().read(envelope.topic, payload).ignored
