"""Addresses of product pictures: the feed's, or on this server where only it has the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from shopsight.api.models import PictureModel, ShownProduct, ThumbnailModel
from shopsight.catalog.product import Product
from shopsight.catalog.store import ImageState, ProductState
from shopsight.errors import DecodeError, NotFoundError
from shopsight.images.sniff import sniff
from shopsight.images.thumbnails import thumbnail_size
from shopsight.wiring import Shop

HASH_DIGITS = 16
"""Hex digits of a picture's hash that name it in addresses."""

_HEAD_BYTES = 2048
_USUAL_WIDTH = 320


def picture_path(product_id: str, position: int, *, root: str = "") -> str:
    """Path on this server of a product's picture.

    Args:
        product_id: Any id, however odd its characters.
        position: 0 for the main picture.
        root: Path under which the application is mounted.
    """
    return f"{root}/v1/products/{quote(product_id, safe='')}/images/{position}"


def thumbnail_of(
    product_id: str,
    position: int,
    digest: str,
    size: tuple[int, int] | None,
    *,
    root: str = "",
) -> ThumbnailModel:
    """The usual thumbnail of a picture.

    Args:
        product_id: Whose picture it is.
        position: 0 for the main picture.
        digest: SHA-256 of the picture, in hex.
        size: Its width and height, where they are known.
        root: Path under which the application is mounted.
    """
    path = picture_path(product_id, position, root=root)
    width, height = (None, None) if size is None else thumbnail_size(size, _USUAL_WIDTH)
    return ThumbnailModel.model_construct(
        url=f"{path}?width={_USUAL_WIDTH}&v={digest[:HASH_DIGITS]}", width=width, height=height
    )


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


def with_pictures(product: Product, state: ProductState | None, *, root: str = "") -> ShownProduct:
    """A product as callers see it, with what is known of its pictures.

    Args:
        product: The product.
        state: What is known of it; ``None`` if it was removed meanwhile.
        root: Path under which the application is mounted.
    """
    seen = shown(product, root=root)
    known = state.images if state is not None else {}
    return ShownProduct.model_construct(
        **{name: getattr(seen, name) for name in Product.model_fields},
        pictures=[
            _picture(product.id, position, link, known.get(position), root)
            for position, link in enumerate(seen.image_links)
        ],
    )


def _picture(
    product_id: str, position: int, url: str, state: ImageState | None, root: str
) -> PictureModel:
    if state is None or state.content_hash is None or state.error is not None:
        return PictureModel.model_construct(url=url, width=None, height=None, thumbnail=None)
    size = (state.width, state.height) if state.width and state.height else None
    return PictureModel.model_construct(
        url=url,
        width=state.width,
        height=state.height,
        thumbnail=thumbnail_of(product_id, position, state.content_hash, size, root=root),
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
        raise no_file(state) from error
    raise no_file(state)


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
        raise no_file(state) from error


def no_file(state: ImageState) -> NotFoundError:
    """The error for a picture that is not there, without the path that only the shop may know."""
    return NotFoundError(
        f"The file of picture {state.position} of product {state.product_id!r} cannot be had."
    )


def _with_links(product: Product, links: Sequence[str]) -> Product:
    return product.model_copy(
        update={"image_link": links[0], "additional_image_link": tuple(links[1:])}
    )
