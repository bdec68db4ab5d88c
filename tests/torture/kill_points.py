"""Points of the write path at which a process can be killed, counted from the outside.

Nothing of the product knows about them: commits are heard of through SQLAlchemy, requests through
urllib3. A point is one of

- before and after each commit of a writing transaction,
- before each request to the target, when it has left this process, and when its answer is there.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import urllib3.connection
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection
    from sqlalchemy.engine.interfaces import PoolProxiedConnection


class CommitPoints:
    """Hears of each commit of a writing transaction, before and after it, from any engine."""

    def __init__(self, reach: Callable[[str], None]) -> None:
        self._reach = reach
        self._is_writing = False
        dialect: Any = DefaultDialect
        self._commit: Callable[..., None] = dialect.do_commit

    @contextmanager
    def heard(self) -> Iterator[None]:
        self.install()
        try:
            yield
        finally:
            event.remove(Engine, "commit", self._before_commit)
            dialect: Any = DefaultDialect
            dialect.do_commit = self._commit

    def install(self) -> None:
        event.listen(Engine, "commit", self._before_commit)
        commit, dialect = self._commit, DefaultDialect

        def do_commit(own: DefaultDialect, connection: PoolProxiedConnection) -> None:
            commit(own, connection)
            if self._is_writing:
                self._is_writing = False
                self._reach("after commit")

        dialect.do_commit = do_commit  # type: ignore[method-assign]  # heard from outside

    def _before_commit(self, connection: Connection) -> None:
        purpose = connection.get_execution_options().get("purpose", "read")
        self._is_writing = purpose != "read"
        if self._is_writing:
            self._reach("before commit")


class KillPoints:
    """Counts points; at number `kill_at` the process ends as if its plug was pulled."""

    def __init__(self, kill_at: int | None, log: int) -> None:
        self._kill_at = kill_at
        self._log = log
        self._count = 0
        self._asked = ""

    def reach(self, what: str) -> None:
        self._count += 1
        os.write(self._log, f"{what}\n".encode())
        if self._count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self, target_port: int) -> None:
        """Hear of every commit and of every request to the target from now on."""
        CommitPoints(self.reach).install()
        connection: Any = urllib3.connection.HTTPConnection
        connection.request = self._around_request(connection.request, target_port)
        connection.getresponse = self._around_response(connection.getresponse, target_port)

    def _around_request(self, request: Callable[..., None], port: int) -> Callable[..., None]:
        def wrapped(own: Any, method: str, url: str, *args: Any, **options: Any) -> None:
            if own.port != port:
                request(own, method, url, *args, **options)
                return
            self._asked = _name(url)
            self.reach(f"before {self._asked}")
            request(own, method, url, *args, **options)
            self.reach(f"sent {self._asked}")

        return wrapped

    def _around_response(self, receive: Callable[..., Any], port: int) -> Callable[..., Any]:
        def wrapped(own: Any) -> Any:
            response = receive(own)
            if own.port == port:
                self.reach(f"answered {self._asked}")
            return response

        return wrapped


def _name(url: str) -> str:
    """The method alone: the rest of the path is the webhook's secret."""
    return url.partition("?")[0].rsplit("/", 1)[1]
