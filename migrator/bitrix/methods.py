"""Which methods only read: they may be repeated and batched, and a reading client may send them."""

from __future__ import annotations

_READING = frozenset(
    {"app.info", "batch", "methods", "profile", "scope", "server.time", "user.admin"}
)
_READING_ENDINGS = (
    ".list",
    ".get",
    ".fields",
    ".types",
    ".current",
    ".search",
    ".gettypes",
    ".getbyentitytypeid",
    ".getfile",
    ".entity.items",
)
#: Ends like a reading method, but takes the events it returns out of the queue.
_WRITING = frozenset({"event.offline.get"})


def is_write(method: str) -> bool:
    """Whether a method may change the portal; one that is not known to read is taken to write."""
    name = method.lower().removesuffix(".json")
    if name in _WRITING:
        return True
    reads = name in _READING or name.startswith("crm.enum.") or name.endswith(_READING_ENDINGS)
    return not reads
