"""The ERP's records: how they come to be, and which rules they keep."""

from typing import Any, Final

from retailhub.sandbox.catalogue import ITEMS, PLACES, SERVICE_ITEMS
from retailhub.sandbox.clock import wire_stamp
from retailhub.sandbox.erp.problems import ErpProblem, not_found, user_error
from retailhub.sandbox.journal import Journal, Record
from retailhub.sandbox.ledger import Effect

# type -> (its name in SuiteQL, the prefix of its document number)
TYPES: Final = {
    "salesOrder": ("SalesOrd", "SO"),
    "itemFulfillment": ("ItemShip", "IF"),
    "cashRefund": ("CashRfnd", "CR"),
    "customerRefund": ("CustRfnd", "RF"),
    "creditMemo": ("CustCred", "CM"),
    "customer": ("", "CU"),
}
ORDER_STATUS: Final = {
    "B": "Pending Fulfillment",
    "C": "Cancelled",
    "D": "Partially Fulfilled",
    "F": "Pending Billing",
    "H": "Closed",
}
GENERIC_CUSTOMER: Final = "1001"
# Older records are forgotten, so that a demo may run for days.
RETAINED_RECORDS: Final = 50_000
_READ_ONLY: Final = frozenset({"id", "links", "tranId", "createdDate", "lastModifiedDate"})
_NEEDS_LINES: Final = frozenset({"salesOrder", "cashRefund", "creditMemo"})


class Records:
    """Finds and changes records by internal and external id."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        items = {item.erp_id: item.code for item in ITEMS} | SERVICE_ITEMS
        self.item_code_by_id = items
        self.item_id_by_code = {code: number for number, code in items.items()}
        self._by_external_id = {
            (record["_type"], record["externalId"]): record
            for record in journal.table("records").values()
            if record.get("externalId")
        }

    def all_of(self, kind: str) -> list[Record]:
        return [
            record for record in self.journal.table("records").values() if record["_type"] == kind
        ]

    def find(self, kind: str, key: str) -> Record:
        """By internal id, or by `eid:` and the external id. Raises ErpProblem 404."""
        if key.startswith("eid:"):
            record = self._by_external_id.get((kind, key[4:]))
        else:
            record = self.journal.table("records").get(key)
        if record is None or record["_type"] != kind:
            raise not_found()
        return record

    def find_external(self, kind: str, external_id: str) -> Record | None:
        return self._by_external_id.get((kind, external_id))

    def create(self, kind: str, body: Record, *, about: str = "") -> Record:
        """A new record. Raises ErpProblem when a rule says no, or the external id is taken."""
        external_id = str(body.get("externalId") or "")
        if external_id and self.find_external(kind, external_id):
            raise user_error("This record already exists.")
        self.check(kind, body, is_new=True)
        number = 10_000 + self.journal.count_up("record")
        stamp = wire_stamp()
        record: Record = {
            "_type": kind,
            "id": str(number),
            "tranId": f"{TYPES[kind][1]}{number}",
            "createdDate": stamp,
            "lastModifiedDate": stamp,
            **{name: value for name, value in body.items() if name not in _READ_ONLY},
        }
        if kind == "salesOrder":
            record["orderStatus"] = {"id": "B", "refName": ORDER_STATUS["B"]}
        self._number_lines(record)
        self._keep(record)
        self._forget_the_oldest()
        self._note("created", record, about)
        return record

    def update(self, record: Record, body: Record) -> Record:
        """Change what the body names. A sublist that is named replaces the one there was."""
        self.check(record["_type"], body, is_new=False)
        _carry_fulfilled(lines_of(record), lines_of(body))
        record.update({name: value for name, value in body.items() if name not in _READ_ONLY})
        self._number_lines(record)
        self._settle_status(record, body)
        self.touch(record)
        self._note("updated", record, "")
        return record

    def touch(self, record: Record) -> None:
        record["lastModifiedDate"] = wire_stamp()
        self._keep(record)

    def check(self, kind: str, body: Record, *, is_new: bool) -> None:
        """Refuse what the account's rules refuse."""
        if is_new and kind not in ("customer", "itemFulfillment"):
            self._check_customer(body)
        lines = lines_of(body)
        if is_new and kind in _NEEDS_LINES and not lines:
            raise user_error("You must enter at least one line item for this transaction.", "item")
        for index, line in enumerate(lines if kind in _NEEDS_LINES else []):
            self._check_line(line, f"item.items[{index}]")

    def item_id(self, reference: Any, path: str) -> str:
        """The internal id of the item that is referred to. Raises ErpProblem for a stranger."""
        if not isinstance(reference, dict):
            raise ErpProblem(400, "INVALID_CONTENT", "Invalid content: an item is needed.", path)
        code, number = reference.get("externalId"), str(reference.get("id", ""))
        if code is not None and code in self.item_id_by_code:
            return self.item_id_by_code[code]
        if code is None and number in self.item_code_by_id:
            return number
        wanted = code if code is not None else number
        detail = f"Error while accessing a resource. Invalid item reference key {wanted}."
        raise ErpProblem(400, "INVALID_KEY_OR_REF", detail, f"{path}.item")

    def _check_customer(self, body: Record) -> None:
        entity = body.get("entity")
        if not isinstance(entity, dict) or not (entity.get("id") or entity.get("externalId")):
            raise user_error("Please enter value(s) for: Customer", "entity")
        external_id = entity.get("externalId")
        is_known = (
            self.find_external("customer", str(external_id)) is not None
            if external_id
            else str(entity["id"]) == GENERIC_CUSTOMER
            or str(entity["id"]) in self.journal.table("records")
        )
        if not is_known:
            wanted = external_id or entity["id"]
            detail = f"Error while accessing a resource. Invalid entity reference key {wanted}."
            raise ErpProblem(400, "INVALID_KEY_OR_REF", detail, "entity")

    def _check_line(self, line: Any, path: str) -> None:
        if not isinstance(line, dict):
            raise ErpProblem(400, "INVALID_CONTENT", "Invalid content: a line is no object.", path)
        self.item_id(line.get("item"), path)
        quantity = line.get("quantity")
        if not isinstance(quantity, int | float) or isinstance(quantity, bool) or quantity <= 0:
            raise user_error("Please enter value(s) for: Quantity", f"{path}.quantity")
        location = line.get("location")
        if location and str(location.get("id")) not in {p.erp_location_id for p in PLACES}:
            detail = f"Invalid location reference key {location.get('id')}."
            raise ErpProblem(400, "INVALID_KEY_OR_REF", detail, f"{path}.location")

    def _number_lines(self, record: Record) -> None:
        if record["_type"] == "itemFulfillment":
            return
        for number, line in enumerate(lines_of(record), start=1):
            line.setdefault("line", number)
            line.setdefault("quantityFulfilled", 0)
            if record["_type"] == "salesOrder":
                line["item"] = {**line["item"], "id": self.item_id(line["item"], "item")}

    def _settle_status(self, record: Record, body: Record) -> None:
        if record["_type"] != "salesOrder":
            return
        wanted = (body.get("orderStatus") or {}).get("id")
        lines = lines_of(record)
        if wanted not in ("C", "H") and lines and all(line.get("isClosed") for line in lines):
            wanted = "H"
        status = wanted if wanted in ORDER_STATUS else fulfilment_status(record)
        record["orderStatus"] = {"id": status, "refName": ORDER_STATUS[status]}

    def _keep(self, record: Record) -> None:
        self.journal.put("records", record["id"], record)
        if record.get("externalId"):
            self._by_external_id[(record["_type"], record["externalId"])] = record

    def _forget_the_oldest(self) -> None:
        rows = self.journal.table("records")
        while len(rows) > RETAINED_RECORDS:
            oldest = rows[next(iter(rows))]
            self._by_external_id.pop((oldest["_type"], oldest.get("externalId")), None)
            self.journal.drop("records", oldest["id"])

    def _note(self, what: str, record: Record, about: str) -> None:
        external_id = str(record.get("externalId") or "")
        kind = f"{record['_type'].lower()}.{what}"
        reference = about or external_id or record["id"]
        self.journal.record(Effect(kind, reference, record["id"], key=external_id))


def _carry_fulfilled(before: list[Any], after: list[Any]) -> None:
    """What has been shipped stays shipped when somebody writes the lines anew."""
    shipped = {line.get("line"): line.get("quantityFulfilled", 0) for line in before}
    for number, line in enumerate(after, start=1):
        line["quantityFulfilled"] = shipped.get(line.get("line", number), 0)


def lines_of(record: Record) -> list[Any]:
    """The lines of the item sublist, wherever a body has one."""
    sublist = record.get("item")
    lines = sublist.get("items") if isinstance(sublist, dict) else None
    return lines if isinstance(lines, list) else []


def fulfilment_status(order: Record) -> str:
    """B, D or F from what has been shipped; a closed order stays closed."""
    current = (order.get("orderStatus") or {}).get("id", "B")
    if current in ("C", "H"):
        return str(current)
    lines = lines_of(order)
    if all(line.get("quantityFulfilled", 0) >= line["quantity"] for line in lines):
        return "F"
    return "D" if any(line.get("quantityFulfilled", 0) for line in lines) else "B"
