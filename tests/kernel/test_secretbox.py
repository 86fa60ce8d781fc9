"""A secret opens with its key, in its place, unchanged; and in no other way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retailhub.kernel.secretbox import Unreadable, fingerprint, seal, unseal

PLACE = "connectors_credential|7|access_token"


def test_opens_what_it_sealed() -> None:
    sealed = seal("shpat_1234", place=PLACE, keys=["new", "old"])

    assert unseal(sealed, place=PLACE, keys=["new", "old"]) == "shpat_1234"
    assert b"shpat" not in sealed


def test_seals_differently_each_time() -> None:
    assert seal("x", place=PLACE, keys=["k"]) != seal("x", place=PLACE, keys=["k"])


def test_a_text_copied_to_another_place_cannot_be_opened() -> None:
    sealed = seal("secret", place=PLACE, keys=["k"])

    with pytest.raises(Unreadable, match=r"connectors_credential\|8\|access_token"):
        unseal(sealed, place="connectors_credential|8|access_token", keys=["k"])


def test_an_old_key_still_reads_and_the_newest_writes() -> None:
    before = seal("secret", place=PLACE, keys=["old"])
    after = seal("secret", place=PLACE, keys=["new", "old"])

    assert unseal(before, place=PLACE, keys=["new", "old"]) == "secret"
    assert unseal(after, place=PLACE, keys=["new"]) == "secret"
    with pytest.raises(Unreadable):
        unseal(after, place=PLACE, keys=["old"])


def test_no_byte_may_change() -> None:
    sealed = seal("secret", place=PLACE, keys=["k"])

    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(Unreadable):
            unseal(bytes(changed), place=PLACE, keys=["k"])


def test_no_beginning_of_it_opens() -> None:
    sealed = seal("secret", place=PLACE, keys=["k"])

    for length in range(len(sealed)):
        with pytest.raises(Unreadable):
            unseal(sealed[:length], place=PLACE, keys=["k"])


@given(st.text(max_size=200).filter(lambda text: text.isprintable()))
def test_keeps_any_text(text: str) -> None:
    assert unseal(seal(text, place=PLACE, keys=["k"]), place=PLACE, keys=["k"]) == text


def test_a_fingerprint_tells_secrets_apart_without_telling_them() -> None:
    assert fingerprint("one") == fingerprint("one") != fingerprint("two")
    assert len(fingerprint("one")) == 12
