"""Addresses of product pictures: the feed's, or on this server where only it has the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from shopsight.catalog.product import Product
from shopsight.catalog.store import ImageState
from shopsight.errors import DecodeError, NotFoundError
from shopsight.images.sniff import sniff
from shopsight.wiring import Shop

_HEAD_BYTES = 2048


def picture_path(product_id: str, position: int, *, root: str = "") -> str:
    """Path on this server of a product's picture.

    Args:
        product_id: Any id, however odd its characters.
        position: 0 for the main picture.
        root: Path under which the application is mounted.
    """
    return f"{root}/v1/products/{quote(product_id, safe='')}/images/{position}"


def is_remote(link: str) -> bool:
    """Whether a link leads to the web."""
    return link.lower().startswith(("http://", "https://"))


def shown(product: Product, *, root: str = "") -> Product:
    """A product as callers see it: local files of the shop are addresses on this server."""
    links = product.image_links
    if all(map(is_remote, links)):
        return product
    addresses = {
        link: link if is_remote(link) else picture_path(product.id, position, root=root)
        for position, link in enumerate(links)
    }
    return _with_links(
        product,
        [addresses[product.image_link], *map(addresses.__getitem__, product.additional_image_link)],
    )


def meant(product: Product, stored: Product | None, *, root: str = "") -> Product:
    """The reverse of :func:`shown`: a product that was read and sent back keeps its files."""
    if stored is None:
        return product
    links = {
        picture_path(stored.id, position, root=root): link
        for position, link in enumerate(stored.image_links)
    }
    if not any(link in links for link in product.image_links):
        return product
    every = (product.image_link, *product.additional_image_link)
    return _with_links(product, [links.get(link, link) for link in every])


def is_kept(state: ImageState) -> bool:
    """Whether a picture's file was read and found to be a picture when the feed was indexed.

    Only then may it be shown. A feed can name any path, such as that of a file with passwords; what
    was refused or could not be decoded is remembered too, but with an error.
    """
    return state.content_hash is not None and state.error is None


def local_file(state: ImageState) -> tuple[Path, str]:
    """File of a picture that is on this machine, and its media type.

    Raises:
        NotFoundError: It was never a picture of the index, is gone, or is no picture any more.
    """
    path = Path(state.location)
    try:
        if is_kept(state):
            with path.open("rb") as file:
                return path, f"image/{sniff(file.read(_HEAD_BYTES)).lower()}"
    except (OSError, DecodeError) as error:
        raise _no_file(state) from error
    raise _no_file(state)


def picture_bytes(shop: Shop, product_id: str, position: int) -> bytes:
    """Bytes of a product's picture, wherever it is.

    Raises:
        NotFoundError: There is no such picture.
        FetchError: It is on the web and cannot be had.
    """
    state = shop.image(product_id, position)
    if is_remote(state.location):
        return shop.fetch_image(state.location)
    path, _ = local_file(state)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _no_file(state) from error


def _no_file(state: ImageState) -> NotFoundError:
    return NotFoundError(
        f"The file of picture {state.position} of product {state.product_id!r} cannot be had."
    )


def _with_links(product: Product, links: Sequence[str]) -> Product:
    return product.model_copy(
        update={"image_link": links[0], "additional_image_link": tuple(links[1:])}
    )
