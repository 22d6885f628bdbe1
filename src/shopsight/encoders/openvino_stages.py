"""An OpenVINO model in stages, so that each can have its own precision.

bfloat16 has 8 significant bits. That is enough for most of a convolutional network, but not
everywhere: the first layers see the picture's smallest differences, and what follows the last
convolution (projections, colour histograms, norms) is sensitive arithmetic that takes no time. So
the model is cut in three: the first convolutions and all that does not depend on the others, the
other convolutions, and the rest. Only the middle may be computed less precisely.

Raw EfficientNet-Lite2 on 32 pictures of the sample shop, least cosine to fp32: all in bfloat16
.9897, all but the first three convolutions .9976, all but the first six .9996.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openvino import Input, Model, Node, Output

FIRST_SHARE = 0.1
"""Share of the convolutions that the first stage takes."""

FEWEST_CONVOLUTIONS = 8
"""A model with fewer is no convolutional network, and stays whole."""

FIRST, MIDDLE, LAST = range(3)
"""The stages."""

_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})
_FUSED = frozenset({"Add", "Maximum", "Minimum", "Clamp", "Relu"})  # cost nothing after those
_SOURCES = frozenset({"Constant", "Parameter"})


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of a model.

    Attributes:
        model: The part.
        exact: It must be computed in float32.
        inputs: For each of its inputs: the place of the earlier stage in the list and the number of
            that stage's output; ``None``: the pictures.
    """

    model: Model
    exact: bool
    inputs: tuple[tuple[int, int] | None, ...]


def whole(model: Model, *, exact: bool) -> list[Stage]:
    """A model as its only stage.

    Args:
        model: With the pictures as its only input.
        exact: As in :class:`Stage`.
    """
    return [Stage(model, exact, (None,))]


def in_stages(model: Model) -> list[Stage]:
    """Cut a model in stages.

    Args:
        model: With the pictures as its only input and fixed shapes; it cannot be used afterwards.

    Returns:
        The stages in the order to run them; the last gives the model's outputs. One stage that need
        not be exact, if the model is no convolutional network.
    """
    stage_of = _assigned(model)
    if stage_of is None:
        return whole(model, exact=False)
    return _cut(model, stage_of)


def _assigned(model: Model) -> dict[str, int] | None:
    """Operation's name -> its stage; constants and inputs belong to all."""
    ops = [op for op in model.get_ordered_ops() if op.get_type_name() not in _SOURCES]
    convolutions = [op for op in ops if op.get_type_name() in _CONVOLUTIONS]
    if len(convolutions) < FEWEST_CONVOLUTIONS:
        return None
    first = _needed(convolutions[: round(len(convolutions) * FIRST_SHARE)])
    middle = _needed(convolutions)
    stage_of: dict[str, int] = {}
    for op in ops:
        name, kind = op.get_name(), op.get_type_name()
        before = {stage_of[source.get_name()] for source in _sources(op)}
        if name in first or (kind not in _CONVOLUTIONS and before <= {FIRST} and kind != "Result"):
            stage_of[name] = FIRST
        elif name in middle or (kind in _FUSED and MIDDLE in before and LAST not in before):
            stage_of[name] = MIDDLE
        else:
            stage_of[name] = LAST
    return stage_of


def _sources(op: Node) -> list[Node]:
    """The operations whose outputs an operation takes."""
    sources = [value.get_node() for value in op.input_values()]
    return [source for source in sources if source.get_type_name() not in _SOURCES]


def _needed(ops: list[Node]) -> set[str]:
    """Names of some operations and of all that they need."""
    found: set[str] = set()
    left = list(ops)
    while left:
        op = left.pop()
        if op.get_name() not in found:
            found.add(op.get_name())
            left += _sources(op)
    return found


def _cut(model: Model, stage_of: dict[str, int]) -> list[Stage]:
    from openvino import Model, opset13

    (pictures,) = model.get_parameters()
    results = model.get_results()
    entering: defaultdict[int, list[tuple[Node, tuple[int, int] | None]]] = defaultdict(list)
    leaving: defaultdict[int, list[Output]] = defaultdict(list)

    def take(
        stage: int, output: Output, origin: tuple[int, int] | None, inputs: list[Input]
    ) -> None:
        entry = opset13.parameter(output.get_partial_shape(), output.get_element_type())
        for target in inputs:
            target.replace_source_output(entry.output(0))
        entering[stage].append((entry, origin))

    for stage, inputs in _by_stage(pictures.output(0), stage_of).items():
        take(stage, pictures.output(0), None, inputs)
    for op in model.get_ordered_ops():
        if op.get_type_name() in _SOURCES:
            continue
        home = stage_of[op.get_name()]
        for output in op.outputs():
            readers = _by_stage(output, stage_of)
            readers.pop(home, None)
            if readers:
                leaving[home].append(output)
            for stage, inputs in readers.items():
                take(stage, output, (home, len(leaving[home]) - 1), inputs)
    leaving[LAST] = [result.input_value(0) for result in results]
    used = [stage for stage in (FIRST, MIDDLE, LAST) if leaving[stage]]
    return [
        Stage(
            Model(leaving[stage], [entry for entry, _ in entering[stage]], f"stage {stage}"),
            stage != MIDDLE,
            tuple(origin and (used.index(origin[0]), origin[1]) for _, origin in entering[stage]),
        )
        for stage in used
    ]


def _by_stage(output: Output, stage_of: dict[str, int]) -> dict[int, list[Input]]:
    """What reads a value, by stage."""
    found: defaultdict[int, list[Input]] = defaultdict(list)
    for target in output.get_target_inputs():
        found[stage_of[target.get_node().get_name()]].append(target)
    return found
