"""Answers a GraphQL request the way Shopify does: its errors, its cost, its throttle."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)

from retailhub.sandbox.limits import Bucket
from retailhub.sandbox.shop import mutations, queries
from retailhub.sandbox.shop.cost import MAX_QUERY_COST, CostSheet
from retailhub.sandbox.shop.fields import resolve, show_moment
from retailhub.sandbox.shop.schema import make_schema
from retailhub.sandbox.shop.store import ShopStore

Answer = dict[str, Any]

_STARTS: Final[dict[tuple[str, str], Callable[..., Any]]] = {
    ("Query", "shop"): queries.shop,
    ("Query", "order"): queries.order,
    ("Query", "orders"): queries.orders,
    ("Query", "fulfillmentOrder"): queries.fulfillment_order,
    ("Query", "inventoryItem"): queries.one_inventory_item,
    ("Query", "inventoryItems"): queries.inventory_items,
    ("Query", "locations"): queries.locations,
    ("InventoryItem", "inventoryLevel"): queries.level_of_item,
    ("InventoryLevel", "quantities"): queries.quantities,
    ("Mutation", "fulfillmentCreate"): mutations.fulfillment_create,
    ("Mutation", "inventorySetQuantities"): mutations.inventory_set_quantities,
    ("Mutation", "orderCancel"): mutations.order_cancel,
}
_NO_FIELD: Final = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")


class Engine:
    """One shop's GraphQL endpoint, behind one bucket of points."""

    def __init__(self, store: ShopStore, bucket: Bucket) -> None:
        self._store, self.bucket = store, bucket
        self._schema = _wired_schema()
        self._read = lru_cache(maxsize=256)(self._read_document)

    def answer(self, query: str, variables: Answer, operation_name: str | None) -> Answer:
        """The body to send, always with HTTP 200."""
        document, errors = self._read(query)
        operation = get_operation_ast(document, operation_name) if document else None
        if errors or document is None:
            return {"errors": errors}
        if operation is None:
            return {"errors": [{"message": "No operation named " + repr(operation_name)}]}
        sheet = CostSheet(self._schema, _fragments(document), variables)
        requested = sheet.requested(operation)
        refusal = self._refusal(requested)
        if refusal is not None:
            return refusal
        result = execute_sync(
            self._schema,
            document,
            context_value=self._store,
            variable_values=variables,
            operation_name=operation_name,
            field_resolver=resolve,
        )
        actual = min(requested, sheet.actual(operation, result.data))
        self.bucket.give_back(requested - actual)
        return {**_formatted(result), "extensions": self._extensions(requested, actual)}

    def throttled(self, requested: int = 10) -> Answer:
        """What a caller hears who has used up the points."""
        error = {
            "message": "Throttled",
            "extensions": {
                "code": "THROTTLED",
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            },
        }
        return {"errors": [error], "extensions": self._extensions(requested, None)}

    def _refusal(self, requested: int) -> Answer | None:
        if requested > MAX_QUERY_COST:
            message = f"Query cost is {requested}, which exceeds the single query max cost limit"
            extensions = {
                "code": "MAX_COST_EXCEEDED",
                "cost": requested,
                "maxCost": MAX_QUERY_COST,
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            }
            return {"errors": [{"message": message, "extensions": extensions}]}
        return None if self.bucket.take(requested) else self.throttled(requested)

    def _extensions(self, requested: int, actual: int | None) -> Answer:
        status = {
            "maximumAvailable": float(self.bucket.size),
            "currentlyAvailable": int(self.bucket.available()),
            "restoreRate": float(self.bucket.per_second),
        }
        cost = {"requestedQueryCost": requested, "actualQueryCost": actual}
        return {"cost": {**cost, "throttleStatus": status}}

    def _read_document(self, query: str) -> tuple[DocumentNode | None, list[Answer]]:
        try:
            document = parse(query, no_location=False)
        except GraphQLError as error:
            return None, [_shown(error)]
        return document, [_shown(error) for error in validate(self._schema, document)]


@lru_cache(maxsize=1)
def _wired_schema() -> GraphQLSchema:
    schema = make_schema()
    for (kind, field), start in _STARTS.items():
        schema.type_map[kind].fields[field].resolve = start  # type: ignore[attr-defined]
    moment = schema.type_map["DateTime"]
    assert isinstance(moment, GraphQLScalarType)  # noqa: S101  it is in our own SDL
    moment.coerce_output_value = show_moment
    whole = schema.type_map["UnsignedInt64"]
    assert isinstance(whole, GraphQLScalarType)  # noqa: S101
    # Shopify sends 64-bit numbers as text, because JavaScript would round them.
    whole.coerce_output_value = str
    return schema


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }


def is_mutation(query: str) -> bool:
    """Whether a request would change something; a text that cannot be read would not."""
    try:
        nodes = parse(query).definitions
    except GraphQLError:
        return False
    return any(
        isinstance(node, OperationDefinitionNode) and node.operation.value == "mutation"
        for node in nodes
    )


def _formatted(result: ExecutionResult) -> Answer:
    body: Answer = {"data": result.data}
    if result.errors:
        body["errors"] = [_shown(error) for error in result.errors]
    return body


def _shown(error: GraphQLError) -> Answer:
    """An error in Shopify's wording where that is known to differ from the reference library's."""
    shown: Answer = dict(error.formatted)
    unknown = _NO_FIELD.match(error.message)
    if unknown:
        field, kind = unknown[1], unknown[2]
        shown["message"] = f"Field '{field}' doesn't exist on type '{kind}'"
        shown["extensions"] = {"code": "undefinedField", "typeName": kind, "fieldName": field}
    elif error.original_error and not isinstance(error.original_error, GraphQLError):
        # A bug of ours must not look like an answer of Shopify's.
        raise error.original_error
    return shown
