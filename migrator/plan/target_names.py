"""Whether the target has what an answer names, and what it is called there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.domain.mapping import PairKind
from migrator.domain.vocabulary import EntityTypeId
from migrator.plan.list_values import name_of_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.domain.mapping import Pair
    from migrator.domain.structure import Structure


def target_name(target: Structure, pair: Pair, key: str) -> str | None:
    """The name of a possible partner in the target, or None where the target has no such thing."""
    scope = pair.target_scope or ""
    match pair.kind:
        case PairKind.ENTITY_TYPE:
            found = target.entity_types.get(EntityTypeId(number(key)))
            return found.title if found else None
        case PairKind.CATEGORY:
            category = target.categories.get(EntityTypeId(number(scope)), {}).get(number(key))
            return category.name if category else None
        case PairKind.STAGE | PairKind.STATUS:
            status = target.statuses.get(scope, {}).get(key)
            return status.name if status else None
        case PairKind.FIELD:
            fields = target.fields.get(EntityTypeId(number(scope)))
            field = fields.get(key) if fields else None
            return (field.title or field.name) if field else None
        case PairKind.ENUMERATION:
            entity_type_id, _, name = scope.partition(".")
            fields = target.fields.get(EntityTypeId(number(entity_type_id)))
            owner = fields.get(name) if fields else None
            return name_of_value(target, owner, key)
        case PairKind.USER:
            user = target.users.get(number(key))
            return user.name if user else None
        case PairKind.CURRENCY:
            return target.currencies.get(key)


def possible_keys(target: Structure, pair: Pair) -> list[str]:
    """What an answer may name, for somebody who has mistyped it."""
    return [str(key) for key in _possible(target, pair)]


def _possible(target: Structure, pair: Pair) -> Iterable[object]:
    scope = pair.target_scope or ""
    match pair.kind:
        case PairKind.ENTITY_TYPE:
            return target.entity_types
        case PairKind.CATEGORY:
            return target.categories.get(EntityTypeId(number(scope)), {})
        case PairKind.STAGE | PairKind.STATUS:
            return target.statuses.get(scope, {})
        case PairKind.FIELD:
            fields = target.fields.get(EntityTypeId(number(scope)))
            return fields.by_name if fields else ()
        case PairKind.USER:
            return [user.email for user in target.users.values() if user.email]
        case PairKind.CURRENCY:
            return target.currencies
        case PairKind.ENUMERATION:
            return ()  # numbers, of which none is nearer than another


def number(text: str) -> int:
    """An identifier as a number; -1, which no portal gives, for any other text."""
    return int(text) if text.isdecimal() else -1
