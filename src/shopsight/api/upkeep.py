"""What a server does by itself: it loads the encoder, and keeps the index fresh and fast."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from shopsight.errors import BusyError, ShopsightError
from shopsight.wiring import Shop

log = logging.getLogger(__name__)


class Upkeep:
    """A thread that warms the shop up, then refreshes, calibrates and optimises what has changed.

    Nothing that fails in here ends the server: it is logged and tried again.

    Args:
        shop: The shop that is served.
        also: What else is to be done now and then.
        writing: Whether a job runs here: calibration waits until the catalogue is at rest.
    """

    def __init__(
        self,
        shop: Shop,
        *,
        also: Callable[[], None] = lambda: None,
        writing: Callable[[], bool] = lambda: False,
    ) -> None:
        self._shop = shop
        self._also = also
        self._writing = writing
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._trouble: ShopsightError | None = None
        self._thread = threading.Thread(target=self._work, name="upkeep", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether the encoder was loaded and has encoded its first picture."""
        return self._ready.is_set()

    @property
    def trouble(self) -> ShopsightError | None:
        """Why the shop could not be warmed up at the last attempt."""
        return self._trouble

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, timeout_s: float = 30) -> None:
        """Stop soon."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _work(self) -> None:
        settings = self._shop.settings
        while not self._warm():
            if self._closing.wait(settings.refresh_every_s):
                return
        optimized = time.monotonic()
        seen = self._mark()
        while not self._closing.wait(settings.refresh_every_s):
            self._refresh()
            if not self._writing():
                self._calibrate()
            self._also()
            if time.monotonic() - optimized >= settings.optimize_every_s:
                optimized = time.monotonic()
                if self._mark() != seen:
                    self._optimize()
                    seen = self._mark()

    def _warm(self) -> bool:
        started = time.monotonic()
        try:
            self._shop.warm()
        except ShopsightError as error:
            if str(error) != str(self._trouble):
                log.error("The server is not ready: %s", error)  # noqa: TRY400 - the message says it all
            self._trouble = error
            return False
        except Exception:
            log.exception("The server is not ready")
            return False
        self._trouble = None
        self._ready.set()
        log.info("Ready after %.2f s", time.monotonic() - started)
        return True

    def _mark(self) -> object:
        """Something that differs once the index was written."""
        try:
            info = self._shop.index_info()
        except ShopsightError:
            return None
        return info.manifest.name, info.health

    def _refresh(self) -> None:
        try:
            self._shop.refresh()
        except Exception:
            log.exception("What other processes wrote cannot be seen now; looking again soon")

    def _calibrate(self) -> None:
        try:
            self._shop.calibrate_if_due()
        except Exception:
            if self._closing.is_set():
                log.debug("Confidence was not fitted: the shop is being closed.")
            else:
                log.exception("Confidence cannot be fitted now; trying again soon")

    def _optimize(self) -> None:
        try:
            self._shop.optimize()
        except BusyError:
            log.debug("The index is being written; it is optimised later.")
        except Exception:
            log.exception("The index cannot be optimised now; trying again later")
