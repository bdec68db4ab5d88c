"""The second pass: set the links whose ends did not both exist when their item was imported.

An update stamps updatedTime and may start automation, so an item is updated only where the target
does not hold the link already: a contact that names its company has set it from the other end.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from migrator.bitrix.errors import ItemRefused, UnknownOutcome
from migrator.domain.findings import Effect, Finding, FindingKind, Phase, Severity
from migrator.domain.records import DeferredLink, LinkState, StagedItem
from migrator.domain.values import (
    FileValue,
    Reference,
    UnreadableValueError,
    Value,
    decode,
    display,
    parse_datetime,
    scalars,
)
from migrator.load.preparation import KnownItems, references_of, transform_item
from migrator.transform.compare import compare_item
from migrator.transform.encode import encode_value
from migrator.transform.update import merged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.domain.vocabulary import EntityTypeId, SourceId, TargetId
    from migrator.outlook import Outlook
    from migrator.transform.item import TypeTransform
    from migrator.transform.transformed import TransformedItem
    from migrator.workspace import Workspace

#: Items per page: what one reading request asks for at once.
PAGE = 200
_ATTEMPTS = 3

#: Updates without an answer in a row after which the portal is left alone.
MOST_LOST_UPDATES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Linked:
    """An item in the target, and what its fields with deferred links must hold now."""

    staged: StagedItem
    target_id: TargetId
    links: tuple[DeferredLink, ...]
    wanted: Mapping[str, Value]
    transformed: TransformedItem
    #: whether the target's item was there before, so that its own links stay
    is_matched: bool = False


@dataclass(slots=True, kw_only=True)
class DeferredLinks:
    """Sets deferred links of any entity type for which there is a transform."""

    workspace: Workspace
    target: PortalClient
    transforms: Mapping[EntityTypeId, TypeTransform]
    known: KnownItems
    outlook: Outlook
    _updated: int = 0
    _lost_in_a_row: int = 0

    def run(self, *, retry_failed: bool = False) -> int:
        """Set what can be set now; the rest stays pending for another time.

        Links given up because their item was not exported are taken up again once it is there,
        those the target refused only when asked.

        Returns: how many links were set by updates.
        """
        with self.workspace.write() as repositories:
            repositories.deferred_links.reopen(refused=retry_failed)
        after: tuple[EntityTypeId, SourceId] | None = None
        while page := self._page(after):
            self.workspace.check_stop()
            after = (page[-1].entity_type_id, page[-1].source_id)
            by_type: dict[EntityTypeId, list[DeferredLink]] = defaultdict(list)
            for link in page:
                by_type[link.entity_type_id].append(link)
            for entity_type_id, links in by_type.items():
                if entity_type_id in self.transforms:
                    self._set_links(self.transforms[entity_type_id], links)
        return self._updated

    def _page(self, after: tuple[EntityTypeId, SourceId] | None) -> list[DeferredLink]:
        with self.workspace.read() as repositories:
            return repositories.deferred_links.pending(PAGE, after)

    def _set_links(self, transform: TypeTransform, links: Sequence[DeferredLink]) -> None:
        linked, lost = self._linked(transform, links)
        self._give_up(lost)
        present = self._present(transform, linked)
        for one in linked:
            self.workspace.check_stop()
            payload = present.get(one.target_id)
            if payload is None:
                self._set_state(one, LinkState.FAILED, "the item is not in the target any more")
                continue
            try:
                wanted = self._beside_own(transform, one, payload)
            except UnreadableValueError as error:
                self._set_state(one, LinkState.FAILED, f"what it holds cannot be read: {error}")
                continue
            if self._holds(transform, wanted, payload):
                self._note_set_already(wanted, payload)
            else:
                self._update(transform, wanted, payload)

    def _beside_own(
        self, transform: TypeTransform, one: _Linked, payload: Mapping[str, Any]
    ) -> _Linked:
        """A matched item keeps what it holds already. Raises: UnreadableValueError."""
        if not one.is_matched:
            return one
        fields = transform.target_fields
        wanted = {
            name: merged(
                fields.by_name[name],
                value,
                decode(fields.by_name[name], fields.value(payload, name)),
            )
            for name, value in one.wanted.items()
        }
        return replace(one, wanted=wanted)

    def _note_set_already(self, one: _Linked, payload: Mapping[str, Any]) -> None:
        """Set from the other end, or by an update whose outcome was not recorded any more.

        Such an update has left its stamp: the time of the last change is not what was imported.
        """
        expected = display(one.transformed.values.get("updatedTime"))
        with self.workspace.read() as repositories:
            known = repositories.findings.for_items(
                one.staged.entity_type_id, [one.staged.source_id], Phase.IMPORT
            )
        for finding in known:
            if finding.field == "updatedTime":
                expected = finding.sent  # None where it was lost on import: nothing is expected
        stamped = (
            expected is not None
            and payload.get("updatedTime") is not None
            and display(parse_datetime(payload["updatedTime"])) != expected
        )
        detail = "set by an update that was interrupted" if stamped else "set from the other end"
        self._set_state(one, LinkState.DONE, detail, self._stamped(one) if stamped else ())

    def _give_up(self, lost: Sequence[DeferredLink]) -> None:
        """Links to items that turned out not to be among the exported ones."""
        findings = [self._dangling(link) for link in lost]
        if lost:
            with self.workspace.write() as repositories:
                repositories.deferred_links.set_state(list(lost), LinkState.UNRESOLVABLE)
                repositories.findings.add(Phase.IMPORT, findings)

    def _dangling(self, link: DeferredLink) -> Finding:
        _, end = _end(link)
        return Finding(
            kind=FindingKind.DANGLING_REFERENCE,
            severity=Severity.WARNING,
            effect=Effect.LOST,
            entity_type_id=link.entity_type_id,
            source_id=link.source_id,
            field=link.field,
            value=_display_end(link),
            detail=self.known.why_missing(end),
        )

    def _linked(
        self, transform: TypeTransform, links: Sequence[DeferredLink]
    ) -> tuple[list[_Linked], list[DeferredLink]]:
        """Items with those of their links that can be set now, and links that never can be."""
        ids = {link.source_id for link in links}
        with self.workspace.read() as repositories:
            lookup = repositories.id_map.lookup(transform.entity_type_id, ids)
            partners = {
                source_id: target_id
                for source_id, (into, target_id) in lookup.items()
                if into == transform.target_type_id
            }
            staged = repositories.items.get(transform.entity_type_id, list(partners))
            matched = repositories.matched_pairs.updated(transform.entity_type_id, list(partners))
            refers = references_of(transform, staged)
            self.known.look_up(repositories, (ref for refs in refers.values() for ref in refs))
        linked: list[_Linked] = []
        lost: list[DeferredLink] = []
        for item in staged:
            transformed = transform_item(transform, item, self.known)
            own = [link for link in links if link.source_id == item.source_id]
            later = {(d.field, d.refers_to) for d in transformed.deferred}
            never = {(d.field, d.refers_to) for d in transformed.dangling}
            lost += [link for link in own if _end(link) in never]
            ready = tuple(link for link in own if _end(link) not in later | never)
            if ready:
                names = self._target_names(transform, ready)
                linked.append(
                    _Linked(
                        staged=item,
                        target_id=partners[item.source_id],
                        links=ready,
                        wanted={name: transformed.values[name] for name in names},
                        transformed=transformed,
                        is_matched=item.source_id in matched,
                    )
                )
        return linked, lost

    def _target_names(
        self, transform: TypeTransform, links: Sequence[DeferredLink]
    ) -> dict[str, None]:
        names = (transform.target_name(link.field) for link in links)
        return dict.fromkeys(name for name in names if name is not None)

    def _present(
        self, transform: TypeTransform, linked: Sequence[_Linked]
    ) -> dict[int, dict[str, Any]]:
        if not linked:
            return {}
        names = {name for one in linked for name in one.wanted}
        rows = self.target.read_items(
            transform.target_type_id,
            [one.target_id for one in linked],
            select=["id", "updatedTime", "updatedBy", *sorted(names)],
        )
        return {int(row["id"]): row for row in rows}

    def _holds(self, transform: TypeTransform, one: _Linked, payload: Mapping[str, Any]) -> bool:
        expected, fields = one.wanted, transform.target_fields
        return not any(compare_item(transform.target_type_id, expected, fields, payload))

    def _update(self, transform: TypeTransform, one: _Linked, payload: Mapping[str, Any]) -> None:
        """Send one update; setting the same value again is harmless, so it may be repeated."""
        fields = {
            name: encode_value(transform.target_fields.by_name[name], value, _no_file)
            for name, value in one.wanted.items()
        }
        params = {
            "entityTypeId": transform.target_type_id,
            "id": one.target_id,
            "fields": fields,
            "useOriginalUfNames": "Y",
        }
        for attempt in range(_ATTEMPTS):
            try:
                self.target.call("crm.item.update", params, items=1)
                break
            except UnknownOutcome as error:
                if attempt == _ATTEMPTS - 1:
                    self._give_up_update(transform, one, error)
                    return
            except ItemRefused as error:
                self._set_state(one, LinkState.FAILED, f"{error.code}: {error.description}")
                return
        self._lost_in_a_row = 0
        self._set_state(one, LinkState.DONE, None, self._stamped(one, payload))
        self._updated += len(one.links)

    def _give_up_update(
        self, transform: TypeTransform, one: _Linked, error: UnknownOutcome
    ) -> None:
        """One item the portal breaks over fails; several in a row are the portal's trouble.

        An answer that was lost says nothing: the update may have been carried out.
        """
        payload = self._present(transform, [one]).get(one.target_id)
        if payload is not None and self._holds(transform, one, payload):
            self._note_set_already(one, payload)
            return
        self._lost_in_a_row += 1
        if self._lost_in_a_row > MOST_LOST_UPDATES:
            raise error
        self._set_state(one, LinkState.FAILED, error.message)

    def _set_state(
        self,
        one: _Linked,
        state: LinkState,
        detail: str | None,
        findings: Sequence[Finding] = (),
    ) -> None:
        with self.workspace.write() as repositories:
            repositories.deferred_links.set_state(one.links, state, detail)
            known = repositories.findings.for_items(
                one.staged.entity_type_id, [one.staged.source_id], Phase.IMPORT
            )
            seen = {(finding.kind, finding.field) for finding in known}
            new = [finding for finding in findings if (finding.kind, finding.field) not in seen]
            repositories.findings.add(Phase.IMPORT, new)
            if state is LinkState.DONE:
                # What they lead to was left out at first: the link was on record as lost.
                set_now = {(link.field, _display_end(link)) for link in one.links}
                dangling = [f for f in known if f.kind is FindingKind.DANGLING_REFERENCE]
                repositories.findings.take_back(
                    Phase.IMPORT, [f for f in dangling if (f.field, f.value) in set_now]
                )
        self.workspace.progress.advance(len(one.links))
        self.outlook.done(len(one.links))

    def _held(self, one: _Linked, link: DeferredLink, payload: Mapping[str, Any]) -> str | None:
        """What the link's field holds in the target that it will not hold any more."""
        transform = self.transforms[one.staged.entity_type_id]
        fields = transform.target_fields
        replaced: list[str] = []
        for name in self._target_names(transform, [link]):
            raw = fields.value(payload, name)
            try:
                held = scalars(decode(fields.by_name[name], raw))
            except UnreadableValueError:
                replaced.append(str(raw))
                continue
            wanted = scalars(one.wanted[name])
            replaced += [display(value) or "" for value in held if value not in wanted]
        return ", ".join(replaced) or None

    def _stamped(self, one: _Linked, payload: Mapping[str, Any] | None = None) -> list[Finding]:
        """An update cannot keep these two; what they were stands in the finding.

        So does what the field itself held before, which somebody may have entered meanwhile.
        """
        replaced = [
            Finding(
                kind=FindingKind.UPDATED_BY_LINK,
                severity=Severity.WARNING,
                entity_type_id=one.staged.entity_type_id,
                source_id=one.staged.source_id,
                field=link.field,
                value=held,
                detail="the target's field held another value before the link was set",
            )
            for link in one.links
            if payload is not None and (held := self._held(one, link, payload))
        ]
        return replaced + [
            Finding(
                kind=FindingKind.UPDATED_BY_LINK,
                severity=Severity.WARNING,
                effect=Effect.LOST,
                entity_type_id=one.staged.entity_type_id,
                source_id=one.staged.source_id,
                field=name,
                value=display(one.transformed.values[name]),
                detail="links to "
                + ", ".join(
                    f"{link.refers_to_entity_type_id}:{link.refers_to_source_id}"
                    for link in one.links
                )
                + " were set by an update, which stamps this field",
            )
            for name in ("updatedTime", "updatedBy")
            if name in one.transformed.values
        ]


def _end(link: DeferredLink) -> tuple[str, Reference]:
    return link.field, Reference(link.refers_to_entity_type_id, link.refers_to_source_id)


def _display_end(link: DeferredLink) -> str | None:
    _, end = _end(link)
    return display(end)


def _no_file(file: FileValue) -> tuple[str, bytes]:
    raise ValueError(f"a link is no file: {file}")
