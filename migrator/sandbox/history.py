"""The history fields of an import: who may set them and within which bounds.

Source: core-corp: modules/crm/lib/Service/Operation/Import.php;
b24restdocs api-reference/crm/universal/import/index.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sandbox import php
from migrator.sandbox.errors import PortalError, invalid_field
from migrator.sandbox.fields import HISTORY_TIMES, HISTORY_USERS
from migrator.sandbox.losses import LossKind

if TYPE_CHECKING:
    from migrator.sandbox.writing import Write

_GRACE_SECONDS = 1


def read_history(write: Write, sent: dict[str, Any]) -> dict[str, Any]:
    """Check the history fields of one imported item and return those that count as sent.

    Raises: PortalError, always with one code; only the text tells the reasons apart.
    """
    values = {**_times(write, sent), **_users(write, sent)}
    if values and not write.call.user.admin:
        # The portal administrator, not the CRM administrator
        # (b24_clear: .../crm/lib/Service/UserPermissions.php).
        raise invalid_field(next(iter(values)), "Only an administrator may set this field")
    _check_created(write, values)
    _check_updated(write, values)
    _check_moved(write, values)
    return values


def _times(write: Write, sent: dict[str, Any]) -> dict[str, Any]:
    now = write.portal.clock.time()
    found = {}
    for name in HISTORY_TIMES:
        raw = sent.get(name)
        if php.is_empty(raw):
            continue
        moment = write.portal.moments.read_datetime(raw)
        if moment is None:
            # Skipped without an error, so createdTime becomes now
            # (riester: bitrix/modules/rest/classes/general/rest_util.php).
            write.lose(LossKind.UNREADABLE_DATE, name, raw)
        elif abs(write.portal.moments.seconds(moment) - now) > _GRACE_SECONDS:
            found[name] = moment
    return found


def _users(write: Write, sent: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name in HISTORY_USERS:
        raw = sent.get(name)
        if php.is_empty(raw):
            continue
        user_id = php.to_int(raw)
        if name == "createdBy" and user_id == write.call.user.user_id:
            continue
        if user_id < 0:
            raise invalid_field(name)
        # Ids of nonexistent users are stored.
        write.check_user(user_id, name)
        found[name] = user_id
    return found


def _check_created(write: Write, values: dict[str, Any]) -> None:
    created = values.get("createdTime")
    if created is None:
        return
    if created > write.portal.now():
        raise invalid_field("createdTime", "The date is in the future")
    newest = write.portal.table(write.entity_type_id).newest()
    # One row decides: the highest id of the type, across all pipelines. Equal is accepted.
    if newest is not None and created < newest["createdTime"]:
        raise _out_of_order(newest)


def _out_of_order(newest: dict[str, Any]) -> PortalError:
    return invalid_field(
        "createdTime", f"It is earlier than that of the last item ({newest['createdTime']})"
    )


def _check_updated(write: Write, values: dict[str, Any]) -> None:
    updated = values.get("updatedTime")
    if updated is None:
        return
    if updated > write.portal.now():
        raise invalid_field("updatedTime", "The date is in the future")
    # Without createdTime it is compared with the current time: a past one alone is refused.
    if updated < values.get("createdTime", write.portal.now()):
        raise invalid_field("updatedTime", "It is earlier than createdTime")


def _check_moved(write: Write, values: dict[str, Any]) -> None:
    moved = values.get("movedTime")
    if moved is None:
        return
    low = values.get("createdTime", write.portal.now())
    # Without updatedTime the upper bound is createdTime itself.
    high = values.get("updatedTime", low)
    if not low <= moved <= high:
        raise invalid_field("movedTime", "It is not between createdTime and updatedTime")
