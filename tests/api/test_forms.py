from __future__ import annotations

import asyncio
from io import BytesIO

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from shopsight.api.forms import Form, read_form
from shopsight.api.problems import ProblemError

BOUNDARY = "frontier"


def request(body: bytes, chunk: int, boundary: str = BOUNDARY) -> Request:
    """A request whose body comes in chunks of some size."""
    parts = [body[start : start + chunk] for start in range(0, len(body), chunk)] or [b""]
    messages = iter(
        {"type": "http.request", "body": part, "more_body": number < len(parts)}
        for number, part in enumerate(parts, 1)
    )

    async def receive() -> Message:
        return next(messages)

    kind = f"multipart/form-data; boundary={boundary}".encode()
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind)]}
    return Request(scope, receive)


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    """One part of a form."""
    file = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def read(body: bytes, chunk: int = 1 << 16) -> tuple[Form, bytes]:
    """Read a form that expects a file in the field `image`."""
    file = BytesIO()
    form = asyncio.run(read_form(request(body, chunk), {"image": file}))
    return form, file.getvalue()


@given(content=st.binary(max_size=300), chunk=st.integers(1, 80), text=st.text(max_size=40))
def test_files_and_texts_arrive_as_sent(content: bytes, chunk: int, text: str) -> None:
    """Any bytes and any text come through whole, however the network cuts the body."""
    text = text.encode("utf-8", "ignore").decode()
    body = part("filter", text.encode()) + part("image", content, "photo.jpg") + END
    form, got = read(body, chunk)
    assert got == content
    assert form.fields == {"filter": text}
    assert form.files == {"image": "photo.jpg"}


@given(body=st.binary(max_size=300), chunk=st.integers(1, 80))
def test_nonsense_is_refused_not_crashed_on(body: bytes, chunk: int) -> None:
    """Whatever bytes come, the answer is a form or a refusal, never another exception."""
    refused = None
    try:
        read(f"--{BOUNDARY}\r\n".encode() + body, chunk)
    except ProblemError as problem:
        refused = problem.status
    assert refused in {None, 400, 422}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (part("image", b"1", "a") + part("image", b"2", "b") + END, "twice"),
        (part("other", b"1", "a") + END, "No file is expected in the field 'other'"),
        (part("", b"1") + END, "no name"),
        (part("image", b"1", "a"), "cut off"),
        (b"".join(part(f"f{n}", b"") for n in range(33)) + END, "more than 32"),
        (part("filter", b"x" * 70_000) + END, "longer than"),
    ],
)
def test_unexpected_forms_are_refused_with_words(body: bytes, words: str) -> None:
    """A form that is not as expected is refused, and the message says why."""
    with pytest.raises(ProblemError, match=words):
        read(body)


@pytest.mark.parametrize("boundary", ["", "x" * 300])
def test_bad_boundaries_are_refused(boundary: str) -> None:
    """A missing or endless boundary is the client's mistake, not a failure of the server."""
    with pytest.raises(ProblemError) as refused:
        asyncio.run(read_form(request(END, 10, boundary), {}))
    assert refused.value.status == 400
