"""Sessions that run on OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.engines import Engine, Session
from shopsight.encoders.openvino_stages import Stage, in_stages, whole
from shopsight.errors import MissingExtraError

if TYPE_CHECKING:
    from openvino import CompiledModel, Core, Model

BACKEND = "openvino"
"""Name of this backend."""

EXTRA = "openvino"
"""The extra of this package that brings OpenVINO."""

WAITING = 2
"""Runs that wait beside those under way: a model in stages is handed over several times, and each
time a thread of OpenVINO would be idle until the caller wakes up."""

_SWITCH_DIMENSIONS = 0  # an input that is one boolean chooses a branch of the graph


def engine(precision: str, model: Path | None = None) -> Engine:
    """OpenVINO on the CPU.

    Args:
        precision: ``fp32``, ``bf16`` or ``int8``.
        model: Runs instead of the file that is opened; for ``int8``, the quantised model.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """
    load_core()

    def open_it(path: Path, threads: int, callers: int) -> Session:
        return OpenVinoSession(model or path, threads, callers, bf16=precision == "bf16")

    return Engine(BACKEND, precision, open_it, run_size=1, crew=True, waiting=WAITING)


def has_bf16() -> bool:
    """Whether this CPU computes in bfloat16.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """
    return "BF16" in load_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def load_core() -> Core:
    """OpenVINO, ready for work.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        from openvino import Core
    except ImportError as error:
        raise MissingExtraError("The encoder backend 'openvino'", EXTRA) from error
    return Core()


class OpenVinoSession:
    """A model file on OpenVINO, called as ONNX Runtime's sessions are.

    Pictures are run one by one: in larger batches they are no faster on a CPU. The model is
    compiled at the first run, for the shape of that run's pictures.

    Args:
        path: The ONNX file. One input is the pictures; others are booleans that choose branches.
        threads: Threads for one run.
        callers: Runs that are made at once; each has ``threads`` of its own.
        bf16: Compute the insensitive part in bfloat16; see
            :mod:`shopsight.encoders.openvino_stages`.

    Raises:
        MissingExtraError: OpenVINO is not installed.
    """

    def __init__(self, path: Path, threads: int, callers: int, *, bf16: bool) -> None:
        self._core = load_core()
        self._path = path
        self._bf16 = bf16
        self._config = {
            "NUM_STREAMS": callers,
            "INFERENCE_NUM_THREADS": threads * callers,
            "ENABLE_CPU_PINNING": False,  # other work and other processes need the cores too
        }
        self._compiling = Lock()
        self._chains: dict[tuple[object, ...], _Chains] = {}

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[np.generic]]
    ) -> list[NDArray[Any]]:
        """Run the graph; see :meth:`shopsight.encoders.engines.Session.run`.

        Raises:
            RuntimeError: OpenVINO cannot run it, or an output does not exist.
            ValueError: Not exactly one input is pictures.
        """
        switches = {
            name: bool(value)
            for name, value in input_feed.items()
            if value.ndim == _SWITCH_DIMENSIONS
        }
        ((name, pictures),) = (item for item in input_feed.items() if item[0] not in switches)
        key = (*output_names, *switches.items(), pictures.shape[1:])
        with self._compiling:
            if key not in self._chains:
                shape = (1, *pictures.shape[1:])
                model = self._model(output_names, switches, name, shape)
                self._chains[key] = _Chains(self._stages(model))
        found = [self._chains[key].run(picture) for picture in pictures]
        return [np.concatenate(rows) for rows in zip(*found, strict=True)]

    def _model(
        self,
        outputs: Sequence[str],
        switches: Mapping[str, bool],
        pictures: str,
        shape: tuple[int, ...],
    ) -> Model:
        """The graph from one picture to some outputs, its branches chosen, without dead ends."""
        from openvino import Model, opset13
        from openvino.passes import ConstantFolding, Manager

        model = self._core.read_model(self._path)
        chosen = opset13.constant(np.array(any(switches.values())))
        for op in model.get_ops():
            if op.get_type_name() == "If":
                op.input(0).replace_source_output(chosen.output(0))
        ends = [model.output(output).get_node().input_value(0) for output in outputs]
        (start,) = (
            entry for entry in model.get_parameters() if pictures in entry.output(0).get_names()
        )
        model = Model(ends, [start])
        model.reshape({pictures: list(shape)})
        manager = Manager()
        manager.register_pass(ConstantFolding())
        manager.run_passes(model)
        return model

    def _stages(self, model: Model) -> list[tuple[Stage, CompiledModel]]:
        stages = in_stages(model) if self._bf16 else whole(model, exact=True)
        return [
            (
                stage,
                self._core.compile_model(
                    stage.model,
                    "CPU",
                    self._config | {"INFERENCE_PRECISION_HINT": "f32" if stage.exact else "bf16"},
                ),
            )
            for stage in stages
        ]


class _Chains:
    """The stages of a model, and buffers for as many runs at once as there ever were."""

    def __init__(self, stages: list[tuple[Stage, CompiledModel]]) -> None:
        self._stages = stages
        self._idle: LifoQueue[_Chain] = LifoQueue()

    def run(self, picture: NDArray[np.generic]) -> list[NDArray[Any]]:
        try:
            chain = self._idle.get_nowait()
        except Empty:
            chain = _Chain(self._stages)
        found = chain.run(picture)
        self._idle.put(chain)
        return found


class _Chain:
    """Buffers for one run: what a stage writes is what the next ones read."""

    def __init__(self, stages: list[tuple[Stage, CompiledModel]]) -> None:
        self._requests = [compiled.create_infer_request() for _, compiled in stages]
        self._pictures = []
        for (stage, _), request in zip(stages, self._requests, strict=True):
            for number, origin in enumerate(stage.inputs):
                if origin is None:
                    self._pictures.append(request.get_input_tensor(number))
                else:
                    earlier, output = origin
                    tensor = self._requests[earlier].get_output_tensor(output)
                    request.set_input_tensor(number, tensor)
        self._outputs = range(len(stages[-1][1].outputs))

    def run(self, picture: NDArray[np.generic]) -> list[NDArray[Any]]:
        for tensor in self._pictures:
            tensor.data[0] = picture
        for request in self._requests:
            request.infer()
        last = self._requests[-1]
        return [last.get_output_tensor(number).data.copy() for number in self._outputs]
