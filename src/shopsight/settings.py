"""All settings. The only module that reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableValueError

from shopsight.errors import SettingsError


class Settings(BaseSettings):
    """Settings of one shop. Each is also the environment variable ``SHOPSIGHT_<NAME>``.

    Lists in the environment are JSON, such as ``SHOPSIGHT_ALLOW_HOSTS='["images.internal"]'``.
    Every field's description is its documentation; ``docs/configuration.md`` lists them all.
    """

    model_config = SettingsConfigDict(env_prefix="SHOPSIGHT_", frozen=True, extra="forbid")

    data: Path = Field(Path("shopsight-data"), description="The one folder where everything lives.")
    encoder: str = Field("lite", description="Encoder by name, or path of its folder or ONNX file.")
    encoder_cache: str = Field(
        "",
        description="Folder for published encoders; empty: `~/.cache/shopsight/encoders`.",
    )
    encoder_backend: Literal["auto", "onnxruntime", "openvino", "cuda", "coreml"] = Field(
        "auto", description="What runs the encoder's model; `auto`: the fastest here."
    )
    encoder_precision: Literal["auto", "fp32", "bf16", "int8"] = Field(
        "auto", description="Precision inside the model; `auto`: the fastest that is near fp32."
    )
    threads: int = Field(0, ge=0, le=256, description="Threads of the encoder; 0: one per core.")

    detector: str = Field(
        "default",
        description="What finds things on photos: `default`, the path of an ONNX file, or `none`.",
    )
    regions: bool = Field(
        default=True,
        description="Whether the main subject of a photo is looked for unless a search says.",
    )
    calibrate: bool = Field(
        default=True,
        description="Whether confidence is fitted to the catalogue when that has changed.",
    )

    store: str = Field("lance", description="Vector store by name.")
    store_uri: str = Field(
        "", description="Where the vectors are; empty: `index` in the data folder."
    )
    database_url: str = Field(
        "", description="SQLAlchemy URL; empty: `catalog.sqlite` in the data folder."
    )
    metric: Literal["cosine", "l2"] = Field(
        "cosine", description="Nearness of vectors, fixed when an index is made."
    )
    standardize: bool = Field(
        default=False,
        description="Scale every dimension to (x - mean) / std, fitted on the catalogue.",
    )

    category_field: str = Field(
        "auto",
        min_length=1,
        description="Field of products that holds their category; `auto`: `product_type`, or "
        "`google_product_category` if more products have that.",
    )
    category_threshold: float = Field(
        0.6, ge=0, le=1, description="Least probability of a category for it to be an answer."
    )

    allow_hosts: list[str] = Field(
        default_factory=list,
        description="Hosts that may be fetched from although their address is private.",
    )
    fetch_concurrency: int = Field(16, ge=1, le=256, description="Pictures fetched at once.")
    fetch_per_host: int = Field(
        4, ge=1, le=64, description="Pictures fetched at once from one host."
    )
    fetch_connect_timeout_s: float = Field(
        5, gt=0, le=120, description="Seconds to connect to an image host."
    )
    fetch_read_timeout_s: float = Field(
        10, gt=0, le=300, description="Seconds without a byte before giving up."
    )
    fetch_total_timeout_s: float = Field(
        30, gt=0, le=3600, description="Seconds for one picture, redirects included."
    )
    fetch_retries: int = Field(
        3, ge=0, le=10, description="Further attempts after a passing failure."
    )
    fetch_max_redirects: int = Field(
        5, ge=0, le=20, description="Redirects followed, each checked again."
    )
    fetch_max_age_s: float = Field(
        86_400,
        ge=0,
        description="Seconds before a picture from the web is asked for again (conditionally).",
    )
    image_max_bytes: int = Field(20_000_000, ge=1000, description="Bytes of one encoded picture.")
    image_max_pixels: int = Field(
        50_000_000, ge=10_000, description="Pixels of one decoded picture."
    )
    image_min_side: int = Field(
        16, ge=1, description="Pixels; a picture with a shorter side is refused."
    )

    ocr: Literal["auto", "on", "off"] = Field(
        "auto", description="Whether text on photos is read; `auto`: where the extra `ocr` is."
    )
    ocr_budget_ms: float = Field(
        800, ge=0, le=60_000, description="Milliseconds for reading the text on a photo."
    )
    index_ocr: bool = Field(
        default=False,
        description="Whether indexing reads the words on the catalogue's pictures (extra `ocr`).",
    )
    recognize_barcodes: bool = Field(
        default=True, description="Whether barcodes and QR codes on photos are read."
    )
    recognize_barcode_budget_ms: float = Field(
        60, ge=0, le=10_000, description="Milliseconds for codes that are small, tilted or blurred."
    )
    recognize_certain: float = Field(
        0.95,
        ge=0,
        le=1,
        description="Probability of a product from which no text is read any more.",
    )
    recognize_threshold: float = Field(
        0.5, ge=0, le=1, description="Probability below which a product is `unknown`."
    )
    brand_threshold: float = Field(
        0.7, ge=0, le=1, description="Probability from which a brand is an answer."
    )
    brand_thorough: bool = Field(
        default=False,
        description="Whether small logos are looked for too, which takes ten times as long.",
    )

    batch_size: int = Field(
        0,
        ge=0,
        le=1024,
        description="Pictures per encoder batch when indexing; 0: by cores and backend.",
    )
    write_every_rows: int = Field(
        512, ge=1, description="Rows buffered before they are written to the index."
    )
    write_every_s: float = Field(
        5, gt=0, description="Seconds after which buffered rows are written anyway."
    )

    sync_max_removed: float = Field(
        0.5, ge=0, le=1, description="Largest share of the catalogue that one `--sync` may remove."
    )

    host: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(
        8080, ge=0, le=65535, description="Port the server listens on; 0: any free one."
    )
    search_needs_key: bool = Field(
        default=False, description="Whether search routes need an API key too."
    )
    cors_origins: list[str] = Field(
        default_factory=list, description="Origins whose pages may call the API."
    )
    thumbnail_cache_bytes: int = Field(
        500_000_000, ge=0, description="Bytes of thumbnails kept in the data folder."
    )
    session_hours: float = Field(
        12, gt=0, le=720, description="Hours after which the back office asks for the key again."
    )
    usage: bool = Field(
        default=True, description="Whether searches and events are recorded for figures of usage."
    )
    usage_texts: bool = Field(
        default=True, description="Whether the words of searches are among them, normalised."
    )
    usage_days: int = Field(
        90, ge=1, le=3650, description="Days after which recorded searches and events are deleted."
    )
    usage_max_rows: int = Field(
        5_000_000, ge=1000, description="Recorded events at most; the oldest are deleted first."
    )
    max_upload_bytes: int = Field(
        12_000_000, ge=1000, description="Bytes of one request with a photo."
    )
    max_feed_bytes: int = Field(
        2_000_000_000, ge=1000, description="Bytes of one uploaded or fetched feed."
    )
    request_timeout_s: float = Field(
        30, gt=0, le=3600, description="Seconds before a request is given up."
    )
    refresh_every_s: float = Field(
        5, gt=0, description="Seconds between looks for what other processes wrote."
    )
    optimize_every_s: float = Field(
        900, gt=0, description="Seconds between optimisations of a changed index."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )

    @property
    def resolved_encoder_cache(self) -> Path:
        """Folder for published encoders."""
        return Path(self.encoder_cache or "~/.cache/shopsight/encoders").expanduser()

    @property
    def resolved_store_uri(self) -> str:
        """Place of the vectors."""
        return self.store_uri or str(self.data / "index")

    @property
    def resolved_database_url(self) -> str:
        """URL of the SQL database."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'catalog.sqlite'}"


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with overrides from the command line.

    Args:
        overrides: Field values; ``None`` means not given.

    Raises:
        SettingsError: A value is out of range or a name unknown; names the variable.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"Setting {name!r} (SHOPSIGHT_{name.upper()}): {first['msg']}"
        ) from error
    except UnreadableValueError as error:
        name = str(error).partition('field "')[2].partition('"')[0]
        raise SettingsError(
            f"Setting {name!r} (SHOPSIGHT_{name.upper()}) is a list and must be JSON, "
            "such as '[\"images.internal\"]'"
        ) from error
