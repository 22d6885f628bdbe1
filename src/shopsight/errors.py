"""Every exception Shopsight raises, in one tree.

::

    ShopsightError
    ├── SettingsError            a setting is missing or has a bad value
    │   └── MissingExtraError    an optional dependency is not installed
    ├── StorageError             disk full, read-only folder, corrupt database
    ├── FeedError                a feed as a whole cannot be read
    ├── ImageError               one picture cannot be used
    │   ├── FetchError           its bytes could not be had
    │   │   └── BlockedAddressError   its address is not a public one
    │   └── DecodeError          its bytes are not a usable picture
    ├── EncoderError             a model cannot be loaded or run
    ├── VectorIndexError         the vector index cannot do what was asked
    │   └── EncoderMismatchError      the index was built by another encoder
    ├── IngestError              an ingest cannot go on as asked
    ├── QueryError               a search request makes no sense
    │   └── FilterError          its filter cannot be parsed or does not fit the fields
    ├── BrandError               a brand cannot be added as asked
    ├── NotFoundError            no such product, brand, job, key or index version
    └── BusyError                another process is writing

Errors of the libraries below are translated where they are called, with the original chained.
Messages are for
people: they name the row, field or file and say what to do next.
"""

from __future__ import annotations


class ShopsightError(Exception):
    """Base of all errors raised on purpose by this package."""


class SettingsError(ShopsightError):
    """A setting is missing or has a value that cannot be used."""


class MissingExtraError(SettingsError):
    """A feature needs an optional dependency that is not installed.

    Args:
        feature: What was asked for, in words.
        extra: Name of the extra of this package that brings it.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs the extra {extra!r}: pip install 'shopsight[{extra}]'")
        self.feature = feature
        self.extra = extra


class StorageError(ShopsightError):
    """The data directory or a database cannot be read or written."""


class FeedError(ShopsightError):
    """A feed as a whole cannot be read: it is missing, empty, or of no known format."""


class ImageError(ShopsightError):
    """One picture cannot be used.

    Args:
        message: What is wrong, for people.
        reason: A short stable code for reports and metrics, such as ``not_found`` or ``truncated``.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class FetchError(ImageError):
    """The bytes of a picture could not be had."""


class BlockedAddressError(FetchError):
    """A link leads to an address that is not public and was not allowed explicitly."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="blocked_address")


class DecodeError(ImageError):
    """Bytes are not a picture that can be decoded within the limits."""


class EncoderError(ShopsightError):
    """A model cannot be loaded or run."""


class VectorIndexError(ShopsightError):
    """The vector index cannot do what was asked."""


class EncoderMismatchError(VectorIndexError):
    """The index holds vectors of another encoder than the one in use."""


class IngestError(ShopsightError):
    """An ingest cannot go on as asked; what it had done so far is kept."""


class QueryError(ShopsightError):
    """A search request cannot be answered as asked."""


class FilterError(QueryError):
    """A filter cannot be parsed, or does not fit the fields of the index."""


class BrandError(ShopsightError):
    """A brand, or an example of its logo, cannot be added as asked."""


class NotFoundError(ShopsightError):
    """No such product, brand, job, key or index version."""


class BusyError(ShopsightError):
    """Another process holds the lock for writing."""
