"""Small untrained models in the published formats, exported, and compared with their libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shopsight import Shop
from shopsight.encoders import load_encoder
from shopsight.encoders.base import CellEncoder, TextEncoder
from shopsight.encoders.files import LIMITS
from shopsight.encoders.known import find
from shopsight.encoders.obtain import folder_of, is_cached
from shopsight.errors import EncoderError
from shopsight.images.prepare import load_pixels
from shopsight.settings import load_settings
from shopsight.testing.shops import SmallShop

torch = pytest.importorskip("torch", reason="needs the extra clip: torch is not installed")
transformers = pytest.importorskip(
    "transformers", reason="needs the extra clip: transformers is not installed"
)
pytest.importorskip("onnxscript", reason="needs the extra clip: onnxscript is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries, which warn of each other

SIZE, DIMENSION = 224, 24
SAME_COSINE = 0.999
SAME_PIXELS = 1e-2
TEXTS = ["a red mug", "Red  shoes, size 42!", "", "word " * 100]


@dataclass(frozen=True)
class Published:
    """A model in its folder, exported, beside what its own library computes."""

    name: str
    cache: Path
    pictures: Callable[[Any], Any]
    processor: Callable[[Image.Image], Any]
    texts: Callable[[list[str]], Any] | None = None


def layers() -> dict[str, int]:
    """The shape of a small transformer."""
    return {
        "hidden_size": DIMENSION,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }


def words() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Every byte as a token, and one merged word."""
    from tokenizers.pre_tokenizers import ByteLevel

    vocabulary = {"<|startoftext|>": 0, "<|endoftext|>": 1}
    for sign in sorted(ByteLevel.alphabet()):
        vocabulary[sign] = len(vocabulary)
    for sign in sorted(ByteLevel.alphabet()):
        vocabulary[f"{sign}</w>"] = len(vocabulary)
    vocabulary |= {"re": len(vocabulary), "red</w>": len(vocabulary) + 1}
    return vocabulary, [("r", "e"), ("re", "d</w>")]


def described(folder: Path, **fields: object) -> None:
    """Write how pictures are prepared, as the libraries do."""
    usual = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.25, 0.2, 0.3], "do_resize": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(usual | fields))


def clip(folder: Path, cache: Path) -> Published:
    """CLIP: cropped pictures, a projection, and a byte-pair tokenizer."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    vocabulary, merges = words()
    text = {"vocab_size": len(vocabulary), "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    config = transformers.CLIPConfig(
        text_config=layers() | text,
        vision_config=layers() | {"image_size": SIZE, "patch_size": 32},
        projection_dim=DIMENSION,
    )
    model = transformers.CLIPModel(config).eval()
    model.save_pretrained(folder)
    tokenizer = transformers.CLIPTokenizer(vocab=vocabulary, merges=merges)
    tokenizer.save_pretrained(folder)
    described(
        folder,
        image_processor_type="CLIPImageProcessor",
        size={"shortest_edge": SIZE},
        crop_size={"height": SIZE, "width": SIZE},
        do_center_crop=True,
        resample=3,
    )
    processor = CLIPImageProcessorPil.from_pretrained(folder)

    def texts(given: list[str]) -> Any:
        tokens = tokenizer(given, padding="max_length", truncation=True, max_length=77)
        ids = torch.tensor(tokens["input_ids"])
        mask = torch.tensor(tokens["attention_mask"])
        return model.get_text_features(input_ids=ids, attention_mask=mask)

    return Published(
        f"hf:{folder}",
        cache,
        lambda pixels: model.get_image_features(pixel_values=pixels),
        lambda image: processor(image, return_tensors="pt")["pixel_values"],
        texts,
    )


def siglip2(folder: Path, cache: Path) -> Published:
    """SigLIP 2: stretched pictures, attention pooling, and a tokenizer that lowers letters."""
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    signs = "▁abcdefghijklmnopqrstuvwxyz0123456789,.!"
    vocabulary = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "<mask>": 4}
    vocabulary |= {sign: 5 + number for number, sign in enumerate(signs)}
    vocabulary["re"] = len(vocabulary)
    text = {"vocab_size": len(vocabulary), "max_position_embeddings": 64}
    special = {"bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0}
    config = transformers.SiglipConfig(
        text_config=layers() | text | special | {"projection_size": DIMENSION},
        vision_config=layers() | {"image_size": SIZE, "patch_size": 32},
    )
    model = transformers.SiglipModel(config).eval()
    model.save_pretrained(folder)
    tokenizer = transformers.Siglip2Tokenizer(
        vocab=vocabulary, merges=[("r", "e")], padding_side="right"
    )
    tokenizer.save_pretrained(folder)
    described(
        folder,
        image_processor_type="SiglipImageProcessor",
        size={"height": SIZE, "width": SIZE},
        resample=2,
    )
    processor = SiglipImageProcessorPil.from_pretrained(folder)

    def texts(given: list[str]) -> Any:
        tokens = tokenizer(given, padding="max_length", truncation=True, max_length=64)
        return model.get_text_features(input_ids=torch.tensor(tokens["input_ids"]))

    return Published(
        f"hf:{folder}",
        cache,
        lambda pixels: model.get_image_features(pixel_values=pixels),
        lambda image: processor(image, return_tensors="pt")["pixel_values"],
        texts,
    )


def dinov2(folder: Path, cache: Path) -> Published:
    """DINOv2: the middle of the picture, no texts."""
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil

    config = transformers.Dinov2Config(
        hidden_size=DIMENSION,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIZE,
        patch_size=32,
    )
    model = transformers.Dinov2Model(config).eval()
    model.save_pretrained(folder)
    described(
        folder,
        image_processor_type="BitImageProcessor",
        size={"shortest_edge": 256},
        crop_size={"height": SIZE, "width": SIZE},
        do_center_crop=True,
        resample=3,
    )
    processor = BitImageProcessorPil.from_pretrained(folder)
    return Published(
        f"hf:{folder}",
        cache,
        lambda pixels: model(pixel_values=pixels).pooler_output,
        lambda image: processor(image, return_tensors="pt")["pixel_values"],
    )


def open_clip_model(folder: Path, cache: Path) -> Published:
    """A model as open_clip saves it, with its own tokenizer."""
    try:
        import open_clip
    except (ImportError, RuntimeError) as error:  # torchvision fails so without its operators
        pytest.skip(f"open_clip cannot be imported here: {error}")
    from safetensors.torch import save_file

    described_as = {
        "model_cfg": {
            "embed_dim": DIMENSION,
            "vision_cfg": {
                "image_size": SIZE,
                "layers": 2,
                "width": 32,
                "head_width": 16,
                "patch_size": 32,
            },
            "text_cfg": {
                "context_length": 77,
                "vocab_size": 49408,
                "width": 32,
                "heads": 2,
                "layers": 2,
            },
        },
        "preprocess_cfg": {"mean": [0.4, 0.5, 0.6], "std": [0.25, 0.2, 0.3]},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(described_as))
    model = open_clip.create_model(f"local-dir:{folder}", precision="fp32").eval()
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model.eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    return Published(
        f"open_clip:{folder}",
        cache,
        model.encode_image,
        lambda image: transform(image)[None],
        lambda given: model.encode_text(tokenizer(given)),
    )


@pytest.fixture(scope="module", params=[clip, siglip2, dinov2, open_clip_model])
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """A model of each kind."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / request.param.__name__
    folder.mkdir()
    made: Published = request.param(folder, folder.parent / "cache")
    load_encoder(made.name, threads=1, cache=made.cache).close()
    return made


def rows(found: Any) -> np.ndarray:
    """What a library computes, as unit rows."""
    found = getattr(found, "pooler_output", found)
    return torch.nn.functional.normalize(found, dim=-1).numpy()


def test_vectors_equal_those_of_the_library(published):
    """From the same pixels, ONNX Runtime computes what PyTorch does."""
    encoder = load_encoder(published.name, threads=1, cache=published.cache)
    pixels = np.random.default_rng(1).integers(0, 256, (5, SIZE, SIZE, 3), np.uint8)
    planes = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    mean = torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1)
    std = torch.tensor([0.25, 0.2, 0.3]).view(1, 3, 1, 1)
    with torch.inference_mode():
        expected = rows(published.pictures((planes - mean) / std))
    vectors = encoder.encode_images(pixels)
    assert (vectors * expected).sum(axis=1).min() > SAME_COSINE
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert encoder.encode_images(pixels[:0]).shape == (0, encoder.spec.dimension)
    assert not isinstance(encoder, CellEncoder)
    encoder.close()


def test_pictures_are_prepared_as_by_the_library(published, sample_shop):
    """Photos scaled here and by the library differ by less than 0.01 of the range, on average.

    Not exactly: the library cuts at whole pixels after scaling.
    """
    encoder = load_encoder(published.name, threads=1, cache=published.cache)
    mean, std = np.array([0.4, 0.5, 0.6]), np.array([0.25, 0.2, 0.3])
    differences = []
    for path in sorted((sample_shop / "photos").glob("*.jpg"))[:6]:
        pixels = load_pixels(path.read_bytes(), encoder.spec.preprocessing, LIMITS)
        given = published.processor(Image.open(path).convert("RGB"))
        theirs = np.asarray(given)[0].transpose(1, 2, 0) * std + mean
        differences.append(np.abs(pixels / 255 - theirs).mean())
    assert np.mean(differences) < SAME_PIXELS
    encoder.close()


def test_texts_equal_those_of_the_library(published):
    """Texts of any length, empty ones too, get the vectors that the library gives them."""
    encoder = load_encoder(published.name, threads=1, cache=published.cache)
    if published.texts is None:
        assert encoder.spec.modalities == {"image"}
        assert not isinstance(encoder, TextEncoder)
        return
    assert isinstance(encoder, TextEncoder)
    assert encoder.spec.modalities == {"image", "text"}
    with torch.inference_mode():
        expected = rows(published.texts(TEXTS))
    vectors = encoder.encode_texts(TEXTS)
    assert (vectors * expected).sum(axis=1).min() > SAME_COSINE
    assert encoder.encode_texts([]).shape == (0, encoder.spec.dimension)
    encoder.close()
    with pytest.raises(EncoderError, match="closed"):
        encoder.encode_texts(["late"])


def test_export_happens_once_and_needs_no_torch_afterwards(published):
    """Another process loads the exported model without PyTorch, and finds the same checksums."""
    known = find(published.name)
    assert known is not None
    assert is_cached(known, published.cache)
    assert not list(published.cache.glob(".export-*"))
    code = (
        "import sys; from pathlib import Path\n"
        "from shopsight.encoders import load_encoder\n"
        "encoder = load_encoder(sys.argv[1], threads=1, cache=Path(sys.argv[2]))\n"
        "if hasattr(encoder, 'encode_texts'): encoder.encode_texts(['a'])\n"
        "sys.exit(bool({'torch', 'transformers', 'open_clip', 'onnx'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, published.name, str(published.cache)]
    assert subprocess.run(command, check=False).returncode == 0


def test_damaged_text_tower_is_refused(published):
    """A text tower or tokenizer that has changed since the export is not used."""
    known = find(published.name)
    assert known is not None
    if published.texts is None:
        pytest.skip("this model has no text tower")
    folder = folder_of(known, published.cache)
    for name in ("text.onnx", "tokenizer.json"):
        good = (folder / name).read_bytes()
        (folder / name).write_bytes(good + b" ")
        encoder = load_encoder(published.name, threads=1, cache=published.cache)
        with pytest.raises(EncoderError, match="damaged"):
            encoder.encode_texts(["a"])
        encoder.close()
        (folder / name).write_bytes(good)


def test_shop_is_indexed_and_searched(published, tmp_path):
    """A catalogue indexed with the encoder answers its own pictures, also when opened again."""
    feed = SmallShop(tmp_path / "feed", 6)
    settings = load_settings(
        data=tmp_path / "data",
        encoder=published.name,
        encoder_cache=str(published.cache),
        encoder_backend="onnxruntime",
        encoder_precision="fp32",
        threads=1,
    )
    with Shop.open(settings=settings) as shop:
        shop.index(str(feed.feed))
    with Shop.open(settings=settings) as shop:
        result = shop.search(feed.folder / "p3.png", limit=1)
        assert result.hits[0].product.id == "p3"


def test_damaged_model_files_leave_nothing(tmp_path):
    """Weights that cannot be read are named, and no folder is left in the cache."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "config.json").write_text('{"model_type": "clip"}')
    (source / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(EncoderError, match="not a model that transformers can read"):
        load_encoder(f"hf:{source}", cache=tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]


def test_other_kinds_of_models_are_refused(tmp_path):
    """A model without a picture tower of a known kind is refused with what to do."""
    source = tmp_path / "source"
    config = transformers.BertConfig(
        vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    transformers.BertModel(config).save_pretrained(source)
    described(source, size={"height": SIZE, "width": SIZE})
    with pytest.raises(EncoderError, match=r"bert.*export others to ONNX"):
        load_encoder(f"hf:{source}", cache=tmp_path / "cache")
