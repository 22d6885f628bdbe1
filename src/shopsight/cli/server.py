"""Commands that serve: serve, demo, keys."""

from __future__ import annotations

from typing import Annotated

import typer

from shopsight.cli.common import (
    DataOption,
    JsonOption,
    open_shop,
    print_json,
    print_table,
    settings_of,
)

keys_app = typer.Typer(help="API keys.", no_args_is_help=True)

HostOption = Annotated[str | None, typer.Option(help="Address to listen on.")]
PortOption = Annotated[int | None, typer.Option(help="Port to listen on; 0: any free one.")]


def serve(
    context: typer.Context,
    host: HostOption = None,
    port: PortOption = None,
    data: DataOption = None,
) -> None:
    """Serve the pages and the REST API."""
    from shopsight.api.server import serve as run

    with open_shop(context, data, host=host, port=port) as shop:
        run(shop, on_listening=_print_address)


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Exit after the answers.")] = False,
    widget: Annotated[
        bool,
        typer.Option("--widget", help="Serve a shop with the widget, too, on the port after."),
    ] = False,
    host: HostOption = None,
    port: PortOption = None,
    data: DataOption = None,
) -> None:
    """Index the sample shop, answer three shopper photos, and serve the pages."""
    from contextlib import ExitStack

    from shopsight.cli.progress import ingest_progress
    from shopsight.cli.search import print_result
    from shopsight.sample_shop import ROOT, SAMPLE_PHOTOS

    settings = settings_of(context, data, host=host, port=port)
    with ExitStack() as stack:
        page = None
        if widget and not once:
            from shopsight.api.demo_shop import demo_shop

            beside = settings.port + 1 if settings.port else 0
            page = stack.enter_context(demo_shop(ROOT, settings.host, beside))
        origins = [*settings.cors_origins, page.address] if page else None
        options = {"host": host, "port": port, "cors_origins": origins}
        shop = stack.enter_context(open_shop(context, settings.data / "demo", **options))
        with ingest_progress() as progress:
            report = shop.index(ROOT / "catalog.csv", sync=True, progress=progress)
        counters = report.counters
        typer.echo(
            f"Sample shop: {counters.rows_read} products, {counters.images_encoded} pictures "
            f"encoded, {counters.images_unchanged} unchanged, in {report.seconds:.1f} s."
        )
        for photo in SAMPLE_PHOTOS[:3]:
            print_result(f"Photo {photo.name}", shop.search(photo, limit=5))
        if not once:
            from shopsight.api.server import serve as run

            def listening(address: str) -> None:
                _print_address(address)
                if page is not None:
                    page.search = address
                    typer.echo(f"A shop with the widget: {page.address}")

            run(shop, samples=SAMPLE_PHOTOS, on_listening=listening)


@keys_app.command("create")
def keys_create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        str, typer.Option(help="admin: everything; search: only what shoppers do.")
    ] = "admin",
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Make an API key. Its secret is shown once and stored nowhere."""
    from shopsight.catalog.keys import KeyStore

    with open_shop(context, data) as shop:
        key, secret = KeyStore(shop.database).create(name, scope)
    if json_output:
        print_json({**key.model_dump(mode="json"), "secret": secret})
    else:
        typer.echo(
            f"Key {key.id} ({key.scope}): keep this secret, it is not shown again:", err=True
        )
        typer.echo(secret)


@keys_app.command("list")
def keys_list(
    context: typer.Context, json_output: JsonOption = False, data: DataOption = None
) -> None:
    """List API keys, without their secrets."""
    from shopsight.catalog.keys import KeyStore

    with open_shop(context, data) as shop:
        keys = KeyStore(shop.database).list()
    if json_output:
        print_json([key.model_dump(mode="json") for key in keys])
        return
    rows = [
        [key.id, key.name, key.scope, _when(key.created_at), _when(key.last_used_at)]
        for key in keys
    ]
    columns = dict.fromkeys(("id", "name", "scope", "created", "last used"), "left")
    print_table(f"{len(keys)} keys", columns, rows)


@keys_app.command("revoke")
def keys_revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="Id, as `shopsight keys list` shows it.")],
    data: DataOption = None,
) -> None:
    """Make an API key worthless from now on."""
    from shopsight.catalog.keys import KeyStore

    with open_shop(context, data) as shop:
        KeyStore(shop.database).revoke(key_id)
    typer.echo(f"Key {key_id} is revoked.", err=True)


def _print_address(address: str) -> None:
    typer.echo(f"Serving at {address} (Ctrl-C ends it).")


def _when(seconds: float | None) -> str:
    import datetime as dt

    return (
        dt.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
        if seconds
        else "-"
    )
