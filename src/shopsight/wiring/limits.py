"""Limits of pictures, fetches and imports, as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopsight.encoders.engines import batch_size
from shopsight.images.prepare import ImageLimits
from shopsight.settings import Settings

if TYPE_CHECKING:
    from shopsight.images.fetch import FetchLimits
    from shopsight.ingest.importer import ImportOptions


def image_limits(settings: Settings) -> ImageLimits:
    """What a picture may cost."""
    return ImageLimits(
        max_bytes=settings.image_max_bytes,
        max_pixels=settings.image_max_pixels,
        min_side=settings.image_min_side,
    )


def fetch_limits(settings: Settings) -> FetchLimits:
    """What a picture from the web may cost."""
    from shopsight.images.fetch import FetchLimits

    return FetchLimits(
        concurrency=settings.fetch_concurrency,
        per_host=settings.fetch_per_host,
        connect_timeout_s=settings.fetch_connect_timeout_s,
        read_timeout_s=settings.fetch_read_timeout_s,
        total_timeout_s=settings.fetch_total_timeout_s,
        retries=settings.fetch_retries,
        max_redirects=settings.fetch_max_redirects,
        max_bytes=settings.image_max_bytes,
        allow_hosts=tuple(settings.allow_hosts),
    )


def import_options(settings: Settings) -> ImportOptions:
    """How feeds are brought in."""
    from shopsight.ingest.importer import ImportOptions
    from shopsight.ingest.pipeline import IngestLimits

    batch = settings.batch_size or batch_size(settings.encoder_backend, settings.threads)
    return ImportOptions(
        data=settings.data,
        fetch=fetch_limits(settings),
        image=image_limits(settings),
        max_feed_bytes=settings.max_feed_bytes,
        look_ahead=max(2 * batch, settings.fetch_concurrency),
        ingest=IngestLimits(
            batch_size=batch,
            write_every_rows=settings.write_every_rows,
            write_every_s=settings.write_every_s,
            max_age_s=settings.fetch_max_age_s,
            sync_max_removed=settings.sync_max_removed,
        ),
    )
