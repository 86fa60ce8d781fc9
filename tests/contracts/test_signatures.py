"""The published Standard Webhooks vector fits our reading of the scheme."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from connectors.systems.base import SignatureInvalid
from connectors.systems.warehouse import Warehouse
from tests.contracts.samples import contracts_folder, needs_contracts

pytestmark = needs_contracts


def test_the_published_vector_fits() -> None:
    folder = contracts_folder()
    assert folder is not None
    vectors = json.loads((folder / "_signature_vectors" / "known_answer_vectors.json").read_text())
    (vector,) = (one for one in vectors if one["vendor"].startswith("standard-webhooks"))
    headers = {name: vector[name] for name in ("webhook-id", "webhook-timestamp")}
    headers["webhook-signature"] = vector["signature"]
    sent_at = datetime.fromtimestamp(int(vector["webhook-timestamp"]), UTC)
    body = vector["raw_body"].encode()

    Warehouse().verify(headers, body, [vector["secret"]], sent_at)

    with pytest.raises(SignatureInvalid):
        Warehouse().verify(headers, body + b" ", [vector["secret"]], sent_at)
