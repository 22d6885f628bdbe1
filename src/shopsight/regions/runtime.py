"""Runs a detector's ONNX file, with errors of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from shopsight.errors import EncoderError
from shopsight.onnx_errors import ERRORS_ONLY, RUNTIME_ERRORS


class Detector:
    """An ONNX graph that is ready to run. Safe to call from several threads.

    Args:
        path: The file.
        threads: Threads for one call; 0: one per core.

    Attributes:
        path: The file.
        inputs: Name of each input -> its shape; a side that may vary is ``None``.
        outputs: Names of the outputs, in order.

    Raises:
        EncoderError: The file is missing, damaged, or no ONNX graph that runs here.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # Threads that wait for work by spinning take the cores away from decoding and search.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.path = path
        if not path.is_file():
            raise EncoderError(
                f"There is no detector {path}: give the path of an .onnx file with YOLOX's output, "
                "or 'default'"
            )
        try:
            session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except RUNTIME_ERRORS as error:
            raise EncoderError(
                f"The detector {path} cannot be loaded: get the file again, or export it again "
                f"({error})"
            ) from error
        self.inputs = {
            value.name: tuple(side if isinstance(side, int) else None for side in value.shape)
            for value in session.get_inputs()
        }
        self.outputs = tuple(value.name for value in session.get_outputs())
        self._session: ort.InferenceSession | None = session

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, NDArray[np.generic]]
    ) -> list[NDArray[Any]]:
        """The named outputs for these inputs.

        Raises:
            EncoderError: The graph cannot be run on them, or the detector is closed.
        """
        session = self._session
        if session is None:
            raise EncoderError(f"The detector {self.path} is closed: load it again")
        try:
            found: list[NDArray[Any]] = session.run(list(outputs), dict(inputs))
        except RUNTIME_ERRORS as error:
            raise EncoderError(
                f"The detector {self.path} failed on a picture: export it again, or use the one "
                f"that comes with Shopsight ({error})"
            ) from error
        return found

    def close(self) -> None:
        """Let go of the graph. Closing twice is allowed."""
        self._session = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
