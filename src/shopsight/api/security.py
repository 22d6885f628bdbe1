"""What browsers are told to refuse: one place for the security headers of all answers."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

# Pictures of products may come from any shop's image server; everything else only from here.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob: https: http:; media-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of pages: no inline script or style, nothing from other servers."""

ANSWER_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Content-Security-Policy of everything else, should a browser be made to show it."""

PERMISSIONS = (
    "camera=(self), microphone=(self), clipboard-write=(self), fullscreen=(self), "
    "accelerometer=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
    "magnetometer=(), midi=(), payment=(), serial=(), usb=()"
)
"""Permissions-Policy: photos and dictation for the storefront itself, nothing for what it shows."""

_FOR_OTHER_PAGES = ("image/", "text/javascript", "application/javascript")


def protect(headers: MutableHeaders) -> None:
    """Add the security headers of an answer. One that a route has set itself is kept.

    Args:
        headers: Of the answer; its content type decides.
    """
    kind = headers.get("content-type", "")
    page = kind.startswith("text/html")
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers.setdefault("Content-Security-Policy", PAGE_POLICY if page else ANSWER_POLICY)
    if page:
        headers.setdefault("Permissions-Policy", PERMISSIONS)
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("X-Frame-Options", "DENY")  # for what does not know frame-ancestors
    # The widget and its thumbnails are made for pages of other origins; what else is there may be
    # read by those that CORS allows, but not be embedded.
    shared = kind.startswith(_FOR_OTHER_PAGES)
    headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if shared else "same-origin")
