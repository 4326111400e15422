"""HTTP as uvicorn speaks it, but for small requests for scores, which never become an ASGI scope."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from estate.core.errors import DataError
from serving.guard.guard import Admission, presented_key
from serving.problems import Problem
from serving.request_id import HEADER as REQUEST_ID
from serving.request_id import request_id_of
from serving.slow_clients import HeadDeadline

if TYPE_CHECKING:
    from serving.hot.way import Way
    from serving.hot.ways import Ways

MOST_BYTES = 16 * 1024
"""Of a body that is answered at once; a larger one goes the usual way."""
_JSON = frozenset(
    {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}
)
_SPECIAL = frozenset(
    {
        b"content-encoding",
        b"transfer-encoding",
        b"expect",
        b"upgrade",
        b"x-timeout-ms",
        b"x-priority",
        b"traceparent",
    }
)


class HotProtocol(HeadDeadline):
    """One connection.

    A request of the short way is held back from uvicorn until its body is there; if it turns out to be no
    ordinary one, uvicorn gets it as if it had come that moment.
    """

    def __init__(self, ways: Callable[[], Ways], **known: Any) -> None:
        super().__init__(**known)
        self._ways = ways()
        self._front = self._ways.process.front
        self._admission: Admission | None = None
        self._request_id: bytes | None = None
        self._way: Way | None = None
        self._body = b""
        self._asked = False  # a request of the short way waits for its answer
        self._last = False  # the connection ends with that answer
        self._charged = 0  # rows of the request that waits, counted against its caller's rate
        self.idle_since: float | None = None

    def on_message_begin(self) -> None:
        """Begin a request; one before it on this connection is answered first."""
        if self._asked and self._way is not None:
            self._way.flush()
        if self._asked and self._way is not None:  # about leads: uvicorn keeps the order of both
            self._way.give_back(self)
        self._way, self.idle_since = None, None
        self.waiting_since = self.loop.time()
        self.url, self.headers = b"", []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Choose the way."""
        self._way = self._short_way()
        if self._way is None:
            self._begin()
        else:
            self._body = b""

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._way is None:
            super().on_body(body)
            return
        self._body = self._body + body if self._body else body
        if len(self._body) > MOST_BYTES:
            self._way = None
            self._begin()
            super().on_body(self._body)

    def on_message_complete(self) -> None:
        """Ask, now that all is there."""
        if self._way is None:
            super().on_message_complete()
            return
        self._asked, self.waiting_since, self._charged = True, None, 0
        if not self._way.take(self, self._body):
            self.hand_over()

    def charge(self, rows: int) -> bool:
        """Take rows from what the caller may have; False where that is too much."""
        if self._admission is None or self._admission.rate is None:
            return True
        try:
            self._front.guard.spend(self._admission, rows)
        except Problem:
            return False
        self._charged = rows
        return True

    @property
    def key_name(self) -> str:
        """Name of the key that the request came with; empty without one."""
        return self._admission.name if self._admission is not None else ""

    def wait(self) -> None:
        """Hear no further request until this one is answered."""
        self.flow.pause_reading()

    def answer(self, head: bytes, body: bytes) -> str:
        """Send an answer; returns the request's id."""
        self._asked = False
        request = request_id_of(self._request_id)
        if self.transport is None or self.transport.is_closing():
            return request
        self.server_state.total_requests += 1
        self.transport.write(b"%bx-request-id: %b\r\n\r\n%b" % (head, request.encode(), body))
        self.idle_since = self.loop.time()
        self._go_on()
        return request

    def hand_over(self) -> None:
        """Let the application answer the request that is held back, unless it has its answer."""
        if not self._asked:
            return
        self._asked = False
        self._way = None
        if self._admission is not None and self._charged:  # the application counts by itself
            self._front.guard.refund(self._admission, self._charged)
            self._charged = 0
        if self.transport is None or self.transport.is_closing():
            return
        self._begin()
        super().on_body(self._body)
        super().on_message_complete()
        self._go_on()

    def send_400_response(self, msg: str) -> None:
        """Say that something is no HTTP, and close; what came before it is answered."""
        if self._asked and self._way is not None:
            self._way.flush()
        error = DataError("request", expected="HTTP/1.1", got=msg.rstrip("."))
        body = bytes(Problem(400, error).response().body)
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def shutdown(self) -> None:
        """Close, once what was sent before is read and answered."""
        # One turn of the loop lies between these two: it reads what the kernel has got by now.
        self.loop.call_soon(self.loop.call_soon, self._end)

    def _end(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self._way is not None:
            if self._asked:
                self._way.flush()
                if self._asked:  # about leads: the answer is on its way
                    self._last = True
                    return
            elif self.idle_since is None:  # the rest of a body is on its way: the application waits for it
                self._way = None
                self._begin()
                super().on_body(self._body)
        super().shutdown()

    def _go_on(self) -> None:
        """Hear again, or end where the answer was to be the last one."""
        self.flow.resume_reading()
        if self._last:
            super().shutdown()

    def _short_way(self) -> Way | None:
        """Return the short way if this may go it, as far as the head tells."""
        if self.flow.write_paused or self.parser.get_method() != b"POST":
            return None
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy or not self.parser.should_keep_alive():
            return None
        way = self._ways.find(self.url)
        return way if way is not None and self._is_plain() and self._may_ask() else None

    def _is_plain(self) -> bool:
        """Whether nothing in the head asks for more than JSON in, JSON out."""
        is_json, self._request_id = False, None
        for name, value in self.headers:
            if name == b"content-type":
                is_json = value in _JSON
            elif name == REQUEST_ID:
                self._request_id = value
            elif name in _SPECIAL or (name == b"content-length" and len(value) > 5):
                return False
        return is_json and not self._front.watches_each

    def _may_ask(self) -> bool:
        """Whether the guard lets the caller in; if not, the application says why."""
        guard = self._front.guard
        if guard.open:
            self._admission = None
            return True
        known = dict(self.headers)
        presented = presented_key(known.get(b"authorization"), known.get(b"x-api-key"))
        try:
            self._admission = guard.identify(presented)
        except Problem:
            return False
        return True

    def _begin(self) -> None:
        """Begin the request that is held back as uvicorn would have."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()


def hot_protocol(ways: Callable[[], Ways]) -> Any:
    """Return what uvicorn makes its connections of.

    Parameters
    ----------
    ways : callable
        Returns the short ways.
    """
    return partial(HotProtocol, ways)
