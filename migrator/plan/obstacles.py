"""What the plan has to say before anything is written: losses, adjustments, and what blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from migrator.domain.conversion import Fit, fit
from migrator.domain.findings import Effect, Finding, FindingKind, Severity
from migrator.domain.mapping import INDISPENSABLE, Decision, Pair, PairKey, PairKind
from migrator.domain.mapping import Mapping as PortalMapping
from migrator.domain.references import implied_by_list, is_ignored
from migrator.domain.vocabulary import SMART_INVOICE, SYSTEM_TYPES, EntityTypeId, Role, is_spa
from migrator.domain.writability import is_portal_local, is_unsupported, is_written
from migrator.plan.bindings import narrowed_bindings
from migrator.plan.currencies import currency_findings
from migrator.plan.portal_rights import judge_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from migrator.domain.fields import Field
    from migrator.domain.structure import Structure
    from migrator.plan.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What besides the two structures decides whether something blocks."""

    unmapped_users_block: bool
    #: Entity types of the source the target webhook's user may not import.
    without_import_right: frozenset[EntityTypeId]
    #: Whether items may be created without their history (MIGRATOR_WITHOUT_IMPORT_RIGHT=add).
    add_instead: bool
    #: Where items of a type have been imported to already.
    imported_into: Mapping[EntityTypeId, EntityTypeId]


class Obstacles:
    """All findings of a plan, unordered."""

    def __init__(
        self,
        source: Structure,
        target: Structure,
        mapping: PortalMapping,
        usage: Usage,
        circumstances: Circumstances,
        only: frozenset[EntityTypeId] = frozenset(),
    ) -> None:
        self._source = source
        self._target = target
        self._mapping = mapping
        self._usage = usage
        self._now = circumstances
        self._only = only

    def findings(self) -> Iterator[Finding]:
        parts: tuple[Callable[[], Iterator[Finding]], ...] = (
            self._unreadable_types,
            self._rights,
            self._changed_mapping,
            self._entity_types,
            self._fields,
            self._structure,
            self._currencies,
            self._references,
            self._bindings,
            self._unreadable,
        )
        for part in parts:
            yield from part()

    def _is_moved(self, entity_type_id: EntityTypeId) -> bool:
        return self._mapping.target_type(entity_type_id) is not None

    def _is_asked(self, entity_type_id: EntityTypeId) -> bool:
        return not self._only or entity_type_id in self._only

    def _unreadable_types(self) -> Iterator[Finding]:
        for refused in self._source.refused_types:
            if not self._is_asked(refused.entity_type_id):
                continue
            yield Finding(
                kind=FindingKind.TYPE_NOT_READABLE,
                severity=Severity.BLOCKING,
                effect=Effect.LOST,
                entity_type_id=refused.entity_type_id,
                value=refused.refused,
                detail=f"the source webhook's user may not read '{refused.title}', so its items "
                "could not be exported",
                hint="use the webhook of an administrator of the source, or leave the type out "
                "with --only",
            )

    def _rights(self) -> Iterator[Finding]:
        profiles = {Role.SOURCE: self._source.profile, Role.TARGET: self._target.profile}
        for role, profile in profiles.items():
            if profile is not None and self._usage.items:
                for one in judge_profile(role, profile, history_may_go=self._now.add_instead):
                    if one.kind is not FindingKind.MISSING_SCOPE or self._needs_user_fields():
                        yield replace(one, items=self._usage.items.total())
        for entity_type_id in sorted(self._now.without_import_right):
            if self._usage.items[entity_type_id]:
                yield self._no_import_right(entity_type_id)

    def _needs_user_fields(self) -> bool:
        """Smart processes and invoices get their user fields by userfieldconfig only."""
        return any(is_spa(t) or t == SMART_INVOICE for t in self._usage.items)

    def _no_import_right(self, entity_type_id: EntityTypeId) -> Finding:
        return Finding(
            kind=FindingKind.NO_IMPORT_RIGHT,
            severity=Severity.WARNING if self._now.add_instead else Severity.BLOCKING,
            effect=Effect.LOST,
            entity_type_id=entity_type_id,
            items=self._usage.items[entity_type_id],
            detail="the target webhook's user may not import items of this type"
            + (
                "; crm.item.add is used: dates and authors are lost, and automation rules and "
                "workflows of the target start for every item"
                if self._now.add_instead
                else ""
            ),
            hint="give the user the import permission for this type (CRM > Settings > Access "
            "permissions), or set MIGRATOR_WITHOUT_IMPORT_RIGHT=add",
        )

    def _changed_mapping(self) -> Iterator[Finding]:
        """The ID map would be read as if its numbers were those of the other type."""
        for entity_type_id, into in sorted(self._now.imported_into.items()):
            target_type = self._mapping.target_type(entity_type_id)
            if target_type is None or target_type == into:
                continue
            is_there = into in self._target.entity_types or into in {
                refused.entity_type_id for refused in self._target.refused_types
            }
            yield Finding(
                kind=FindingKind.MAPPING_CHANGED,
                severity=Severity.BLOCKING,
                entity_type_id=entity_type_id,
                value=str(into),
                items=self._usage.items[entity_type_id],
                detail=f"items of entity type {entity_type_id} have been imported into type "
                f"{into} of the target, "
                + ("but" if is_there else "which is gone by now, and")
                + f" the mapping says type {target_type} now",
                hint=f"put `{entity_type_id}: {into}` back into entity_types of the mapping "
                "file, or begin another migration with --migration NAME"
                if is_there
                else f"let them be imported anew: migrator undo --only {entity_type_id} --yes, "
                "then the same command again",
            )

    def _entity_types(self) -> Iterator[Finding]:
        """A type that is left out may not have been exported: it is told all the same."""
        for entity_type_id in self._source.entity_types:
            pair = self._mapping.get(PairKey(PairKind.ENTITY_TYPE, "", str(entity_type_id)))
            items = self._usage.items[entity_type_id]
            if pair is None or not self._is_asked(entity_type_id):
                continue
            if items and pair.decision is Decision.OPEN:
                yield self._open(entity_type_id, pair.pair_key, pair.source_name, items, None)
            elif pair.decision is Decision.DROPPED:
                yield self._dropped(entity_type_id, pair.pair_key, pair.source_name, items)

    def _structure(self) -> Iterator[Finding]:
        for (entity_type_id, key), items in sorted(self._usage.needed.items()):
            if not self._is_moved(entity_type_id):
                continue
            pair = self._mapping.get(key)
            if pair is None or (pair.decision is Decision.OPEN and not self._is_useless(key)):
                name = pair.source_name if pair else key.key
                yield self._open(
                    entity_type_id, key, name, items, pair.target_scope if pair else None
                )
            elif pair.decision is Decision.DROPPED:
                yield self._dropped(entity_type_id, key, pair.source_name, items)
            elif pair.decision is Decision.DEFAULT:
                yield self._defaulted(entity_type_id, pair, items)

    def _currencies(self) -> Iterator[Finding]:
        yield from currency_findings(self._mapping, self._usage)

    def _bindings(self) -> Iterator[Finding]:
        yield from narrowed_bindings(self._mapping, self._usage, self._target)

    def _is_useless(self, key: PairKey) -> bool:
        """A list value of a field that is not carried needs no answer of its own."""
        if key.kind is not PairKind.ENUMERATION:
            return False
        entity_type_id, _, field = key.scope.partition(".")
        return self._mapping.target_field(EntityTypeId(int(entity_type_id)), field) is None

    def _fields(self) -> Iterator[Finding]:
        for (entity_type_id, name), items in sorted(self._usage.filled.items()):
            field = self._source.fields[entity_type_id].get(name)
            if not self._is_moved(entity_type_id) or field is None or is_ignored(field):
                continue
            yield from self._field(entity_type_id, field, items)

    def _field(self, entity_type_id: EntityTypeId, field: Field, items: int) -> Iterator[Finding]:
        key = PairKey(PairKind.FIELD, str(entity_type_id), field.name)
        pair = self._mapping.get(key)
        target_type = self._mapping.target_type(entity_type_id)
        target_fields = self._target.fields.get(target_type or EntityTypeId(0))
        partner = target_fields.get(pair.target_key or "") if pair and target_fields else None
        if pair is not None and pair.decision is Decision.DROPPED:
            yield self._dropped(entity_type_id, key, pair.source_name, items)
        elif partner is None and not (field.is_read_only and not field.is_dynamic):
            yield self._open(
                entity_type_id, key, field.title or field.name, items, str(target_type)
            )
        elif partner is None or not is_written(partner):
            if not implied_by_list(entity_type_id, field.name):
                yield self._note(
                    FindingKind.SET_BY_PORTAL,
                    entity_type_id,
                    field.name,
                    items,
                    "the target computes or stamps this field itself",
                    severity=Severity.INFO,
                )
        elif is_portal_local(field):
            yield self._note(
                FindingKind.PORTAL_LOCAL_VALUE,
                entity_type_id,
                field.name,
                items,
                FindingKind.PORTAL_LOCAL_VALUE.text,
                effect=Effect.LOST,
            )
        elif is_unsupported(field):
            yield self._note(
                FindingKind.UNSUPPORTED_FIELD_TYPE,
                entity_type_id,
                field.name,
                items,
                f"fields of type {field.type} cannot be written over REST",
                effect=Effect.LOST,
            )
        elif fit(field, partner) is Fit.WHERE_IT_FITS:
            yield self._note(
                FindingKind.INCONVERTIBLE_VALUE,
                entity_type_id,
                field.name,
                items,
                f"goes into '{partner.name}': values that are no {partner.type} are left empty",
            )

    def _references(self) -> Iterator[Finding]:
        for (entity_type_id, field, end), items in sorted(self._usage.dangling.items()):
            if self._is_moved(entity_type_id):
                yield self._note(
                    FindingKind.DANGLING_REFERENCE,
                    entity_type_id,
                    field,
                    items,
                    f"{items} items refer to items of entity type {end} that are not among the "
                    "exported ones" + self._filtered(end),
                    effect=Effect.LOST,
                    value=str(end),
                )
        for (entity_type_id, field, end), items in sorted(self._usage.edges.items()):
            is_other_type = end in SYSTEM_TYPES or end in self._source.entity_types
            if self._is_moved(entity_type_id) and is_other_type and not self._is_moved(end):
                yield self._note(
                    FindingKind.DANGLING_REFERENCE,
                    entity_type_id,
                    field,
                    items,
                    f"entity type {end} is left out, so links to it are lost",
                    effect=Effect.LOST,
                    value=str(end),
                )

    def _filtered(self, entity_type_id: EntityTypeId) -> str:
        is_filtered = entity_type_id in self._mapping.filtered
        return ": the mapping file's filter leaves items of that type out" if is_filtered else ""

    def _unreadable(self) -> Iterator[Finding]:
        for (entity_type_id, field), items in sorted(self._usage.unreadable.items()):
            if self._is_moved(entity_type_id):
                yield self._note(
                    FindingKind.UNREADABLE_VALUE,
                    entity_type_id,
                    field,
                    items,
                    FindingKind.UNREADABLE_VALUE.text,
                    effect=Effect.LOST,
                )

    def _open(
        self,
        entity_type_id: EntityTypeId,
        key: PairKey,
        name: str,
        items: int,
        target_scope: str | None,
    ) -> Finding:
        tolerated = key.kind is PairKind.USER and not self._now.unmapped_users_block
        where = ": ".join(part for part in (key.kind.section, key.scope) if part)
        within = f" in {target_scope}" if target_scope else ""
        return Finding(
            kind=FindingKind.named(f"unmapped-{key.kind.replace('_', '-')}"),
            severity=Severity.WARNING if tolerated else Severity.BLOCKING,
            effect=Effect.ADJUSTED if tolerated else Effect.LOST,
            entity_type_id=entity_type_id,
            field=_field_of(key),
            value=key.key,
            items=items,
            detail=f"{_NOUNS[key.kind]} '{name}' ({key.key}) has no partner{within} in the target"
            + ("; the target webhook's own user is set instead" if tolerated else ""),
            hint=f"answer it in the mapping file: {where}: {key.key}: <target>"
            + ("" if key.kind in INDISPENSABLE else ", or `drop`")
            + " (migrator plan --write-mapping mapping.yaml writes the open points)",
        )

    def _dropped(
        self, entity_type_id: EntityTypeId, key: PairKey, name: str, items: int
    ) -> Finding:
        return Finding(
            kind=FindingKind.DROPPED_BY_MAPPING,
            severity=Severity.INFO,
            effect=Effect.LOST,
            entity_type_id=entity_type_id,
            field=_field_of(key),
            value=key.key,
            items=items,
            detail=f"{_NOUNS[key.kind]} '{name}' ({key.key}) is left out by the mapping",
        )

    def _defaulted(self, entity_type_id: EntityTypeId, pair: Pair, items: int) -> Finding:
        return Finding(
            kind=FindingKind.DEFAULT_USER,
            severity=Severity.INFO,
            effect=Effect.ADJUSTED,
            entity_type_id=entity_type_id,
            value=pair.source_key,
            items=items,
            detail=f"user '{pair.source_name}' ({pair.source_key}) has no partner: "
            f"'{pair.target_name}' ({pair.target_key}) is set instead",
        )

    def _note(
        self,
        kind: FindingKind,
        entity_type_id: EntityTypeId,
        field: str,
        items: int,
        detail: str,
        *,
        effect: Effect = Effect.NONE,
        severity: Severity = Severity.WARNING,
        value: str | None = None,
    ) -> Finding:
        return Finding(
            kind=kind,
            severity=severity,
            effect=effect,
            entity_type_id=entity_type_id,
            field=field,
            value=value,
            items=items,
            detail=detail,
        )


_NOUNS: Mapping[PairKind, str] = {
    PairKind.ENTITY_TYPE: "entity type",
    PairKind.CATEGORY: "pipeline",
    PairKind.STAGE: "stage",
    PairKind.STATUS: "directory entry",
    PairKind.FIELD: "field",
    PairKind.ENUMERATION: "list value",
    PairKind.USER: "user",
    PairKind.CURRENCY: "currency",
}


def _field_of(key: PairKey) -> str | None:
    match key.kind:
        case PairKind.FIELD:
            return key.key
        case PairKind.ENUMERATION:
            return key.scope.partition(".")[2]
        case PairKind.STAGE:
            return "stageId"
        case PairKind.CATEGORY:
            return "categoryId"
        case _:
            return None
