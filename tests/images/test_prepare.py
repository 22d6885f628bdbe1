from __future__ import annotations

import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from shopsight.errors import DecodeError
from shopsight.images.prepare import ImageLimits, decode, load_pixels, to_pixels
from shopsight.images.preprocessing import Preprocessing

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "TIFF")
LIMITS = ImageLimits(max_bytes=5_000_000, max_pixels=50_000_000, min_side=8)
FILES = Path(__file__).parent / "files"
FUZZ = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# Where the first stored row and the first stored column are seen (EXIF 2.32, tag Orientation).
SEEN = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}


def _place(*sides: str) -> str:
    return " ".join(sorted(sides, key=("top", "bottom", "left", "right").index))


def _reason(data: bytes, limits: ImageLimits = LIMITS) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(data, limits)
    return caught.value.reason


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "HEIF"])
def test_every_format_is_decoded(samples, kind: str):
    """A file of each format comes out as RGB of its own size with its colours in place."""
    image = decode(samples.file(kind), LIMITS)
    assert (image.mode, image.size) == ("RGB", (96, 64))
    assert samples.close(samples.corner(image, "top left"), samples.red)
    assert samples.close(samples.corner(image, "top right"), samples.green)
    assert samples.close(samples.corner(image, "bottom left"), samples.blue)
    assert samples.close(samples.corner(image, "bottom right"), samples.yellow)


def test_heic_is_decoded_and_turned_once():
    """A HEIC file comes out with its colours, and a turned one upright rather than turned twice."""
    plain = np.asarray(decode((FILES / "blue_red.heic").read_bytes(), LIMITS)).astype(int)
    turned = np.asarray(decode((FILES / "blue_red_turned.heic").read_bytes(), LIMITS)).astype(int)
    assert plain.shape == (32, 48, 3)
    assert plain[:, :20, 2].min() > 180
    assert plain[:, -20:, 0].min() > 180
    assert turned.shape == (48, 32, 3)
    assert turned[:20, :, 2].min() > 180
    assert turned[-20:, :, 0].min() > 180


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", SEEN)
def test_orientation_is_applied(samples, kind: str, orientation: int):
    """Each of the eight EXIF orientations puts the stored corners where the EXIF standard says."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = samples.quarters()
    data = samples.encoded(stored, kind, exif=exif)
    row, column = SEEN[orientation]
    image = decode(data, LIMITS)
    assert image.size == ((96, 64) if orientation <= 4 else (64, 96))
    for place, color in (
        (_place(row, column), samples.red),
        (_place(row, OPPOSITE[column]), samples.green),
        (_place(OPPOSITE[row], column), samples.blue),
    ):
        assert samples.close(samples.corner(image, place), color, tolerance=25)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_orientation_is_ignored(samples):
    """EXIF data that cannot be read leaves the picture as it is stored."""
    data = samples.encoded(samples.quarters(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert decode(data, LIMITS).size == (96, 64)


def test_cmyk_jpeg(samples):
    """A CMYK JPEG, which stores its colours inverted, shows the right colours."""
    red = Image.new("CMYK", (64, 64), (0, 255, 255, 0))
    image = decode(samples.encoded(red, "JPEG"), LIMITS)
    assert samples.close(samples.corner(image, "top left"), (255, 0, 0))


def test_progressive_jpeg_equals_baseline(samples):
    """A progressive JPEG gives the same pixels as a baseline one."""
    picture = samples.quarters()
    plain = decode(samples.encoded(picture, "JPEG"), LIMITS)
    progressive = decode(samples.encoded(picture, "JPEG", progressive=True), LIMITS)
    assert np.array_equal(np.asarray(plain), np.asarray(progressive))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled(samples, kind: str):
    """16-bit grey is scaled to 8 bits, not cut off at 255."""
    values = np.full((32, 32), 0x8040, np.uint16)
    image = decode(samples.encoded(Image.fromarray(values), kind), LIMITS)
    assert samples.corner(image, "top left") == (0x80, 0x80, 0x80)


def test_floating_point_is_refused(samples):
    """Floating-point pixels, whose range is unknown, are refused as unsupported."""
    values = np.zeros((32, 32), np.float32)
    assert _reason(samples.encoded(Image.fromarray(values), "TIFF")) == "unsupported"


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_on_the_background(samples, mode: str):
    """Fully transparent pixels show the background, half transparent ones half of it."""
    image = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    image.paste((0, 0, 0, 128), (16, 0, 32, 32))
    data = samples.encoded(image.convert(mode), "PNG")
    white = decode(data, LIMITS)
    assert samples.corner(white, "top left") == (255, 255, 255)
    assert samples.close(samples.corner(white, "top right"), (127, 127, 127), tolerance=2)
    green = decode(data, LIMITS, background=(0, 200, 0))
    assert samples.corner(green, "top left") == (0, 200, 0)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_palette_entry(samples, kind: str):
    """The transparent entry of a palette shows the background, the others their colours."""
    image = Image.new("P", (32, 32), 0)
    image.putpalette([10, 20, 30, 250, 0, 0])
    image.paste(1, (16, 0, 32, 32))
    decoded = decode(samples.encoded(image, kind, transparency=0), LIMITS)
    assert samples.corner(decoded, "top left") == (255, 255, 255)
    assert samples.corner(decoded, "top right") == (250, 0, 0)


def test_transparent_colour_of_rgb_png(samples):
    """A PNG that names one RGB colour as transparent shows the background there."""
    data = samples.encoded(samples.quarters(), "PNG", transparency=samples.red)
    image = decode(data, LIMITS)
    assert samples.corner(image, "top left") == (255, 255, 255)
    assert samples.corner(image, "top right") == samples.green


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_first_frame_of_many(samples, kind: str):
    """Of an animation or a file of several pages the first picture is taken."""
    first, second = Image.new("RGB", (32, 32), samples.red), Image.new("RGB", (32, 32), (0, 0, 0))
    data = samples.encoded(first, kind, save_all=True, append_images=[second])
    assert samples.close(samples.corner(decode(data, LIMITS), "top left"), samples.red)


def _profile_with_red_and_green_swapped() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name in (b"sRGB", "sRGB".encode("utf-16-be")):
        profile = profile.replace(name, b"?" * len(name))
    # Only the names in the table of tags are exchanged, so that each points to the other's colour.
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    swapped = bytearray(profile)
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(swapped)


def test_colour_profile_is_applied(samples):
    """A picture whose profile exchanges red and green is shown with them exchanged."""
    red = Image.new("RGB", (32, 32), (255, 0, 0))
    data = samples.encoded(red, "PNG", icc_profile=_profile_with_red_and_green_swapped())
    assert samples.close(samples.corner(decode(data, LIMITS), "top left"), (0, 255, 0), 3)


@pytest.mark.parametrize("profile", [b"nonsense", b"\x00" * 200, b"x" * 5_000_000])
def test_damaged_colour_profile_is_ignored(samples, profile: bytes):
    """A damaged or huge colour profile leaves the colours as they are."""
    data = samples.encoded(
        samples.quarters(), "JPEG" if len(profile) < 1000 else "TIFF", icc_profile=profile
    )
    image = decode(data, ImageLimits(max_bytes=6_000_000))
    assert samples.close(samples.corner(image, "top left"), samples.red)


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [
        (b"", "empty", "0 bytes"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "html", "HTML page"),
        (b"\n\n  <HTML><head></head></HTML>", "html", "HTML page"),
        ("<html lang=el>\u0395\u03bb</html>".encode("utf-16"), "html", "HTML page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg xmlns='x'/>", "svg", "SVG"),
        (b"%PDF-1.7\n%\xe2\xe3", "unsupported", "PDF"),
        (b"BM\x00\x00\x00\x00\x00\x00", "unsupported", "BMP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "unsupported", "PostScript"),
        (b"\xff\x0a\xfa\x00", "unsupported", "JPEG XL"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00", "not_an_image", "video"),
        (b"PK\x03\x04\x14\x00", "not_an_image", "ZIP"),
        (b"\x1f\x8b\x08\x00\x00", "not_an_image", "gzip"),
        (b'{"error": "no such image"}', "not_an_image", "JSON"),
        (b"id,title\n1,Mug\n", "not_an_image", "text"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x08", "not_an_image", "0001020304050607"),
    ],
)
def test_other_files_are_named(data: bytes, reason: str, said: str):
    """Bytes that are no decodable picture are refused with a message that says what they are."""
    with pytest.raises(DecodeError, match=said) as caught:
        decode(data, LIMITS)
    assert caught.value.reason == reason


@pytest.mark.parametrize("kind", FORMATS)
def test_pixel_limit(samples, kind: str):
    """One pixel over the limit is refused for every format; the limit itself is not."""
    data = samples.file(kind)
    width, height = decode(data, LIMITS).size
    assert _reason(data, ImageLimits(max_pixels=width * height - 1)) == "too_many_pixels"
    assert decode(data, ImageLimits(max_pixels=width * height)).size == (width, height)


def test_pixel_limit_is_ours_alone(samples, monkeypatch: pytest.MonkeyPatch):
    """Pillow's process-wide limit neither warns about nor refuses what our limit allows."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    for kind in ("JPEG", "PNG", "AVIF", "HEIF"):
        assert decode(samples.file(kind), LIMITS).mode == "RGB"


def test_nothing_of_pillow_is_changed(samples):
    """Decoding leaves Pillow's process-wide switches and its list of formats as they were."""
    decode(samples.file("HEIF"), LIMITS)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
    assert Image.MAX_IMAGE_PIXELS == 1024 * 1024 * 1024 // 4 // 3
    assert "HEIF" not in Image.OPEN


def test_huge_headers_are_refused_at_once(samples):
    """Headers that promise far too many pixels are refused before any memory is taken."""
    body = samples.png_chunk(b"IDAT", zlib.compress(b"\x00" * 100)) + samples.png_chunk(
        b"IEND", b""
    )
    png = samples.png_header(30_000, 30_000) + body
    bits = 16_383 | 16_383 << 14
    lossless = b"WEBPVP8L\x10\x00\x00\x00\x2f" + struct.pack("<I", bits) + b"\x00" * 20
    extended = b"WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xff\x3f\x00" * 2 + b"\x00" * 20
    lossy = b"WEBPVP8 \x20\x00\x00\x00\x10\x00\x00\x9d\x01\x2a\xff\x3f\xff\x3f" + b"\x00" * 20
    webps = [b"RIFF" + struct.pack("<I", len(rest)) + rest for rest in (lossless, extended, lossy)]
    gif = b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\x00\x00\x00"
    frame = b"\x2c\x00\x00\x00\x00" + struct.pack("<HH", 65_535, 65_535) + b"\x00\x02\x00\x3b"
    began = time.perf_counter()
    assert [_reason(data) for data in (png, *webps, gif + frame)] == ["too_many_pixels"] * 5
    assert time.perf_counter() - began < 1


def test_png_text_and_profile_bombs(samples):
    """PNG text or colour profile that unpacks to far more than its size is refused."""
    bomb = zlib.compress(b"\x00" * 80_000_000, 9)
    header = samples.png_header(32, 32)
    pixels = samples.png_chunk(b"IDAT", zlib.compress((b"\x00" + b"\x50" * 96) * 32))
    end = samples.png_chunk(b"IEND", b"")
    profile = samples.png_chunk(b"iCCP", b"icc\x00\x00" + bomb)
    text = samples.png_chunk(b"zTXt", b"Comment\x00\x00" + bomb)
    assert decode(header + pixels + end, LIMITS).size == (32, 32)
    assert _reason(header + profile + pixels + end) == "corrupt"
    assert _reason(header + text + pixels + end) == "corrupt"
    assert _reason(header + pixels + text + end) == "corrupt"


def test_jpeg_with_endless_scans(samples):
    """A JPEG with far more scans than real ones have is refused before it costs time."""
    data = samples.encoded(samples.quarters(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    assert _reason(data[:last] + data[last:-2] * 200 + b"\xff\xd9") == "corrupt"


def test_byte_limit(samples):
    """A file over the byte limit is refused, and the message names the setting."""
    data = samples.file("PNG")
    with pytest.raises(DecodeError, match="image_max_bytes") as caught:
        decode(data, ImageLimits(max_bytes=len(data) - 1))
    assert caught.value.reason == "too_many_bytes"
    assert decode(data, ImageLimits(max_bytes=len(data))).size == (96, 64)


def test_small_pictures_are_refused(samples):
    """A 1 x 1 picture and one with a short side are refused as too small."""
    assert _reason(samples.encoded(samples.quarters(1, 1), "PNG")) == "too_small"
    assert _reason(samples.encoded(samples.quarters(300, 7), "JPEG")) == "too_small"


@pytest.mark.parametrize("kind", FORMATS)
def test_truncated_files(samples, kind: str):
    """A file cut in the middle is refused, never shown half."""
    data = samples.file(kind)
    if kind == "GIF":  # its end may be missing without harm: cut into the pixels
        data = data[: data.index(b"\x2c") + 12]
    assert _reason(data[: len(data) // 2]) in {"truncated", "corrupt"}


def test_truncated_jpeg_says_so(samples):
    """A JPEG that ends too early is reported as truncated, with what to do."""
    data = samples.file("JPEG")
    with pytest.raises(DecodeError, match="cut short: transfer it again") as caught:
        decode(data[:-200], LIMITS)
    assert caught.value.reason == "truncated"


@FUZZ
@given(data=st.binary(max_size=300))
def test_random_bytes(data: bytes):
    """Random bytes never raise anything but DecodeError."""
    assert _decode_or_refuse(data)


@pytest.mark.parametrize("kind", FORMATS)
@FUZZ
@given(data=st.data())
def test_damaged_files(samples, kind: str, data: st.DataObject):
    """Files of every format, cut and with bytes changed, never raise anything but DecodeError."""
    damaged = bytearray(samples.file(kind))
    places = st.integers(0, len(damaged) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        damaged[place] = value
    assert _decode_or_refuse(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    assert _decode_or_refuse(bytes(damaged))


def _decode_or_refuse(data: bytes) -> str:
    try:
        image = decode(data, ImageLimits(max_pixels=100_000, min_side=1))
    except DecodeError as error:
        return str(error)
    return image.mode


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(width=st.integers(16, 700), height=st.integers(16, 700), target=st.integers(1, 400))
def test_target_side_is_never_missed(samples, kind: str, width: int, height: int, target: int):
    """Decoding at reduced scale keeps the shorter side at the target, or the picture as it is."""
    data = samples.encoded(samples.quarters(width, height), kind)
    size = decode(data, LIMITS, target_side=target).size
    assert min(size) >= min(target, width, height)
    assert size[0] <= width
    assert size[1] <= height
    assert any(size == (-(-width // scale), -(-height // scale)) for scale in (1, 2, 4, 8))


@pytest.mark.parametrize("orientation", [1, 6])
def test_large_jpeg_is_reduced(samples, orientation: int):
    """A large JPEG comes back reduced and upright when only a small one is needed."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = samples.encoded(samples.quarters(2000, 1200), "JPEG", exif=exif)
    size = decode(data, LIMITS, target_side=150).size
    assert size == ((250, 150) if orientation == 1 else (150, 250))


def _photo(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(0, 256, (height // 16, width // 16, 3), np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(float)
    noisy = smooth + rng.normal(0, 8, smooth.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_reduced_scale_changes_little(samples, kind: str, fit: str):
    """Decoding at reduced scale gives nearly the pixels of scaling the whole picture at once."""
    data = samples.encoded(_photo(1600, 1200), kind, **({"quality": 92} if kind == "JPEG" else {}))
    preprocessing = Preprocessing(size=160, fit=fit)
    whole = decode(data, LIMITS)
    expected = _plain(whole, preprocessing).astype(float)
    got = load_pixels(data, preprocessing, LIMITS).astype(float)
    assert np.abs(got - expected).mean() < 1.0


def _plain(image: Image.Image, preprocessing: Preprocessing) -> np.ndarray:
    """The same geometry with one plain antialiased resize."""
    size = preprocessing.size
    bicubic = Image.Resampling.BICUBIC
    if preprocessing.fit == "stretch":
        return np.asarray(image.resize((size, size), bicubic))
    if preprocessing.fit == "crop":
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        return np.asarray(
            image.crop((left, top, left + side, top + side)).resize((size, size), bicubic)
        )
    scale = size / max(image.size)
    inner = image.resize((round(image.width * scale), round(image.height * scale)), bicubic)
    square = Image.new("RGB", (size, size), preprocessing.background)
    square.paste(inner, ((size - inner.width) // 2, (size - inner.height) // 2))
    return np.asarray(square)


@pytest.mark.parametrize("size", [(300, 300), (300, 200), (90, 310), (40, 30)])
def test_ordinary_pictures_are_scaled_exactly(size: tuple[int, int]):
    """Pictures near the target's size get just one plain antialiased resize and centred padding."""
    image = _photo(*(side + 16 for side in size)).crop((0, 0, *size))
    preprocessing = Preprocessing(size=128, background=(1, 2, 3))
    assert np.array_equal(to_pixels(image, preprocessing), _plain(image, preprocessing))


def test_crop_keeps_the_middle(samples):
    """Cropping keeps the given share of the shorter side, from the middle."""
    image = Image.new("RGB", (400, 200), samples.red)
    image.paste(samples.green, (150, 50, 250, 150))
    half = to_pixels(image, Preprocessing(size=64, fit="crop", crop_ratio=0.5))
    assert (half[2:-2, 2:-2] == samples.green).all()
    whole = to_pixels(image, Preprocessing(size=64, fit="crop"))
    assert (whole[0] == samples.red).all()
    assert (whole[32, 32] == samples.green).all()


@given(width=st.integers(1, 400), height=st.integers(1, 400), size=st.integers(16, 96))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_pixels_have_the_encoder_s_shape(width: int, height: int, size: int):
    """Pictures of any shape become a writable square of the wanted size, for every fit."""
    image = Image.new("RGB", (width, height), (9, 9, 9))
    for fit in ("pad", "crop", "stretch"):
        pixels = to_pixels(image, Preprocessing(size=size, fit=fit))
        assert pixels.shape == (size, size, 3)
        assert pixels.dtype == np.uint8
        assert pixels.flags.writeable
        assert pixels.flags.c_contiguous


def test_sample_shop_s_pictures(sample_shop: Path):
    """Pictures and photos of the sample shop can all be prepared."""
    files = sorted((sample_shop / "images").glob("*.jpg"))[:10]
    files += sorted((sample_shop / "photos").iterdir())[:10]
    assert len(files) == 20
    for file in files:
        pixels = load_pixels(file.read_bytes(), Preprocessing(size=260), ImageLimits())
        assert pixels.std() > 5


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_both_ways_to_pixels_agree(samples, fit: str, orientation: int, mode: str):
    """Decoding and scaling in one go gives the pixels of decoding first and scaling then."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = _photo(320, 208).convert(mode)
    if mode == "RGBA":
        photo.paste((0, 0, 0, 0), (0, 0, 100, 100))
    data = samples.encoded(photo, "PNG", exif=exif)
    preprocessing = Preprocessing(size=90, fit=fit, crop_ratio=0.8, background=(9, 99, 200))
    background = preprocessing.background
    expected = to_pixels(decode(data, LIMITS, background=background), preprocessing).astype(int)
    got = load_pixels(data, preprocessing, LIMITS).astype(int)
    assert np.abs(got - expected).mean() < 0.5


@pytest.mark.parametrize("orientation", [1, 6])
def test_draft_keeps_the_picture_s_shape(samples, orientation: int):
    """A large JPEG whose sides cannot be halved evenly is padded as if it had not been reduced."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = samples.encoded(_photo(1600, 400).crop((0, 0, 1597, 397)), "JPEG", exif=exif)
    preprocessing = Preprocessing(size=16, background=(255, 0, 255))
    whole = to_pixels(decode(data, LIMITS), preprocessing)
    padding = (whole == (255, 0, 255)).all(axis=2)
    assert padding.any()
    got = load_pixels(data, preprocessing, LIMITS)
    assert np.array_equal((got == (255, 0, 255)).all(axis=2), padding)


def test_colour_profile_is_applied_when_scaling(samples):
    """The colour profile also counts when a picture is decoded and scaled in one go."""
    red = Image.new("RGB", (32, 32), (255, 0, 0))
    data = samples.encoded(red, "PNG", icc_profile=_profile_with_red_and_green_swapped())
    pixels = load_pixels(data, Preprocessing(size=16), LIMITS)
    assert samples.close(tuple(pixels[8, 8].tolist()), (0, 255, 0), 3)
