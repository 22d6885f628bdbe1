from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FILES = Path(__file__).parent / "files"


class Samples:
    """Pictures made for the tests, all of the same four-coloured design."""

    red, green, blue, yellow = (210, 30, 30), (30, 170, 60), (30, 60, 200), (230, 210, 40)

    def quarters(self, width: int = 96, height: int = 64) -> Image.Image:
        """Red top left, green top right, blue bottom left, yellow bottom right."""
        image = Image.new("RGB", (width, height), self.red)
        image.paste(self.green, (width // 2, 0, width, height // 2))
        image.paste(self.blue, (0, height // 2, width // 2, height))
        image.paste(self.yellow, (width // 2, height // 2, width, height))
        return image

    def encoded(self, image: Image.Image, kind: str, **options: object) -> bytes:
        """The picture as a file of a format."""
        file = io.BytesIO()
        image.save(file, kind, **options)
        return file.getvalue()

    def file(self, kind: str) -> bytes:
        """A small valid file of any format that is decoded."""
        if kind == "HEIF":  # nothing installed writes it, see files/README.md
            return (FILES / "blue_red.heic").read_bytes()
        options = {"GIF": {}, "PNG": {}, "TIFF": {"compression": "tiff_lzw"}}
        return self.encoded(self.quarters(), kind, **options.get(kind, {"quality": 90}))

    def corner(self, image: Image.Image, place: str) -> tuple[int, ...]:
        """The colour near a corner, such as ``top left``."""
        width, height = image.size
        x = width // 8 if "left" in place else width - 1 - width // 8
        y = height // 8 if "top" in place else height - 1 - height // 8
        return tuple(np.asarray(image)[y, x].tolist())

    def close(self, color: tuple[int, ...], expected: tuple[int, ...], tolerance: int = 12) -> bool:
        """Whether two colours differ by no more than lossy formats do."""
        return max(abs(a - b) for a, b in zip(color, expected, strict=True)) <= tolerance

    def png_chunk(self, name: bytes, data: bytes) -> bytes:
        """One chunk of a PNG file."""
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    def png_header(self, width: int, height: int) -> bytes:
        """The start of an RGB PNG file of any size."""
        fields = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + self.png_chunk(b"IHDR", fields)


@pytest.fixture(scope="session")
def samples() -> Samples:
    """Makes pictures for tests."""
    return Samples()
