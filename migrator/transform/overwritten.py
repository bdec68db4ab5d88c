"""What a portal writes itself, whatever is sent: documented, and so no difference but a finding."""

from __future__ import annotations

import html
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from migrator.domain.values import UnreadableValueError, decode

if TYPE_CHECKING:
    from migrator.domain.fields import Field
    from migrator.transform.compare import FieldDifference
    from migrator.transform.transformed import TransformedItem

#: The portal's own time zone may be a day ahead of, or behind, ours.
_ONE_DAY = timedelta(days=1)


def overwritten_by_portal(
    item: TransformedItem,
    field: Field,
    difference: FieldDifference,
    imported_at: datetime | None,
) -> str | None:
    """Why the portal may hold another value here, or None where it may not.

    Only the value the documentation foretells is excused: a closedate that is not the day of the
    import is a difference all the same.
    """
    if field.name == "taxValue" and difference.actual in (None, "0"):
        # b24restdocs api-reference/crm/universal/crm-item-add.md: 99.9 sent, 0 returned
        return "the portal computes the tax from product rows"
    if field.name == "closedate" and item.is_final and imported_at is not None:
        day = _day(field, difference.actual)
        if day is not None and abs(day - imported_at.date()) <= _ONE_DAY:
            # core-corp: modules/crm/lib/Field/CloseDate.php
            return "an item imported into a final stage is closed on the day of the import"
    if field.name in {"title", "name"} and difference.expected is None:
        # core-corp: modules/crm/lib/Field/Title.php
        return "the portal makes a name for an item without one"
    if field.name == "comments" and _is_rewritten(difference.expected or "", difference.actual):
        # core-corp: modules/crm/lib/Model/FieldRepository.php; b24restdocs
        # api-reference/crm/universal/crm-item-add.md: HTML sent, BB code returned
        return "the portal keeps comments as BB code: HTML is rewritten"
    return None


def _is_rewritten(sent: str, kept: str | None) -> bool:
    return _HTML_TAG.search(sent) is not None and _bare(sent) == _bare(kept)


_HTML_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_BB_TAG = re.compile(r"\[/?(?:[a-zA-Z]+|\*)(?:=[^\]]*)?\]")


def _bare(text: str | None) -> str:
    """The words, without markup and the line breaks that stand for some of it."""
    plain = html.unescape(_HTML_TAG.sub("", text or ""))
    return "".join(_BB_TAG.sub("", plain).split())


def _day(field: Field, text: str | None) -> date | None:
    try:
        value = decode(field, text)
    except UnreadableValueError:
        return None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None
