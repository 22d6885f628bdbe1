"""Who may call what: API keys in headers, or the cookie of a session in the back office."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    HTTPAuthorizationCredentials,
    HTTPBearer,
)

from shopsight.api.problems import ProblemError
from shopsight.api.workers import Workers
from shopsight.catalog.keys import ApiKey, KeyStore, Scope
from shopsight.catalog.sessions import Session, SessionStore, proof_of

COOKIE = "shopsight_session"
"""Name of the cookie of a session."""

PROOF_HEADER = "X-CSRF-Token"
"""Shows that a request with the cookie comes from our own page."""

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="shopsight"'}
_HOW = "Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`."
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="session", description="Of the back office."
)


def given_secret(
    bearer: Annotated[
        HTTPAuthorizationCredentials | None,
        Security(HTTPBearer(auto_error=False, scheme_name="bearer", description="An API key.")),
    ],
    header: Annotated[
        str | None, Security(APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="header"))
    ],
) -> str | None:
    """The secret that came with a request, if any."""
    return bearer.credentials if bearer else header


Secret = Annotated[str | None, Depends(given_secret)]
Token = Annotated[str | None, Security(_cookie)]


class Gate:
    """Decides who may pass.

    Args:
        keys: The keys there are.
        sessions: The sessions there are.
        workers: Threads for looking them up.
        search_needs_key: Whether search routes are closed too.
    """

    def __init__(
        self, keys: KeyStore, sessions: SessionStore, workers: Workers, *, search_needs_key: bool
    ) -> None:
        self.keys = keys
        self.sessions = sessions
        self._workers = workers
        self._search_needs_key = search_needs_key

    def admin(self) -> Callable[..., Awaitable[None]]:
        """A dependency of routes that only those who run the shop may call."""

        async def needs_admin_key(request: Request, secret: Secret, token: Token = None) -> None:
            name, scope = await self._who(request, secret, token)
            if scope is not Scope.ADMIN:
                raise ProblemError(403, "wrong_scope", f"The key {name!r} is for searching only.")

        return needs_admin_key

    def search(self) -> Callable[..., Awaitable[None]]:
        """A dependency of routes for shoppers: open, unless the settings close them."""

        async def needs_any_key(request: Request, secret: Secret, token: Token = None) -> None:
            # Searches change nothing, so the storefront needs no proof beside the cookie.
            await self._who(request, secret, token, prove=False)

        async def open_to_all(request: Request, secret: Secret) -> None:
            # A wrong key is refused even where none is needed: whoever sends one believes it
            # counts.
            if secret:
                await self._key(request, secret)

        return needs_any_key if self._search_needs_key else open_to_all

    async def session(self, token: str | None) -> Session | None:
        """The session of a cookie, if it is open."""
        return await self._workers.run(self.sessions.get, token) if token else None

    async def _who(
        self, request: Request, secret: str | None, token: str | None, *, prove: bool = True
    ) -> tuple[str, Scope]:
        if secret or not token:
            key = await self._key(request, secret)
            return key.name, key.scope
        session = await self.session(token)
        if session is None:
            raise ProblemError(
                401, "session_ended", "The session has ended: sign in again.", headers=_CHALLENGE
            )
        if prove:
            check_proof(request, token)
        request.state.trusted = session.scope is Scope.ADMIN
        return session.key_name, session.scope

    async def _key(self, request: Request, secret: str | None) -> ApiKey:
        if not secret:
            raise await self._missing()
        key = await self._workers.run(self.keys.verify, secret)
        if key is None:
            raise wrong_key()
        request.state.trusted = key.scope is Scope.ADMIN
        return key

    async def _missing(self) -> ProblemError:
        if await self._workers.run(self.keys.any):
            detail = f"This needs an API key. {_HOW}"
        else:
            detail = (
                f"This needs an API key. Make the first one: `shopsight keys create NAME`. {_HOW}"
            )
        return ProblemError(401, "no_key", detail, headers=_CHALLENGE)


def wrong_key() -> ProblemError:
    """The refusal of a secret that no key has."""
    return ProblemError(
        401, "wrong_key", "There is no such key, or it was revoked.", headers=_CHALLENGE
    )


def check_proof(request: Request, token: str) -> None:
    """Make sure that a request with a cookie that changes something comes from our own page.

    Raises:
        ProblemError: 403; it lacks the proof, or a browser says that another site sent it.
    """
    if request.method in _SAFE:
        return
    check_site(request)
    given = request.headers.get(PROOF_HEADER, "")
    if not hmac.compare_digest(given.encode(), proof_of(token).encode()):
        raise ProblemError(
            403,
            "no_proof",
            f"A request with the session's cookie needs the header {PROOF_HEADER}, "
            "whose value GET /v1/session tells.",
        )


def check_site(request: Request) -> None:
    """Turn requests away that a browser made for a page of another site.

    Raises:
        ProblemError: 403.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ProblemError(403, "other_site", "Another site's page may not do this.")
