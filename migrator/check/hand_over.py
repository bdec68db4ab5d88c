"""What stays behind in the source, counted where a method lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.bitrix.answers import Answer
from migrator.bitrix.commands import Command
from migrator.bitrix.errors import PortalError, RepeatLater
from migrator.check.asking import Listing, ListQuery, ask, read_list, refusal
from migrator.plan.check.facts import LeftBehind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from migrator.bitrix.client import PortalClient
    from migrator.plan.check.facts import OwnerFacts, TypeFacts

#: Lists that are short everywhere, by the key of their part; names stand under `NAME` or `name`.
#: Sources: b24restdocs api-reference/departments/, bizproc/template/, crm/automation/triggers/,
#: crm/document-generator/, crm/requisites/presets/, crm/deals/recurring-deals/,
#: crm/automated-solution/
LISTS = {
    "departments": ListQuery(method="department.get"),
    "business_processes": ListQuery(
        method="bizproc.workflow.template.list",
        params={"select": ["ID", "NAME"], "filter": {"MODULE_ID": "crm"}},
    ),
    "triggers": ListQuery(method="crm.automation.trigger.list"),
    "document_templates": ListQuery(
        method="crm.documentgenerator.template.list",
        params={"select": ["id", "name"]},
        key="templates",
    ),
    "numerators": ListQuery(method="crm.documentgenerator.numerator.list", key="numerators"),
    "workspaces": ListQuery(method="crm.automatedsolution.list", key="automatedSolutions"),
    "recurring_deals": ListQuery(method="crm.deal.recurring.list"),
    "requisite_templates": ListQuery(
        method="crm.requisite.preset.list", params={"select": ["ID", "NAME"]}
    ),
}
#: Lists that may be so long that counting them takes a portal more than a request may last.
#: Sources: b24restdocs api-reference/crm/timeline/activities/activity-base/crm-activity-list.md,
#: crm/requisites/universal/crm-requisite-list.md, crm/outdated/products/crm-product-list.md
LONG_LISTS = {
    "activities": ListQuery(method="crm.activity.list", params={"select": ["ID"]}),
    "requisites": ListQuery(method="crm.requisite.list", params={"select": ["ID"]}),
    "products": ListQuery(method="crm.product.list", params={"select": ["ID"]}),
}
_CARD_VIEW = "crm.item.details.configuration.get"
#: Arranged by an administrator for everybody. Source: b24restdocs .../item-details-configuration/
_FOR_EVERYBODY = "C"
_NAMES = ("NAME", "name", "title")


def list_left_behind(
    client: PortalClient, types: Sequence[TypeFacts], without_partner: Iterable[OwnerFacts]
) -> dict[str, LeftBehind]:
    """By the key of `hand_over.Part`."""
    people = [one.name for one in without_partner]
    cards = {f"card{one.entity_type_id}": _card_command(one) for one in types if one.source_items}
    outcomes = ask(client, cards | {key: query.command() for key, query in LISTS.items()})
    found = {
        key: _left_behind(read_list(client, query, outcomes[key])) for key, query in LISTS.items()
    }
    found["users"] = LeftBehind(count=len(people), names=tuple(people))
    found["card_views"] = _card_views(types, outcomes)
    found.update((key, _counted_alone(client, key, query)) for key, query in LONG_LISTS.items())
    return found


def _card_command(one: TypeFacts) -> Command:
    return Command(_CARD_VIEW, {"entityTypeId": one.entity_type_id, "scope": _FOR_EVERYBODY})


def _card_views(
    types: Sequence[TypeFacts], outcomes: dict[str, Answer | PortalError]
) -> LeftBehind:
    """Types whose card is arranged; the result is null where it is not."""
    asked = [(one, outcomes[f"card{one.entity_type_id}"]) for one in types if one.source_items]
    refused = [outcome for _, outcome in asked if isinstance(outcome, PortalError)]
    if refused:
        return LeftBehind(count=None, refusal=refusal(refused[0]))
    names = [one.title for one, outcome in asked if isinstance(outcome, Answer) and outcome.result]
    return LeftBehind(count=len(names), names=tuple(names))


def _counted_alone(client: PortalClient, key: str, query: ListQuery) -> LeftBehind:
    """In a request of its own, and once: that it takes too long is an answer, too."""
    try:
        outcome = client.batch_once({key: query.command()}).inner[key]
    except RepeatLater as error:
        outcome = error
    listing = read_list(client, query, outcome)
    if isinstance(listing, PortalError):
        return _left_behind(listing)
    return LeftBehind(count=listing.total)


def _left_behind(listing: Listing | PortalError) -> LeftBehind:
    if isinstance(listing, PortalError):
        return LeftBehind(count=None, refusal=refusal(listing))
    return LeftBehind(count=listing.total, names=tuple(_names(listing.rows)))


def _names(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        name = next((str(row[key]) for key in _NAMES if row.get(key)), None)
        if name is not None:
            yield name
