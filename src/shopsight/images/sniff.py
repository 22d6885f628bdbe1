"""Tells from their first bytes what bytes are: which picture format, or what else."""

from __future__ import annotations

from shopsight.errors import DecodeError

UNDERSTOOD = "JPEG, PNG, WebP, AVIF, HEIC, GIF or TIFF"
"""The formats that are decoded, for messages."""

_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))

# What shops' links lead to instead of a picture, or pictures that are not decoded here.
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "unsupported", "a PDF document"),
    (b"8BPS", "unsupported", "a Photoshop document"),
    (b"BM", "unsupported", "a BMP picture"),
    (b"\x00\x00\x01\x00", "unsupported", "an icon"),
    (b"\xff\x0a", "unsupported", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "unsupported", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "unsupported", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "unsupported", "a JPEG 2000 picture"),
    (b"%!PS", "unsupported", "a PostScript document"),
    (b"PK\x03\x04", "not_an_image", "a ZIP archive"),
    (b"\x1f\x8b", "not_an_image", "compressed with gzip"),
    (b"\x1a\x45\xdf\xa3", "not_an_image", "a Matroska video"),
    (b"{", "not_an_image", "JSON text"),
    (b"[", "not_an_image", "JSON text"),
)

_TEXT_LOOKED_AT = 2048  # bytes: an XML prologue and a licence comment may come before the first tag
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")


def sniff(data: bytes) -> str:
    """Picture format of some bytes.

    Args:
        data: The whole file, or at least its first 2048 bytes.

    Returns:
        ``JPEG``, ``PNG``, ``WEBP``, ``AVIF``, ``HEIF``, ``GIF`` or ``TIFF``.

    Raises:
        DecodeError: They are something else; the message says what. Reasons ``empty``, ``html``,
            ``svg``, ``unsupported`` and ``not_an_image``.
    """
    if not data:
        raise DecodeError(
            "the file is empty (0 bytes): ask for it again or remove the link", reason="empty"
        )
    return _picture_format(data) or _refuse(data)


def _picture_format(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "TIFF"
    if data[4:8] == b"ftyp":
        return _iso_media_format(data)
    return None


def _iso_media_format(data: bytes) -> str | None:
    brand = data[8:12]
    if brand in _AVIF_BRANDS:
        return "AVIF"
    if brand not in _HEIF_BRANDS:
        return None
    # ``mif1`` and ``msf1`` only say that pictures are inside; the compatible brands tell the codec.
    end = min(int.from_bytes(data[:4], "big"), 256)
    compatible = {data[at : at + 4] for at in range(16, end, 4)}
    neutral = brand in {b"mif1", b"msf1"}
    return "AVIF" if neutral and compatible & _AVIF_BRANDS else "HEIF"


def _refuse(data: bytes) -> str:
    text = _as_text(data)
    if text is not None:
        if "<svg" in text:
            raise DecodeError(
                f"the bytes are an SVG drawing, not a photo: give a {UNDERSTOOD}", reason="svg"
            )
        if any(tag in text for tag in ("<!doctype html", "<html", "<head", "<body")):
            raise DecodeError(
                "the bytes are an HTML page, not a picture: "
                "the link leads to a page or needs a login",
                reason="html",
            )
    for prefix, reason, name in _OTHERS:
        if data.startswith(prefix):
            raise DecodeError(f"the bytes are {name}: give a {UNDERSTOOD}", reason=reason)
    if data[4:8] == b"ftyp":
        raise DecodeError(f"the bytes are a video: give a {UNDERSTOOD}", reason="not_an_image")
    what = "text" if text is not None else f"of no known format (they start with {data[:8].hex()})"
    raise DecodeError(f"the bytes are {what}: give a {UNDERSTOOD}", reason="not_an_image")


def _as_text(data: bytes) -> str | None:
    """The beginning in lower case, if it reads as text; ``None`` if it is binary."""
    head = data[:_TEXT_LOOKED_AT]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="replace").lower()
    if any(byte < ord(" ") and byte not in _TEXT_CONTROLS for byte in head):
        return None
    return head.decode("utf-8", errors="replace").lower()


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP picture, from its header alone.

    Args:
        data: The file, or at least its first 30 bytes.

    Returns:
        Pixels; ``None`` if the header is damaged. Layout: RFC 9649, sections 2.5 to 2.7.
    """
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:  # noqa: PLR2004  # bytes up to the end of the fields read
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L" and data[20:21] == b"\x2f" and len(data) >= 25:  # noqa: PLR2004  # as above
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:  # noqa: PLR2004  # as above
        width, height = int.from_bytes(data[26:28], "little"), int.from_bytes(data[28:30], "little")
        return width & 0x3FFF, height & 0x3FFF
    return None
