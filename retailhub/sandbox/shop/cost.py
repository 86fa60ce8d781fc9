"""What a query costs. Shopify publishes the idea, not the sum: this is an estimate like it.

Scalars and money are free, an object costs a point, a page costs two and its content times the
root of its size.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

MAX_QUERY_COST: Final = 1000
_MUTATION_COST: Final = 10
_FREE_TYPES: Final = frozenset({"MoneyBag", "MoneyV2", "PageInfo"})
_DEFAULT_PAGE: Final = 10


class CostSheet:
    """Adds up one operation: before it runs by the page sizes asked for, after it by what came."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        variables: dict[str, Any],
    ) -> None:
        self._schema, self._fragments, self._variables = schema, fragments, variables

    def requested(self, operation: OperationDefinitionNode) -> int:
        root = self._schema.get_root_type(operation.operation)
        if operation.operation is OperationType.MUTATION or root is None:
            return _MUTATION_COST
        return math.ceil(self._of_set(operation.selection_set, root, None))

    def actual(self, operation: OperationDefinitionNode, data: Any) -> int:
        root = self._schema.get_root_type(operation.operation)
        if operation.operation is OperationType.MUTATION or root is None:
            return _MUTATION_COST
        return math.ceil(self._of_set(operation.selection_set, root, data or {}))

    def _of_set(self, selections: SelectionSetNode, kind: GraphQLObjectType, data: Any) -> float:
        return sum(self._of_field(node, kind, data) for node in self._fields(selections))

    def _fields(self, selections: SelectionSetNode) -> Iterable[FieldNode]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, FragmentSpreadNode):
                yield from self._fields(self._fragments[node.name.value].selection_set)
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set)

    def _of_field(self, node: FieldNode, kind: GraphQLObjectType, data: Any) -> float:
        field = kind.fields.get(node.name.value)
        named = get_named_type(field.type) if field else None
        if not isinstance(named, GraphQLObjectType) or node.selection_set is None:
            return 0
        value = _value(node, data)
        if data is not None and value is None:
            return 0
        if named.name.endswith("Connection"):
            return self._of_page(node, named, value)
        inside = self._of_set(node.selection_set, named, _sample(value))
        return inside + (0 if named.name in _FREE_TYPES else 1)

    def _of_page(self, node: FieldNode, named: GraphQLObjectType, value: Any) -> float:
        assert node.selection_set is not None  # noqa: S101  its caller looked
        size = self._page_size(node)
        each = 1.0
        for inner in self._fields(node.selection_set):
            if inner.name.value in ("nodes", "edges"):
                rows = _value(inner, value)
                size = size if rows is None else len(rows)
                each = max(each, self._of_field(inner, named, value if rows else None))
        return 2 + each * math.sqrt(size)

    def _page_size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    return int(self._variables.get(argument.value.name.value) or _DEFAULT_PAGE)
        return _DEFAULT_PAGE


def _value(node: FieldNode, data: Any) -> Any:
    """What the answer holds for this field, under its alias if it has one."""
    name = (node.alias or node.name).value
    return data.get(name) if isinstance(data, dict) else None


def _sample(value: Any) -> Any:
    """One row stands for all of a list."""
    if isinstance(value, list):
        return value[0] if value else None
    return value
