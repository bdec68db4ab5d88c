"""Keeps the webhook's secret, which is part of every URL, out of what the HTTP libraries log."""

from __future__ import annotations

import logging
import re

_SECRET_IN_PATH = re.compile(r"(/rest/[0-9]+/)[^/\s\"'?]+")
_SECRET_IN_QUERY = re.compile(r"((?:auth|token)=)[^&\s\"']+")

#: A filter works only on the logger that makes the record, hence each of them by name.
_LOGGERS = (
    "requests",
    "urllib3",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)


class _Redaction(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        text = _SECRET_IN_PATH.sub(r"\1***", record.getMessage())
        record.msg = _SECRET_IN_QUERY.sub(r"\1***", text)
        record.args = None
        # An exception of these libraries repeats the URL in its own text.
        record.exc_info = record.exc_text = None
        return True


_REDACTION = _Redaction()


def redact_http_logs() -> None:
    """Idempotent: the same filter is added to a logger once."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_REDACTION)
