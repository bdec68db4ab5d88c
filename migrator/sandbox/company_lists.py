"""Lists of what a portal has beside its items, read only: what a migration leaves to people.

The rows stand in the seed under `lists`, by method name. Each page is named where it is used;
`crm.product.list` answers as the list methods in general do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import php
from migrator.sandbox.errors import PortalError, access_denied
from migrator.sandbox.registry import Answer, Call, method, page

if TYPE_CHECKING:
    from migrator.sandbox.portal import Portal

#: Methods whose rows a seed may hold.
LISTS = (
    "bizproc.workflow.template.list",
    "catalog.price.list",
    "crm.activity.list",
    "crm.automatedsolution.list",
    "crm.deal.recurring.list",
    "crm.documentgenerator.numerator.list",
    "crm.documentgenerator.template.list",
    "crm.item.details.configuration.get",
    "crm.product.list",
    "crm.requisite.list",
    "crm.requisite.preset.list",
)


def read_lists(raw: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    unknown = set(raw) - set(LISTS)
    if unknown:
        raise ValueError(f"unknown lists in the seed: {', '.join(sorted(unknown))}")
    return {name: [dict(row) for row in rows] for name, rows in raw.items()}


@method(
    "crm.activity.list",  # api-reference/crm/timeline/activities/activity-base/
    "crm.deal.recurring.list",  # api-reference/crm/deals/recurring-deals/
    "crm.product.list",  # api-reference/crm/outdated/products/
    "crm.requisite.list",  # api-reference/crm/requisites/universal/
    "crm.requisite.preset.list",  # api-reference/crm/requisites/presets/
)
def classic_list(portal: Portal, call: Call) -> Answer:
    return _page(portal.lists.get(call.method.lower(), []), call)


@method("bizproc.workflow.template.list", scope="bizproc")
def workflow_templates(portal: Portal, call: Call) -> Answer:
    """Source: b24restdocs api-reference/bizproc/template/bizproc-workflow-template-list.md."""
    if not call.user.admin:
        raise access_denied("Access denied!")
    wanted = {key.upper(): value for key, value in call.array("FILTER", "filter").items()}
    rows = portal.lists.get("bizproc.workflow.template.list", [])
    found = [row for row in rows if all(str(row.get(k)) == str(v) for k, v in wanted.items())]
    return _page(found, call, default=("ID",))


@method("catalog.price.list", scope="catalog")
def prices(portal: Portal, call: Call) -> Answer:
    """Source: b24restdocs api-reference/catalog/price/catalog-price-list.md."""
    wanted = call.array("filter")
    rows = portal.lists.get("catalog.price.list", [])
    found = [row for row in rows if all(row.get(k) == value for k, value in wanted.items())]
    answer = _page(found, call)
    return Answer({"prices": answer.result}, answer.total, answer.next)


@method("crm.documentgenerator.template.list")
def document_templates(portal: Portal, call: Call) -> Answer:
    """An object by id (b24restdocs api-reference/crm/document-generator/templates/)."""
    answer = _page(portal.lists.get("crm.documentgenerator.template.list", []), call)
    by_id = php.as_array({str(row["id"]): row for row in answer.result})
    return Answer({"templates": by_id}, answer.total, answer.next)


@method("crm.documentgenerator.numerator.list")
def numerators(portal: Portal, call: Call) -> Answer:
    """Source: b24restdocs api-reference/crm/document-generator/numerator/."""
    answer = _page(portal.lists.get("crm.documentgenerator.numerator.list", []), call)
    return Answer({"numerators": answer.result}, answer.total, answer.next)


@method("crm.automatedsolution.list")
def workspaces(portal: Portal, call: Call) -> Answer:
    """Source: b24restdocs api-reference/crm/automated-solution/crm-automated-solution-list.md."""
    if not call.user.crm_admin:
        raise access_denied("Insufficient permissions")
    answer = _page(portal.lists.get("crm.automatedsolution.list", []), call)
    return Answer({"automatedSolutions": answer.result}, answer.total, answer.next)


@method("crm.item.details.configuration.get")
def card_view(portal: Portal, call: Call) -> Answer:
    """The sections of a card, null where nobody arranged them.

    Source: b24restdocs api-reference/crm/universal/item-details-configuration/
    """
    entity_type_id = php.to_int(call.get("entityTypeId"))
    if not entity_type_id:
        raise PortalError("", "Parameter 'entityTypeId' is not defined")
    scope = str(call.get("scope") or "P")
    for row in portal.lists.get("crm.item.details.configuration.get", []):
        if (row["entityTypeId"], row["scope"]) == (entity_type_id, scope):
            return Answer(row["sections"])
    return Answer(None)


@method("crm.automation.trigger.list")
@method("bizproc.robot.list", scope="bizproc")
@method("app.info", scope=None)
def for_applications(portal: Portal, call: Call) -> Answer:
    """A webhook is no application.

    Sources: b24restdocs api-reference/crm/automation/triggers/crm-automation-trigger-list.md,
    api-reference/bizproc/bizproc-robot/bizproc-robot-list.md,
    api-reference/common/system/app-info.md
    """
    del portal, call
    raise access_denied("Access denied! Application context required")


def _page(rows: list[dict[str, Any]], call: Call, default: tuple[str, ...] = ()) -> Answer:
    selected = [str(name) for name in php.array_values(call.get("SELECT", "select"))] or [*default]
    everything = not selected or "*" in selected
    shown = [
        dict(row) if everything else {k: v for k, v in row.items() if k in selected} for row in rows
    ]
    found, total, following = page(shown, call.get("start", "START") or 0)
    return Answer(found, total, following)
