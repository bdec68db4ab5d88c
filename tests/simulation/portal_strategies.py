"""Random portals: whole ones, as they come, with all that makes items hard to move.

Smart processes with parents in cycles, pipelines, user fields of every type, references that lead
anywhere or nowhere, equal dates and dates that contradict each other, texts nobody would expect,
people who have left. What would need an answer of the operator is left out, so that every portal
can be moved: the target is a twin that has a partner for everything but some people.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from migrator.sandbox import twin_structure
from migrator.sandbox.entity_types import name_code, short_code

LEAD, DEAL, CONTACT, COMPANY, QUOTE, INVOICE = 1, 2, 3, 4, 7, 31
SYSTEM = (LEAD, DEAL, CONTACT, COMPANY, QUOTE, INVOICE)
_SPAS = (1302, 177, 1034)
_UF_ENTITIES = {
    LEAD: "CRM_LEAD",
    DEAL: "CRM_DEAL",
    CONTACT: "CRM_CONTACT",
    COMPANY: "CRM_COMPANY",
    QUOTE: "CRM_QUOTE",
    INVOICE: "CRM_SMART_INVOICE",
}
_FLAGS = (
    "isCategoriesEnabled",
    "isStagesEnabled",
    "isBeginCloseDatesEnabled",
    "isClientEnabled",
    "isLinkWithProductsEnabled",
    "isMycompanyEnabled",
    "isSourceEnabled",
    "isObserversEnabled",
)
_ADMIN = 1
#: Somebody who is in no list of users any more, and items that are in no list of items.
_GONE_USER, _GONE_ITEM = 999, 999_999
_OFFSETS = ("+03:00", "-05:00", "+00:00", "+05:45", "+14:00", "-11:00")
#: Everything was created from then on, within 14 years.
_SINCE = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp())
_MOVED = {LEAD, DEAL, INVOICE}
_WITH_FM = {LEAD, CONTACT, COMPANY}

Seed = dict[str, Any]
Strategy = st.SearchStrategy[Any]


class PortalPair:
    """The seeds of a source and of the target it is moved to."""

    def __init__(self, source: Seed, target: Seed) -> None:
        self.source = source
        self.target = target

    def __repr__(self) -> str:
        """In short: the whole of it would fill a screen."""
        counts = {etid: len(rows) for etid, rows in self.source["items"].items() if rows}
        return f"<portal of {counts}, {len(self.source['userFields'])} user fields>"


@dataclass(frozen=True, slots=True)
class Shape:
    """What items may refer to."""

    offset: str
    spas: dict[int, dict[str, Any]]
    users: tuple[int, ...]
    currencies: tuple[str, ...]
    #: entity type -> its pipelines
    pipelines: dict[int, tuple[int, ...]]
    user_fields: tuple[dict[str, Any], ...]
    #: entity type -> the items there will be
    ids: dict[int, tuple[int, ...]]
    #: few, so that many items have the same
    moments: tuple[datetime, ...]

    def type_of(self, field: dict[str, Any]) -> int:
        named = {_uf_entity(etid, self.spas): etid for etid in (*SYSTEM, *self.spas)}
        return named[field["entityId"]]


# --- values ---------------------------------------------------------------------------------------

_ODD_TEXTS = (
    "0",
    " ",
    " x ",
    "00",
    "0.0",
    "false",
    "null",
    "<b>bold</b> & co",
    "&amp;",
    "%41+%",
    "a|b",
    "$result[x][0][id]",
    'it\'s "quoted" \\ slashed',
    "two\nlines\r\n",
    "\t",
    "=1+1",
    "1e5",
    "😀 é ß 漢 \u202e",
    "\x00",
    "\ufffe\x7f",
    "x" * 300,
    "D_12",
    "[URL=x]y[/URL]",
)
_characters = st.characters(exclude_categories=["Cs"])
texts = st.one_of(st.sampled_from(_ODD_TEXTS), st.text(_characters, max_size=8))
#: Markup is not part of it: a portal keeps BBCode only, so a source never prints HTML.
_comments = texts.map(lambda text: text.replace("<", "(").replace("&", "+"))
_days = st.dates(date(1950, 1, 1), date(2024, 12, 31)).map(str)
_yes_no = st.sampled_from(["Y", "N"])
_numbers = st.one_of(st.just(0), st.integers(-(2**31), 2**31))
_amounts = st.one_of(
    st.just(0), st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9).map(lambda n: n / 100)
)


@st.composite
def _moment(draw: st.DrawFn, shape: Shape) -> str:
    zone = timezone(_as_delta(shape.offset))
    return draw(st.sampled_from(shape.moments)).astimezone(zone).isoformat()


def _as_delta(offset: str) -> timedelta:
    hours, minutes = int(offset[1:3]), int(offset[4:])
    return timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)


def _users(shape: Shape) -> Strategy:
    return st.sampled_from([*shape.users, _GONE_USER])


def _item(shape: Shape, entity_type_id: int) -> Strategy:
    """An item of a type, itself among them; now and then one that is gone."""
    return st.sampled_from([*shape.ids.get(entity_type_id, ()), _GONE_ITEM])


def _items(shape: Shape, entity_type_id: int) -> Strategy:
    return st.lists(_item(shape, entity_type_id), max_size=3, unique=True)


@st.composite
def _file(draw: st.DrawFn) -> dict[str, str]:
    name = draw(st.sampled_from(["a.txt", "b c.pdf", "é 漢.bin", "no extension"]))
    body = draw(st.binary(max_size=40))
    return {"name": name, "content_base64": base64.b64encode(body).decode()}


@st.composite
def _binding(draw: st.DrawFn, shape: Shape, settings: dict[str, str]) -> str:
    """`CO_12`; where the field allows one type only, perhaps a bare number."""
    types = {name_code(etid): etid for etid in (*SYSTEM, *shape.spas)}
    etid = types[draw(st.sampled_from(sorted(settings)))]
    item_id = draw(_item(shape, etid))
    is_bare = len(settings) == 1 and draw(st.booleans())
    return str(item_id) if is_bare else f"{short_code(etid)}_{item_id}"


def _user_field_values(shape: Shape, field: dict[str, Any]) -> Strategy:
    currencies = st.sampled_from(shape.currencies)
    by_kind: dict[str, Strategy] = {
        "string": texts,
        "url": texts,
        "address": texts,
        "integer": _numbers,
        "iblock_element": st.integers(0, 3),
        "double": _amounts,
        "boolean": _yes_no,
        "date": _days,
        "datetime": _moment(shape),
        "money": st.builds("{}|{}".format, _amounts, currencies),
        "employee": _users(shape),
        "crm_status": st.sampled_from(["CALL", "WEB", "OTHER"]),
        "enumeration": st.sampled_from([int(one["id"]) for one in field["enum"]] or [0]),
        "file": _file(),
    }
    kind = field["userTypeId"]
    one = _binding(shape, field["settings"]) if kind == "crm" else by_kind[kind]
    if field["multiple"] == "Y":
        return st.lists(one, max_size=3)
    return st.one_of(st.none(), one)


# --- structure ------------------------------------------------------------------------------------


def _uf_entity(entity_type_id: int, spas: dict[int, dict[str, Any]]) -> str:
    return _UF_ENTITIES.get(entity_type_id) or f"CRM_{spas[entity_type_id]['id']}"


@st.composite
def _smart_processes(draw: st.DrawFn) -> dict[int, dict[str, Any]]:
    chosen = draw(st.lists(st.sampled_from(_SPAS), max_size=3, unique=True))
    found = {}
    for number, etid in enumerate(chosen, start=12):
        others = [one for one in (*chosen, LEAD, DEAL, QUOTE, INVOICE) if one != etid]
        parents = draw(st.lists(st.sampled_from(others), max_size=3, unique=True))
        flags = {flag: draw(_yes_no) for flag in _FLAGS}
        found[etid] = {
            "id": number,
            "entityTypeId": etid,
            "title": f"Process {etid}",
            **flags,
            "relations": {"parent": [{"entityTypeId": one} for one in parents], "child": []},
        }
    return found


_KINDS = (
    "string",
    "integer",
    "double",
    "boolean",
    "date",
    "datetime",
    "money",
    "url",
    "address",
    "employee",
    "crm_status",
    "enumeration",
    "file",
    "crm",
    "crm",
    "iblock_element",
)
#: Stored names that turn into names of REST in different ways.
_UF_TAILS = ("{0}", "FIELD_{0}", "X{0}", "170000000{0}", "A{0}_B", "{0}_{0}")


@st.composite
def _user_fields(draw: st.DrawFn, spas: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    etids = (*SYSTEM, *spas)
    fields = []
    for number in range(1, draw(st.integers(0, 7)) + 1):
        etid, kind = draw(st.sampled_from(etids)), draw(st.sampled_from(_KINDS))
        prefix = f"UF_CRM_{spas[etid]['id']}_" if etid in spas else "UF_CRM_"
        tail = draw(st.sampled_from(_UF_TAILS)).format(number)
        fields.append(
            {
                "id": str(700 + number),
                "entityId": _uf_entity(etid, spas),
                "fieldName": f"{prefix}{tail}",
                "userTypeId": kind,
                "multiple": draw(_yes_no),
                "settings": draw(_settings(kind, etids)),
                "editFormLabel": {"en": f"Label {number}"},
                "enum": draw(_options(number)) if kind == "enumeration" else [],
            }
        )
    return fields


def _settings(kind: str, etids: tuple[int, ...]) -> Strategy:
    if kind == "crm_status":
        return st.just({"ENTITY_TYPE": "SOURCE"})
    if kind != "crm":
        return st.just({})
    names = st.sampled_from([name_code(etid) for etid in etids if etid != INVOICE])
    return st.lists(names, min_size=1, max_size=3, unique=True).map(lambda n: dict.fromkeys(n, "Y"))


@st.composite
def _options(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    labels = draw(st.lists(st.sampled_from(["Red", "green", "0", "Ö & <x>", "1"]), unique=True))
    return [
        {"id": str(number * 10 + place), "value": label, "xmlId": f"x{number}{place}"}
        for place, label in enumerate(labels)
    ]


@st.composite
def _categories(draw: st.DrawFn, spas: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    rows, category_id = [], 20
    for etid in (DEAL, *spas):
        rows.append(_category(0 if etid == DEAL else category_id, etid, "Main"))
        category_id += 1
        if etid == DEAL or spas[etid]["isCategoriesEnabled"] == "Y":
            for name in draw(st.lists(st.sampled_from(["Retail", "é <b>"]), unique=True)):
                rows.append(_category(category_id, etid, name))
                category_id += 1
    return rows


def _category(category_id: int, etid: int, name: str) -> dict[str, Any]:
    is_default = "Y" if name == "Main" else "N"
    return {"id": category_id, "entityTypeId": etid, "name": name, "isDefault": is_default}


# --- items ----------------------------------------------------------------------------------------

_UTM = dict.fromkeys(("utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm"), texts)
_ORIGIN = dict.fromkeys(("originatorId", "originId"), texts)
_NAMES = dict.fromkeys(("name", "lastName", "secondName", "post"), texts)


def _money_fields(shape: Shape) -> dict[str, Strategy]:
    return {
        "opportunity": _amounts,
        "isManualOpportunity": st.just("Y"),
        "currencyId": st.sampled_from(shape.currencies),
    }


def _client(shape: Shape) -> dict[str, Strategy]:
    return {"companyId": _item(shape, COMPANY), "contactIds": _items(shape, CONTACT)}


def _dates(*names: str) -> dict[str, Strategy]:
    return dict.fromkeys(names, st.one_of(st.none(), _days))


def _code(*codes: str) -> Strategy:
    return st.sampled_from([None, *codes])


_source_id = _code("CALL", "WEB")


def _system_fields(shape: Shape, etid: int) -> dict[str, Strategy]:
    """What an item of a type may hold beside its history."""
    observers = st.lists(_users(shape), max_size=3, unique=True)
    match etid:
        case 1:
            return {
                **_NAMES,
                **_UTM,
                **_ORIGIN,
                **_client(shape),
                **_money_fields(shape),
                "title": texts,
                "companyTitle": texts,
                "statusDescription": texts,
                "comments": _comments,
                "sourceId": _source_id,
                "honorific": _code("HNR_EN_1", "HNR_EN_2"),
                "birthdate": st.one_of(st.none(), _days),
                "stageId": st.sampled_from(["NEW", "IN_PROCESS", "CONVERTED", "JUNK"]),
                "observers": observers,
                "webformId": st.integers(0, 3),
            }
        case 2:
            return {
                **_UTM,
                **_ORIGIN,
                **_client(shape),
                **_money_fields(shape),
                **_dates("begindate", "closedate"),
                "title": texts,
                "leadId": _item(shape, LEAD),
                "quoteId": _item(shape, QUOTE),
                "typeId": _code("SALE", "GOODS"),
                "sourceId": _source_id,
                "sourceDescription": texts,
                "additionalInfo": texts,
                "comments": _comments,
                "probability": st.integers(0, 100),
                "isRecurring": _yes_no,
                "observers": observers,
            }
        case 3:
            return {
                **_NAMES,
                **_UTM,
                **_ORIGIN,
                **_dates("birthdate"),
                "companyIds": _items(shape, COMPANY),
                "leadId": _item(shape, LEAD),
                "typeId": _code("CLIENT", "PARTNER"),
                "sourceId": _source_id,
                "honorific": _code("HNR_EN_1"),
                "comments": _comments,
                "export": _yes_no,
                "observers": observers,
            }
        case 4:
            return {
                **_UTM,
                **_ORIGIN,
                "title": texts,
                "contactIds": _items(shape, CONTACT),
                "leadId": _item(shape, LEAD),
                "typeId": _code("CUSTOMER", "OTHER"),
                "industry": _code("IT", "OTHER"),
                "employees": _code("EMPLOYEES_1"),
                "revenue": _amounts,
                "currencyId": st.sampled_from(shape.currencies),
                "isMyCompany": _yes_no,
                "bankingDetails": texts,
                "comments": _comments,
                "observers": observers,
            }
        case 7:
            return {
                **_UTM,
                **_client(shape),
                **_money_fields(shape),
                **_dates("begindate", "closedate", "actualDate"),
                "title": texts,
                "leadId": _item(shape, LEAD),
                "dealId": _item(shape, DEAL),
                "mycompanyId": _item(shape, COMPANY),
                "stageId": st.sampled_from(["DRAFT", "SENT", "APPROVED", "DECLAINED"]),
                "content": texts,
                "terms": texts,
                "comments": _comments,
            }
        case 31:
            return {
                **_client(shape),
                **_money_fields(shape),
                **_dates("begindate", "closedate"),
                "title": texts,
                "xmlId": texts,
                "mycompanyId": _item(shape, COMPANY),
                "parentId2": _item(shape, DEAL),
                "parentId7": _item(shape, QUOTE),
                "sourceId": _source_id,
                "comments": _comments,
                "observers": observers,
            }
        case _:
            return _spa_fields(shape, shape.spas[etid], observers)


def _spa_fields(shape: Shape, spa: dict[str, Any], observers: Strategy) -> dict[str, Strategy]:
    by_flag = {
        "isBeginCloseDatesEnabled": _dates("begindate", "closedate"),
        "isClientEnabled": _client(shape),
        "isLinkWithProductsEnabled": _money_fields(shape),
        "isMycompanyEnabled": {"mycompanyId": _item(shape, COMPANY)},
        "isSourceEnabled": {"sourceId": _source_id, "sourceDescription": texts},
        "isObserversEnabled": {"observers": observers},
    }
    parents = [row["entityTypeId"] for row in spa["relations"]["parent"]]
    return {
        "title": texts,
        "xmlId": texts,
        **{f"parentId{one}": _item(shape, one) for one in parents},
        **{
            name: v
            for flag, fields in by_flag.items()
            if spa[flag] == "Y"
            for name, v in fields.items()
        },
    }


_STAGES = {DEAL: ("NEW", "PREPARATION", "WON", "LOSE")}
_SPA_STAGES = ("NEW", "PREPARATION", "SUCCESS", "FAIL")


@st.composite
def _place(draw: st.DrawFn, shape: Shape, etid: int) -> dict[str, Any]:
    """A pipeline and one of its stages."""
    if etid not in shape.pipelines:
        return {}
    category = draw(st.sampled_from(shape.pipelines[etid]))
    if etid in shape.spas and shape.spas[etid]["isStagesEnabled"] == "N":
        return {"categoryId": category}
    stage = draw(st.sampled_from(_STAGES.get(etid, _SPA_STAGES)))
    prefix = f"DT{etid}_{category}:" if etid != DEAL else f"C{category}:" if category else ""
    return {"categoryId": category, "stageId": f"{prefix}{stage}"}


@st.composite
def _history(draw: st.DrawFn, shape: Shape, etid: int) -> dict[str, Any]:
    """Usually in order; an old portal also has what contradicts itself."""
    times = [draw(_moment(shape)) for _ in range(3)]
    if draw(st.integers(0, 3)):
        times.sort(key=datetime.fromisoformat)
    created, moved, updated = times
    found = {"createdTime": created, "updatedTime": updated}
    has_stages = etid in _MOVED or shape.spas.get(etid, {}).get("isStagesEnabled") == "Y"
    if has_stages:
        found |= {"movedTime": moved, "movedBy": draw(_users(shape))}
    people = ("createdBy", "updatedBy", "assignedById")
    return found | {name: draw(_users(shape)) for name in people}


_multifields = st.fixed_dictionaries(
    {
        "typeId": st.sampled_from(["PHONE", "EMAIL", "WEB", "IM", "LINK"]),
        "valueType": st.sampled_from(["WORK", "HOME", "OTHER"]),
        "value": st.one_of(
            st.sampled_from(["+49 30 1", "a@b.test", "0", " ", "https://x.test/?a=1&b=2"]),
            st.text(_characters, min_size=1, max_size=6),
        ),
    }
)


@st.composite
def _one_item(draw: st.DrawFn, shape: Shape, etid: int, item_id: int) -> dict[str, Any]:
    fields = {
        field["fieldName"]: _user_field_values(shape, field)
        for field in shape.user_fields
        if shape.type_of(field) == etid
    }
    optional = {**_system_fields(shape, etid), "opened": _yes_no}
    # Every second item or so holds a field: bare ones are as interesting as full ones.
    system = draw(st.fixed_dictionaries({}, optional=optional))
    item = {
        "id": item_id,
        **draw(_history(shape, etid)),
        **draw(_place(shape, etid)),
        **system,
        **draw(st.fixed_dictionaries(fields)),
    }
    if etid in _WITH_FM:
        item["fm"] = draw(st.lists(_multifields, max_size=3))
    return item


# --- portals --------------------------------------------------------------------------------------


@st.composite
def _ids(draw: st.DrawFn, most: int) -> tuple[int, ...]:
    # Numbers of different types meet, and have gaps.
    return tuple(sorted(draw(st.lists(st.integers(1, 40), max_size=most, unique=True))))


_moments = st.integers(_SINCE, _SINCE + 14 * 365 * 86_400).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


@st.composite
def source_seeds(draw: st.DrawFn, most_items: int = 4) -> Seed:
    """The seed of a source portal with up to so many items of each type."""
    spas = draw(_smart_processes())
    categories = draw(_categories(spas))
    users = draw(st.lists(st.sampled_from([17, 23, 31]), max_size=3, unique=True))
    currencies = draw(st.sampled_from([("EUR",), ("EUR", "USD")]))
    shape = Shape(
        offset=draw(st.sampled_from(_OFFSETS)),
        spas=spas,
        users=(_ADMIN, *users),
        currencies=currencies,
        pipelines={
            etid: tuple(row["id"] for row in categories if row["entityTypeId"] == etid)
            for etid in (DEAL, *spas)
        },
        user_fields=tuple(draw(_user_fields(spas))),
        ids={etid: draw(_ids(most_items)) for etid in (*SYSTEM, *spas)},
        moments=tuple(draw(st.lists(_moments, min_size=1, max_size=5))),
    )
    return {
        "portal": {
            "host": "old.bitrix24.test",
            "utc_offset": shape.offset,
            "webhooks": [{"user_id": _ADMIN, "secret": "sourcesecret0001"}],
        },
        "users": [_user(one) for one in shape.users],
        "currencies": [_currency(code) for code in currencies],
        "types": list(spas.values()),
        "categories": categories,
        "userFields": list(shape.user_fields),
        "items": {
            str(etid): [draw(_one_item(shape, etid, one)) for one in ids]
            for etid, ids in shape.ids.items()
        },
    }


def _user(user_id: int) -> dict[str, Any]:
    return {
        "ID": str(user_id),
        "NAME": f"User {user_id}",
        "EMAIL": f"u{user_id}@firm.test",
        "ACTIVE": user_id != 31,
        "ADMIN": user_id == _ADMIN,
        "IMPORT": True,
    }


def _currency(code: str) -> dict[str, Any]:
    is_base = "Y" if code == "EUR" else "N"
    return {"CURRENCY": code, "AMOUNT_CNT": "1", "AMOUNT": "1.0", "SORT": "1", "BASE": is_base}


@st.composite
def portal_pairs(draw: st.DrawFn, most_items: int = 4) -> PortalPair:
    """A source, and a twin as target: some people are missing, and items of others are there."""
    source = draw(source_seeds(most_items))
    target = twin_structure(
        source,
        utc_offset=draw(st.sampled_from(_OFFSETS)),
        rename_codes=draw(st.booleans()),
        host="new.bitrix24.test",
    )
    # The first user is the administrator; the twin lists people the other way round.
    staying = draw(st.integers(0, len(target["users"]) - 1))
    target["users"] = target["users"][staying:]
    target["items"] = draw(_items_of_others())
    return PortalPair(source, target)


@st.composite
def _items_of_others(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """What people have in the target already: whatever is older comes late."""
    types = draw(st.lists(st.sampled_from(SYSTEM), max_size=2, unique=True))
    return {str(etid): [{"id": 7, "createdTime": draw(_moments).isoformat()}] for etid in types}
