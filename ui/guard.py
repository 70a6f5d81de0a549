"""Protection of the pages: who may read and post, how much, and what a page may load."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from mull.engine.errors import MullError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 8 << 20
"""Most bytes of a request."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load. It excludes scripts and styles in the page itself."""
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
TOKEN_HEADER = "x-mull-token"


class Guard:
    """ASGI middleware that answers only this machine's browser, with the token of ``solve ui``.

    * ``Host`` must be an address of this machine: another name may be one that an attacker's server resolves to
      127.0.0.1 (DNS rebinding).
    * ``Origin`` and ``Sec-Fetch-Site``, where a browser sends them, must be those of the pages themselves.
    * The address with the token sets a cookie; every request needs it, so that other users of the machine read nothing.
    * A request that is not GET or HEAD also needs the token in a header, which no form of another page can set.

    Args:
        app: the pages.
        token: a secret.
        port: of the server.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self.app, self.token = app, token
        self.cookie = f"mull-{port}"
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a permitted request on, or answer it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        response = self._refusal(headers) or self._entrance(scope, headers) or self._unknown(scope, headers)
        if response is not None:
            await response(scope, receive, _guarded(send))
            return
        if int(headers.get("content-length") or 0) > LARGEST_BODY:
            await _text(413, f"more than {LARGEST_BODY >> 20} MB")(scope, receive, _guarded(send))
            return
        await self.app(scope, _limited(receive), _guarded(send))

    def _refusal(self, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if host not in self.hosts:
            return _text(421, "this server answers to 127.0.0.1 and localhost only")
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            return _text(403, "requests of other pages are refused")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return _text(403, "requests of other pages are refused")
        if not (headers.get("content-length") or "0").isdigit():
            return _text(400, "the length of the request is not a number")
        return None

    def _entrance(self, scope: Scope, headers: Headers) -> Response | None:
        """Set the cookie where the address has the token, and redirect to the address without it."""
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if scope["method"] != "GET" or not self._is_token(given):
            return None
        response = RedirectResponse(scope["path"] if scope["path"].startswith("/runs/") else "/", 303)
        response.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
        return response

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        # ``http.cookies`` raises errors for malformed cookies.
        if not self._is_token(cookie_parser(headers.get("cookie", "")).get(self.cookie, "")):
            return _text(403, "open the address that `solve ui` printed: it contains a token")
        if scope["method"] not in ("GET", "HEAD") and not self._is_token(headers.get(TOKEN_HEADER, "")):
            return _text(403, "the request has no token: load the page again")
        return None

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.token.encode())


class TooLarge(MullError):
    """The body of a request has more than ``LARGEST_BODY`` bytes."""


def _limited(receive: Receive) -> Receive:
    """The same stream of messages, which ends with ``TooLarge`` after ``LARGEST_BODY`` bytes."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > LARGEST_BODY:
            raise TooLarge(f"the request has more than {LARGEST_BODY} bytes", "send a smaller file")
        return message

    return limited


def _guarded(send: Send) -> Send:
    """The same sending, with ``HEADERS`` on every response that has no own value of them."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return guarded


def _text(status: int, text: str) -> Response:
    return PlainTextResponse(f"{text}\n", status)
