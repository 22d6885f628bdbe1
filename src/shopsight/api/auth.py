"""Who may call what: API keys in the Authorization or X-API-Key header."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from shopsight.api.problems import ProblemError
from shopsight.api.workers import Workers
from shopsight.catalog.keys import ApiKey, KeyStore, Scope

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="shopsight"'}
_HOW = "Send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`."


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


class Gate:
    """Decides who may pass.

    Args:
        keys: The keys there are.
        workers: Threads for looking them up.
        search_needs_key: Whether search routes are closed too.
    """

    def __init__(self, keys: KeyStore, workers: Workers, *, search_needs_key: bool) -> None:
        self._keys = keys
        self._workers = workers
        self._search_needs_key = search_needs_key

    def admin(self) -> Callable[..., Awaitable[None]]:
        """A dependency of routes that only those who run the shop may call."""

        async def needs_admin_key(request: Request, secret: Secret) -> None:
            key = await self._key(request, secret)
            if key.scope is not Scope.ADMIN:
                raise ProblemError(
                    403, "wrong_scope", f"The key {key.name!r} is for searching only."
                )

        return needs_admin_key

    def search(self) -> Callable[..., Awaitable[None]]:
        """A dependency of routes for shoppers: open, unless the settings close them."""

        async def needs_any_key(request: Request, secret: Secret) -> None:
            await self._key(request, secret)

        async def open_to_all(request: Request, secret: Secret) -> None:
            # A wrong key is refused even where none is needed: whoever sends one believes it
            # counts.
            if secret:
                await self._key(request, secret)

        return needs_any_key if self._search_needs_key else open_to_all

    async def _key(self, request: Request, secret: str | None) -> ApiKey:
        if not secret:
            raise await self._missing()
        key = await self._workers.run(self._keys.verify, secret)
        if key is None:
            raise ProblemError(
                401, "wrong_key", "There is no such key, or it was revoked.", headers=_CHALLENGE
            )
        request.state.trusted = key.scope is Scope.ADMIN
        return key

    async def _missing(self) -> ProblemError:
        if await self._workers.run(self._keys.any):
            detail = f"This needs an API key. {_HOW}"
        else:
            detail = (
                f"This needs an API key. Make the first one: `shopsight keys create NAME`. {_HOW}"
            )
        return ProblemError(401, "no_key", detail, headers=_CHALLENGE)
