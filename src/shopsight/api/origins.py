"""Cross-origin calls, allowed to origins that may change while the server runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from shopsight.catalog.shop_settings import ShopSettings
from shopsight.errors import StorageError

log = logging.getLogger(__name__)


class Origins:
    """Origins whose pages may call the API: those of the environment, and the back office's.

    Args:
        fixed: Those of the environment.
        settings: Keeps the others.
    """

    def __init__(self, fixed: Iterable[str], settings: ShopSettings) -> None:
        self.fixed = frozenset(fixed)
        self._settings = settings
        self._added: frozenset[str] = frozenset()

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin may call. Asks no database."""
        return origin in self.fixed or origin in self._added or "*" in self.fixed

    def refresh(self) -> None:
        """See what was set since, here or by another server."""
        try:
            self._added = frozenset(self._settings.origins())
        except StorageError as error:
            log.warning("The origins that may call cannot be read now: %s", error)


class ChangingCors(CORSMiddleware):
    """CORS for origins that a function knows.

    Args:
        app: The application.
        allows: Whether pages of an origin may call.
    """

    def __init__(self, app: ASGIApp, allows: Callable[[str], bool]) -> None:
        super().__init__(
            app,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type"],
            expose_headers=["X-Request-ID", "Retry-After", "Location"],
            max_age=600,
        )
        self._allows = allows

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether pages of an origin may call."""
        return self._allows(origin)
