"""How published models prepare pictures, read from the files beside their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from shopsight.errors import EncoderError
from shopsight.images.preprocessing import Preprocessing

_FILTERS: Mapping[object, Literal["bilinear", "bicubic", "lanczos"]] = {
    1: "lanczos",  # numbers as in PIL.Image.Resampling
    2: "bilinear",
    3: "bicubic",
    "bilinear": "bilinear",
    "bicubic": "bicubic",
}
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

Color = tuple[float, float, float]


class Preparation(NamedTuple):
    """What happens to a picture before a network sees it.

    Attributes:
        preprocessing: Geometry.
        mean: Subtracted from red, green and blue, which are 0 to 1 by then.
        std: Divides what is left.
    """

    preprocessing: Preprocessing
    mean: Color
    std: Color


def read_transformers(folder: Path) -> Preparation:
    """The preparation of a model in the format of ``transformers``.

    Args:
        folder: Has ``preprocessor_config.json``, or ``processor_config.json`` as newer versions of
            the library write it.

    Raises:
        EncoderError: Neither file is there, or it asks for what is not supported.
    """
    alone, together = folder / "preprocessor_config.json", folder / "processor_config.json"
    if alone.is_file():
        return of_transformers(_json(alone))
    if together.is_file() and "image_processor" in (found := _json(together)):
        return of_transformers(found["image_processor"])
    raise EncoderError(
        f"{folder} does not say how pictures are prepared: put the model's {alone.name} there"
    )


def of_transformers(config: Mapping[str, Any]) -> Preparation:
    """The preparation that an image processor of ``transformers`` does.

    Args:
        config: Content of ``preprocessor_config.json``.

    Raises:
        EncoderError: It asks for what is not supported.
    """
    size, crop = config.get("size"), config.get("crop_size")
    crops = bool(config.get("do_center_crop"))
    if config.get("do_resize") is False or size is None:
        raise EncoderError("The model's pictures are not scaled to one size: it cannot be used")
    if crops:
        kept = _square(crop if crop is not None else size)
        shortest = _side(size, "shortest_edge")
        # Scaled to a square that is cut afterwards: the aspect ratio is lost, the rim as well.
        if shortest is None or kept > shortest:
            raise _unsupported("size", size)
        geometry: dict[str, Any] = {"size": kept, "fit": "crop", "crop_ratio": kept / shortest}
    else:
        geometry = {"size": _square(size), "fit": "stretch"}
    mean = config.get("image_mean") or _IMAGENET[0]
    std = config.get("image_std") or _IMAGENET[1]
    if config.get("do_normalize") is False:
        mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    return _checked(geometry, config.get("resample", 3), mean, std)


def of_open_clip(config: Mapping[str, Any]) -> Preparation:
    """The preparation that ``open_clip`` does for validation.

    Args:
        config: ``preprocess_cfg`` of a model: ``size``, ``mean``, ``std``, ``interpolation``,
            ``resize_mode``, ``fill_color``.

    Raises:
        EncoderError: It asks for what is not supported.
    """
    fits = {"shortest": "crop", "squash": "stretch", "longest": "pad"}
    mode = config.get("resize_mode") or "shortest"
    if mode not in fits:
        raise _unsupported("resize_mode", mode)
    fill = int(config.get("fill_color") or 0)
    geometry = {
        "size": _square(config["size"]),
        "fit": fits[mode],
        "background": (fill, fill, fill) if mode == "longest" else (255, 255, 255),
    }
    # "random" is about training; for validation the library takes bicubic then.
    filter_ = config.get("interpolation") or "bicubic"
    filter_ = "bicubic" if filter_ == "random" else filter_
    return _checked(geometry, filter_, config["mean"], config["std"])


def _checked(geometry: Mapping[str, Any], filter_: object, mean: Any, std: Any) -> Preparation:
    if filter_ not in _FILTERS:
        raise _unsupported("interpolation", filter_)
    try:
        preprocessing = Preprocessing.model_validate(
            {**geometry, "interpolation": _FILTERS[filter_]}
        )
        red, green, blue = (float(value) for value in mean)
        of_red, of_green, of_blue = (float(value) for value in std)
    except (ValidationError, TypeError, ValueError) as error:
        raise EncoderError(f"The model's way to prepare pictures is not usable: {error}") from error
    return Preparation(preprocessing, (red, green, blue), (of_red, of_green, of_blue))


def _side(size: Any, key: str) -> int | None:
    """A side in pixels, given as a number or under a key."""
    if isinstance(size, Mapping):
        return int(size[key]) if size.get(key) else None
    return int(size)


def _square(size: Any) -> int:
    """Side of a square, given as a number, a pair, or a height and a width."""
    if isinstance(size, int):
        return size
    sides: set[Any] = set()
    if isinstance(size, Mapping):
        sides = {size.get("height"), size.get("width")}
    elif isinstance(size, (list, tuple)):
        sides = set(size)
    side = next(iter(sides), None)
    if len(sides) != 1 or not isinstance(side, int):
        raise _unsupported("size", size)
    return side


def _unsupported(what: str, value: object) -> EncoderError:
    return EncoderError(
        f"The model prepares pictures with {what} {value!r}, which is not supported: export it to "
        "ONNX yourself and use the file (docs/encoders.md, Local ONNX files)"
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise EncoderError(f"{path} is not the description of an image processor")
    return found
