"""The portal on a loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import signal
import socket
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from migrator.sandbox import faulty_answers, files, php, request_log
from migrator.sandbox.faults import FaultPlan, read_rules
from migrator.sandbox.store import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from migrator.sandbox.portal import Portal, Reply

#: Room for a batchImport with files (b24restdocs limits.md allows 2 GB).
_MOST_BYTES = 512 * 1024 * 1024
#: How long stopping waits for requests that are still being paid for.
_PATIENCE_SECONDS = 0.1
_GATEWAY_TIMEOUT = (
    "<html><head><title>504 Gateway Time-out</title></head>"
    "<body><center><h1>504 Gateway Time-out</h1></center></body></html>"
)
_NOT_THERE = (
    "<html><head><title>404 Not Found</title></head>"
    "<body><center><h1>404 Not Found</h1></center><hr><center>nginx</center></body></html>"
)


class PortalServer:
    """Serves one portal from a daemon thread.

    Requests are executed one at a time; the seconds they cost are waited for side by side.
    """

    def __init__(
        self,
        portal: Portal,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: FaultPlan | None = None,
    ) -> None:
        self._portal = portal
        self._host = host
        self._port = port
        #: what goes wrong from now on; the seed's plan unless another one is given
        self.faults = faults if faults is not None else FaultPlan(portal.settings.faults)
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None
        self._site: web.BaseSite | None = None
        self._outage: asyncio.Task[None] | None = None

    @property
    def origin(self) -> str:
        return f"http://{self._host}:{self._port}"

    def webhook_url(self, user_id: int | None = None) -> str:
        """The webhook of a user; of the first one configured when no user is named."""
        hook = self._portal.webhook_of(user_id)
        return f"{self.origin}/rest/{hook.user_id}/{hook.secret}/"

    def start(self) -> Self:
        try:
            self._loop.run_until_complete(self._open())
        except OSError:
            self._loop.run_until_complete(self._close())
            self._loop.close()
            raise
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="sandbox-portal", daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = None
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _open(self) -> None:
        self._runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=_PATIENCE_SECONDS
        )
        await self._runner.setup()
        await self._listen(self._runner)
        address = self._runner.addresses[0]
        self._port = int(address[1])
        self._portal.origin = self.origin

    async def _listen(self, runner: web.AppRunner) -> None:
        self._site = web.TCPSite(runner, self._host, self._port)
        await self._site.start()

    async def _be_down(self, seconds: float) -> None:
        """Refuse every connection for a while, as a host without a server does."""
        if self._runner is None or self._site is None:
            return
        await self._site.stop()
        for connection in list(self._runner.server.connections if self._runner.server else ()):
            if connection.transport is not None:
                connection.transport.abort()
        # Bound but not listening: nobody else on this machine is given the port meanwhile.
        with socket.socket() as placeholder:
            placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            placeholder.bind((self._host, self._port))
            await asyncio.sleep(seconds)
        await self._listen(self._runner)

    def _go_down(self, seconds: float) -> None:
        self._outage = self._loop.create_task(self._be_down(seconds))

    async def _close(self) -> None:
        if self._outage is not None:
            self._outage.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_route("*", "/rest/{user}/{secret}/{method}", self._answer)
        app.router.add_route("*", "/rest/{user}/{secret}/{method}/", self._answer)
        app.router.add_get("/sandbox/losses", self._losses)
        app.router.add_get("/sandbox/requests", self._requests)
        app.router.add_get("/sandbox/state", self._state)
        app.router.add_post("/sandbox/reset-log", self._reset_log)
        app.router.add_get("/sandbox/faults", self._show_faults)
        app.router.add_post("/sandbox/faults", self._set_faults)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"].removesuffix(".json")
        params = await read_params(request)
        user, secret = request.match_info["user"], request.match_info["secret"]

        if method.lower() == files.DOWNLOAD.lower() and not files.may_download(request.headers):
            return _hidden_file()

        def execute(executed: dict[str, Any]) -> Reply:
            return self._portal.handle(method, executed, php.to_int(user), secret)

        fault = self.faults.next(method)
        if fault is not None:
            exchange = faulty_answers.Exchange(
                request, params, execute, self._deliver, self._go_down
            )
            return await faulty_answers.answer(fault, exchange)
        return await self._deliver(execute(params))

    async def _deliver(self, reply: Reply) -> web.StreamResponse:
        longest = self._portal.settings.request_time_limit_seconds
        if reply.seconds > longest:
            # The request is cut off, its effects stay (b24restdocs limits.md;
            # bitrix24/b24jssdk#24). Status and body are not documented.
            await asyncio.sleep(longest)
            return web.Response(status=504, text=_GATEWAY_TIMEOUT, content_type="text/html")
        if reply.seconds:
            await asyncio.sleep(reply.seconds)
        result = reply.body.get("result")
        if isinstance(result, StoredFile):
            return _file_response(result)
        return _json(reply.body, reply.http_status)

    async def _losses(self, request: web.Request) -> web.Response:
        _require_loopback(request)
        losses = [loss.as_dict() for loss in self._portal.losses]
        kinds = Counter(loss.kind for loss in self._portal.losses)
        return _json({"total": len(losses), "by_kind": kinds, "losses": losses})

    async def _requests(self, request: web.Request) -> web.Response:
        _require_loopback(request)
        return _json(request_log.count(self._portal.requests))

    async def _state(self, request: web.Request) -> web.Response:
        _require_loopback(request)
        portal = self._portal
        counts = {str(etid): len(portal.table(etid).ids) for etid in portal.entity_type_ids()}
        body = {"items": counts, "automation_runs": len(portal.automation_runs)}
        return _json({"host": portal.settings.host, **body})

    async def _reset_log(self, request: web.Request) -> web.Response:
        _require_loopback(request)
        with self._portal.lock:
            self._portal.losses.clear()
            self._portal.requests.clear()
            self._portal.automation_runs.clear()
        return _json({"ok": True})

    async def _show_faults(self, request: web.Request) -> web.Response:
        _require_loopback(request)
        return _json(self.faults.as_dict())

    async def _set_faults(self, request: web.Request) -> web.Response:
        """Replace the plan; every rule counts its calls from now on."""
        _require_loopback(request)
        try:
            self.faults = FaultPlan(read_rules(json.loads(await request.text())))
        except (ValueError, TypeError) as error:
            return _json({"error": "INVALID_FAULT_PLAN", "error_description": str(error)}, 400)
        return _json(self.faults.as_dict())


def _require_loopback(request: web.Request) -> None:
    """The control addresses know no secret, so they answer this machine alone."""
    if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104
        raise web.HTTPForbidden


def _json(body: Any, status: int = 200) -> web.Response:
    text = json.dumps(body, default=str)
    return web.Response(status=status, text=text, content_type="application/json")


def _hidden_file() -> web.Response:
    """A file's name and a page without it (.../how-to-call-rest-api/general-principles.md)."""
    headers = {"Content-Disposition": files.content_disposition("file")}
    return web.Response(status=404, text=_NOT_THERE, content_type="text/html", headers=headers)


def _file_response(found: StoredFile) -> web.Response:
    return web.Response(
        body=found.content,
        content_type="application/octet-stream",
        headers={"Content-Disposition": files.content_disposition(found.name)},
    )


async def read_params(request: web.Request) -> dict[str, Any]:
    """Parameters of the query string and of a JSON, form or multipart body, nested as in PHP."""
    params = php.parse_query(request.query_string)
    if request.content_type == "application/json":
        body = await request.text()
        try:
            sent = json.loads(body) if body else {}
        except json.JSONDecodeError:
            sent = {}
        return params | (sent if isinstance(sent, dict) else {})
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        return params | php.nest([(key, _form_value(value)) for key, value in form.items()])
    return params


def _form_value(value: Any) -> Any:
    return value.file.read().decode(errors="replace") if isinstance(value, web.FileField) else value


def serve(
    portal: Portal,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[PortalServer], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then close the port and return.

    `on_ready` is called once the port is open, which is when its number is known.
    """
    stopped = threading.Event()
    handlers = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        with PortalServer(portal, host, port) as server:
            if on_ready is not None:
                on_ready(server)
            # In slices: a bare wait would keep signals from being handled on some platforms.
            while not stopped.wait(timeout=1):
                pass
    finally:
        for number, handler in handlers.items():
            with contextlib.suppress(ValueError):
                signal.signal(number, handler)
