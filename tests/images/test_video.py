from __future__ import annotations

import importlib.util
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from shopsight.errors import DecodeError, MissingExtraError
from shopsight.images import video
from shopsight.images.video import VideoLimits, read_frames, video_kind

RED, GREEN, BLUE, YELLOW = (210, 30, 30), (30, 170, 60), (30, 60, 200), (230, 210, 40)


def quarters(width: int, height: int) -> Image.Image:
    """Red top left, green top right, blue bottom left, yellow bottom right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(YELLOW, (width // 2, height // 2, width, height))
    return image


def film(
    kind: str = "mp4",
    codec: str = "libx264",
    *,
    size: tuple[int, int] = (192, 128),
    seconds: float = 2,
    rate: int = 12,
    rotation: int = 0,
    path: Path | None = None,
    **options: str,
) -> bytes:
    """A video of one picture that gets a white dot in another place in every frame."""
    file = io.BytesIO()
    with av.open(path or file, "w", format=kind, options=options) as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(round(seconds * rate)):
            image = quarters(*size)
            image.paste((255, 255, 255), (number, 4, number + 4, 8))
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))
    return path.read_bytes() if path else file.getvalue()


def sound() -> bytes:
    """A second of silence in an MP4."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), "fltp", "mono")
        frame.sample_rate = 16_000
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def animation(kind: str, *, frames: int = 8, milliseconds: int = 250) -> bytes:
    """A GIF or WebP whose frames alternate between red and blue."""
    file = io.BytesIO()
    pictures = [Image.new("RGB", (64, 48), BLUE if n % 2 else RED) for n in range(frames)]
    pictures[0].save(
        file, kind, save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0
    )
    return file.getvalue()


def near(image: Image.Image, x: float, y: float, color: tuple[int, int, int]) -> bool:
    """Whether a picture has about this colour at a place."""
    found = np.asarray(image)[int(y * image.height), int(x * image.width)].astype(int)
    return bool(np.abs(found - color).max() < 40)


def reason(data: bytes, **limits: Any) -> str:
    """Why a video is refused, after checking that the message tells what to do."""
    with pytest.raises(DecodeError) as caught:
        list(read_frames(data, VideoLimits(**limits)))
    assert any(
        word in str(caught.value)
        for word in ("send", "save", "make", "give", "cut out", "transfer")
    )
    return caught.value.reason


@pytest.mark.parametrize(
    ("kind", "codec"),
    [
        ("mp4", "libx264"),
        ("mov", "mpeg4"),
        ("webm", "libvpx"),
        ("webm", "libvpx-vp9"),
        ("matroska", "libx264"),
    ],
)
def test_containers_and_codecs(kind: str, codec: str) -> None:
    """What telephones and browsers record is read, at the rate and the size asked for."""
    limits = VideoLimits(frames_per_s=4, side=96)
    frames = list(read_frames(film(kind, codec), limits))
    assert len(frames) == 8
    assert [round(frame.time_s, 2) for frame in frames] == [n / 4 for n in range(8)]
    for frame in frames:
        assert frame.image.mode == "RGB"
        assert frame.image.size == (96, 64)
    assert near(frames[3].image, 0.2, 0.3, RED)
    assert near(frames[3].image, 0.8, 0.8, YELLOW)


@pytest.mark.parametrize(
    ("rotation", "top_left"), [(90, GREEN), (-90, BLUE), (180, YELLOW), (0, RED)]
)
def test_frames_are_upright(rotation: int, top_left: tuple[int, int, int]) -> None:
    """A video that was filmed with the telephone on its side comes out as players show it."""
    frame = next(read_frames(film(rotation=rotation)))
    assert frame.image.size == ((128, 192) if rotation in {90, -90} else (192, 128))
    assert near(frame.image, 0.25, 0.3, top_left)


def test_small_frames_are_not_enlarged() -> None:
    """A frame below the size asked for keeps its own."""
    assert next(read_frames(film(size=(64, 48)))).image.size == (64, 48)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_animations(kind: str) -> None:
    """Moving GIFs and WebPs are videos, with the times that their frames have."""
    frames = list(read_frames(animation(kind)))
    assert [round(frame.time_s, 2) for frame in frames] == [n / 4 for n in range(8)]
    assert near(frames[0].image, 0.5, 0.5, RED)
    assert near(frames[1].image, 0.5, 0.5, BLUE)


def test_animations_in_a_hurry() -> None:
    """Frames that say they last no time last as long as in browsers, a tenth of a second."""
    frames = list(read_frames(animation("GIF", milliseconds=0), VideoLimits(frames_per_s=30)))
    assert frames[-1].time_s == pytest.approx(0.7)


def test_still_picture_is_one_frame(samples: Any) -> None:
    """A GIF that does not move is a video of one frame; transparency turns white."""
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    (frame,) = read_frames(samples.encoded(clear, "WEBP", lossless=True))
    assert frame.time_s == 0
    assert near(frame.image, 0.5, 0.5, (255, 255, 255))


def test_sample_clips(sample_shop: Path) -> None:
    """The sample shop's clips are read from start to end."""
    for path in sorted((sample_shop / "video").glob("*.mp4")):
        times = [frame.time_s for frame in read_frames(path.read_bytes())]
        assert len(times) == 18
        assert times == sorted(times)
        assert times[0] == 0
        assert 2.5 < times[-1] < 3


def test_kinds(sample_shop: Path, samples: Any) -> None:
    """Videos are told from pictures by their first bytes."""
    clip = next((sample_shop / "video").glob("*.mp4")).read_bytes()
    assert video_kind(clip) == "mov"
    assert video_kind(film("webm", "libvpx")) == "matroska"
    assert video_kind(animation("GIF")) == "gif"
    assert video_kind(animation("WEBP")) == "webp"
    assert video_kind(b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat") == "mov"
    for picture in ("JPEG", "PNG", "AVIF", "HEIF", "TIFF"):
        assert video_kind(samples.file(picture)) is None
    assert video_kind(b"") is None


def test_limits_are_named() -> None:
    """Each limit has a reason of its own, and the message names the limit that was exceeded."""
    clip = film()
    assert reason(clip, max_bytes=1000) == "too_many_bytes"
    assert reason(clip, max_duration_s=1) == "too_long"
    assert reason(clip, max_pixels=1000) == "too_many_pixels"
    assert reason(clip, max_frames=5) == "too_many_frames"
    assert reason(clip, max_cpu_s=0.001) == "too_slow"
    with pytest.raises(DecodeError, match=r"lasts 2\.0 seconds, more than the 1\.5 allowed"):
        list(read_frames(clip, VideoLimits(max_duration_s=1.5)))


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_limits_of_animations(kind: str) -> None:
    """Animations do not say how long they are, and are held to the limits all the same."""
    clip = animation(kind)
    assert reason(clip, max_duration_s=1) == "too_long"
    assert reason(clip, max_pixels=1000) == "too_many_pixels"
    assert reason(clip, max_frames=5) == "too_many_frames"


def test_live_recordings_are_held_to_the_duration() -> None:
    """A WebM as browsers record it, without a duration, is stopped when it gets too long."""
    clip = film("webm", "libvpx", live="1")
    assert len(list(read_frames(clip))) == 12
    assert reason(clip, max_duration_s=1) == "too_long"


def test_no_video() -> None:
    """Sound, pictures, texts and nothing are refused, each for its reason."""
    assert reason(sound()) == "no_video"
    assert reason(b"") == "empty"
    assert reason(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n") == "not_a_video"
    assert reason(b"\x89PNG\r\n\x1a\n" + bytes(64)) == "not_a_video"


def test_container_without_frames() -> None:
    """A file that announces a video and has not a single frame says so, or that it is damaged."""
    clip = film("webm", "libvpx")
    assert reason(clip[: clip.index(b"\x1f\x43\xb6\x75")]) in {"no_frames", "corrupt"}


def test_cut_short(sample_shop: Path, tmp_path: Path) -> None:
    """A transfer that broke off is noticed, wherever the file keeps its table of contents."""
    clip = next((sample_shop / "video").glob("*.mp4")).read_bytes()
    assert reason(clip[: len(clip) // 2]) in {"truncated", "corrupt"}
    front = film(seconds=4, path=tmp_path / "front.mp4", movflags="faststart")
    assert front.index(b"moov") < front.index(b"mdat")
    assert len(list(read_frames(front))) == 24
    assert reason(front[: len(front) * 2 // 3]) in {"truncated", "corrupt"}
    gif = animation("GIF", frames=20)
    assert reason(gif[: len(gif) // 2]) == "corrupt"


def test_rare_codecs_are_not_decoded() -> None:
    """Of FFmpeg's hundreds of decoders only those for usual videos are ever run."""
    assert reason(film("matroska", "ffv1")) == "unsupported"


def test_damaged_files_never_get_further() -> None:
    """Whatever is wrong with the bytes, the answer is frames or one of our errors, and soon."""
    generator = random.Random(0)
    sources = [film(seconds=1), film("webm", "libvpx", seconds=1), animation("GIF", frames=3)]
    outcomes = set()
    for number in range(9):
        broken = bytearray(sources[number % 3])
        for _ in range(1 + len(broken) // 300):
            broken[generator.randrange(len(broken))] = generator.randrange(256)
        try:
            outcomes.add(bool(list(read_frames(bytes(broken), VideoLimits(max_cpu_s=5)))))
        except DecodeError as error:
            outcomes.add(error.reason)
    assert outcomes - {True}


def test_a_crash_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the decoding process dies without a word, the caller gets an error and lives."""
    monkeypatch.setattr(video, "_WORKER", "shopsight.no_such_module")
    assert reason(film()) == "corrupt"


def test_memory_is_limited() -> None:
    """A process that may not have the memory it needs ends in an error of ours."""
    assert reason(film(), max_memory=64 * 1024**2) in {"corrupt", "too_many_pixels"}


def test_stopping_early_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks at the first frame only ends the decoding process with it."""
    started = []

    class Recorded(video.subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(video.subprocess, "Popen", Recorded)
    frames: Iterator[Any] = read_frames(film(seconds=10))
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert [process.returncode is not None for process in started] == [True]


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyAV films name the extra that brings it, and animations still work."""
    clip, moving = film(), animation("GIF")
    monkeypatch.setattr(video, "find_spec", lambda name: None if name == "av" else name)
    with pytest.raises(MissingExtraError, match="shopsight\\[video\\]"):
        next(read_frames(clip))
    assert len(list(read_frames(moving))) == 8
    assert importlib.util.find_spec("av")
