"""What may a page show of a message? All that explains a failure, nothing that tells who bought."""

from __future__ import annotations

import json
from typing import Any

from retailhub.kernel.errors import NeedsOperator
from retailhub.kernel.json import read_json

# Keys whose text is a person's, wherever they stand. Compared in lower case without separators.
_PERSONAL = frozenset(
    {
        *("email", "contactemail", "phone", "addrphone", "firstname", "lastname", "fullname"),
        *("address1", "address2", "line1", "line2", "street", "addr1", "addr2", "addressee"),
        *("attention", "zip", "postalcode", "postcode", "latitude", "longitude", "company"),
        *("browserip", "clientip", "customername", "note", "birthdate", "creditcardnumber", "iban"),
        *("orderstatusurl", "token", "carttoken", "checkouttoken", "authorization", "password"),
        *("secret", "accesstoken", "apikey"),
    }
)
# Keys that are a person's name only inside these.
_PEOPLE = frozenset(
    {
        *("customer", "shippingaddress", "billingaddress", "defaultaddress", "noteattributes"),
        *("shipto", "billto", "recipient", "buyer", "addressee"),
    }
)
MOST = 60_000


def masked_body(body: bytes) -> str:
    """The body as indented JSON with personal values masked; of a broken one only why it is."""
    try:
        value = read_json(body)
    except NeedsOperator as error:
        # What can't be parsed can't be masked either.
        return f"{error}\n\n{len(body)} bytes are kept as they came."
    return masked_json(value)


def masked_json(value: Any) -> str:
    """Any JSON value, indented and masked, cut where nobody would read on."""
    text = json.dumps(mask(value), indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= MOST else text[:MOST] + "\n…"


def mask(value: Any, *, in_person: bool = False) -> Any:
    """A copy of `value` with every personal text replaced by its first letter and dots."""
    if isinstance(value, dict):
        return {key: _mask_field(key, item, in_person) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item, in_person=in_person) for item in value]
    return value


def _mask_field(key: str, value: Any, in_person: bool) -> Any:
    plain = key.lower().replace("_", "").replace("-", "")
    if isinstance(value, dict | list):
        return mask(value, in_person=in_person or plain in _PEOPLE)
    is_personal = plain in _PERSONAL or (in_person and plain == "name")
    # What a shop's own form asked for is a person's words, whatever it is called.
    is_personal = is_personal or (plain == "value" and in_person)
    if is_personal and value and not isinstance(value, bool):
        return f"{str(value)[0]}•••"
    return value
