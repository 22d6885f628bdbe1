"""The pictures that come with a request: as files of a form, in base64, by address, by name."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Annotated, Any, Generic, Protocol, Self, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shopsight.api.forms import Form, read_form
from shopsight.api.parts import Parts, read_json
from shopsight.api.problems import FieldProblem, ProblemError, from_validation
from shopsight.api.search_models import BoxModel, FormValue
from shopsight.images.boxes import Box

BodyT = TypeVar("BodyT", bound=BaseModel)
PictureBodyT = TypeVar("PictureBodyT", bound="PictureBody")

PICTURE_FORM: dict[str, Any] = {
    "image": {"type": "string", "format": "binary", "description": "The photo."},
    "image_url": {"type": "string", "format": "uri"},
    "image_id": {"type": "string"},
    "box": {"type": "string", "description": "JSON, or four numbers with commas between."},
}
"""OpenAPI's description of the fields of :class:`PictureBody` in a form."""

_WAYS = ("image", "image_url", "image_id")


class PictureBody(BaseModel):
    """A request about one photo: give exactly one of ``image``, ``image_url`` and ``image_id``.

    In a form, ``image`` is a file.
    """

    model_config = ConfigDict(extra="forbid")

    image: str | None = Field(default=None, min_length=1, description="Base64 of the photo.")
    image_url: Annotated[str, Field(max_length=4000)] | None = Field(
        default=None, description="Public address of a photo, http or https."
    )
    image_id: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="The photo of a recent request, from its answer."
    )
    box: Annotated[BoxModel, FormValue] | None = Field(
        default=None, description="The part of the photo that is meant."
    )

    @model_validator(mode="after")
    def _one_photo(self) -> Self:
        given = [name for name in _WAYS if getattr(self, name) is not None]
        if len(given) != 1:
            said = " and ".join(given) or "none"
            raise ValueError(f"give one of {', '.join(_WAYS)}, not {said}")
        return self

    @property
    def part(self) -> Box | None:
        """The part of the photo that is meant.

        Raises:
            QueryError: The box makes no sense.
        """
        if self.box is None:
            return None
        return Box.checked(self.box.x1, self.box.y1, self.box.x2, self.box.y2)


class NamesPicture(Protocol):
    """A body that may say where its photo is."""

    @property
    def image(self) -> str | None:
        """Base64 of it."""

    @property
    def image_url(self) -> str | None:
        """Its address."""

    @property
    def image_id(self) -> str | None:
        """Name of the photo of a recent request."""


@dataclass(frozen=True, slots=True)
class Received(Generic[BodyT]):
    """A body, and the files that came with it.

    Attributes:
        body: What was asked.
        files: Bytes by field.
    """

    body: BodyT
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo that came with a request.

    Attributes:
        data: Its bytes.
        image_id: Its name, if it was given by that; else empty.
    """

    data: bytes
    image_id: str = ""


async def received(
    request: Request, model: type[BodyT], parts: Parts, *, files: Sequence[str] = ("image",)
) -> Received[BodyT]:
    """Read a body: JSON, or a form whose files stand for the fields of their names.

    Args:
        request: Its body must not have been read.
        model: What the body must be.
        parts: Of the application.
        files: Fields that may be files.

    Raises:
        ProblemError: The body is none, or does not fit the model.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return Received(await read_json(request, model, parts.lookups))
    sinks = {name: BytesIO() for name in files}
    form = await read_form(request, sinks)
    return Received(_checked(form, model), {name: sinks[name].getvalue() for name in form.files})


async def sent_photo(
    body: NamesPicture, files: Mapping[str, bytes], parts: Parts
) -> SentPhoto | None:
    """The photo of a request; ``None`` if it has none.

    Args:
        body: What was asked.
        files: That came with it.
        parts: Of the application.

    Raises:
        ProblemError: The base64 is none.
        NotFoundError: There is no recent photo of this name.
        FetchError: The address gives no picture.
    """
    if "image" in files:
        return SentPhoto(files["image"])
    if body.image_url is not None:
        return SentPhoto(await parts.fetches.run(parts.shop.fetch_image, body.image_url))
    if body.image_id is not None:
        return SentPhoto(await parts.lookups.run(parts.recent.get, body.image_id), body.image_id)
    if body.image is not None:
        return SentPhoto(await parts.lookups.run(from_base64, body.image, "body.image"))
    return None


async def one_photo(
    request: Request, model: type[PictureBodyT], parts: Parts
) -> tuple[PictureBodyT, SentPhoto]:
    """A request about one photo, and the photo, which is then known by its ``image_id``.

    Args:
        request: Its body must not have been read.
        model: What the body must be.
        parts: Of the application.

    Raises:
        ShopsightError: As :func:`received` and :func:`sent_photo`.
    """
    got = await received(request, model, parts)
    photo = await sent_photo(got.body, got.files, parts)
    assert photo is not None  # noqa: S101  # the model sees to it
    return got.body, photo


def remembered(photo: SentPhoto, parts: Parts) -> str:
    """Name of a photo for further requests; in memory only, and for some minutes.

    To be called once the photo turned out to be usable.
    """
    return photo.image_id or parts.recent.add(photo.data)


def from_base64(text: str, name: str) -> bytes:
    """Bytes of base64, or of a ``data:`` URL.

    Args:
        text: The text.
        name: Of the field, for the message.

    Raises:
        ProblemError: It is no base64.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        wrong = FieldProblem(field=name, message=f"this is no base64: {error}")
        raise ProblemError(
            422, "validation", f"{wrong.field}: {wrong.message}", fields=[wrong]
        ) from error


def _checked(form: Form, model: type[BodyT]) -> BodyT:
    # Stands in for a file, which is no base64, while the other fields are checked.
    values = form.fields | dict.fromkeys(form.files, "-")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise from_validation(error, prefix="body") from error
