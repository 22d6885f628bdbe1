"""A small shop that is not Shopsight's, on an origin of its own: it shows the widget at work.

Its pages are as strict as a browser can make them, and name the search server only where the widget
needs it; ``docs/widget.md`` explains the policy.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from string import Template

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from shopsight.api.server import address_of, listen, running

_PAGES = Path(__file__).resolve().parents[1] / "web" / "demo_shop"
_FIELDS = (
    *("id", "title", "title_zh", "description", "description_zh"),
    *("image_link", "price", "sale_price", "brand"),
)


class DemoShop:
    """The shop's page and files.

    Args:
        goods: Folder of a shop as the sample shop is: ``catalog.csv`` and ``images``.
        address: Where its page is.

    Attributes:
        address: The same.
        search: Address of the Shopsight server; to be set before pages are asked for.
    """

    def __init__(self, goods: Path, address: str) -> None:
        self.address = address
        self.search = ""
        with (goods / "catalog.csv").open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            self._goods = [{name: row[name] for name in _FIELDS} for row in rows]
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/catalog.json", self._catalog),
                Mount("/images", StaticFiles(directory=goods / "images")),
                Mount("/", StaticFiles(directory=_PAGES)),
            ]
        )

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of its page."""
        search = self.search
        return (
            f"default-src 'none'; script-src 'self' {search}/widget.js; style-src 'self'; "
            f"connect-src 'self' {search}/v1/; img-src 'self' {search}/v1/products/; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )

    async def _page(self, _: Request) -> HTMLResponse:
        template = Template((_PAGES / "index.html").read_text(encoding="utf-8"))
        headers = {
            "Content-Security-Policy": self.policy,
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(self)",
            "Cache-Control": "no-cache",
        }
        html = template.substitute(widget=escape(f"{self.search}/widget.js"))
        return HTMLResponse(html, headers=headers)

    async def _catalog(self, _: Request) -> JSONResponse:
        return JSONResponse(self._goods)


@contextmanager
def demo_shop(goods: Path, host: str = "127.0.0.1", port: int = 0) -> Iterator[DemoShop]:
    """Serve such a shop from a thread of this process.

    Args:
        goods: See :class:`DemoShop`.
        host: Address to listen on.
        port: Port; 0: any free one.

    Yields:
        The shop, to be told where the search is.

    Raises:
        SettingsError: The address cannot be listened on.
    """
    listener = listen(host, port)
    shop = DemoShop(goods, address_of(listener))
    config = uvicorn.Config(
        shop.app, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False
    )
    with running(uvicorn.Server(config), listener):
        yield shop
