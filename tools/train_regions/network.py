"""The part of the finder that learns: the head, what it should say, and its losses."""

from __future__ import annotations

from typing import Any

import torch
from graph import TAPS
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 8
WIDTHS = (64, 96, 128)
CELL_UNIT = 16.0
"""What a predicted 1 is in pixels before the exponential's counterpart: sides are softplus times
this."""


def _conv(before: int, after: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, side, padding=side // 2)


class Head(nn.Module):
    """Feature maps to a heat map of object centres and the distances to the box's sides."""

    def __init__(self) -> None:
        super().__init__()
        low, middle, high = WIDTHS
        c8, c16, c32 = TAPS.values()
        self.lateral32, self.lateral16 = _conv(c32, high, 1), _conv(c16, middle, 1)
        self.lateral8 = _conv(c8, low, 1)
        self.deep = nn.ModuleList([_conv(high, high, 3) for _ in range(2)])
        self.down32 = _conv(high, middle, 1)
        self.mid = nn.ModuleList([_conv(middle, middle, 3) for _ in range(2)])
        self.down16 = _conv(middle, low, 1)
        self.fine = _conv(low, low, 3)
        self.heat = nn.Sequential(_conv(low, low, 3), nn.ReLU(), _conv(low, 1, 1))
        self.sides = nn.Sequential(_conv(low, low, 3), nn.ReLU(), _conv(low, 4, 1))
        nn.init.constant_(self.heat[-1].bias, -4.0)

    def forward(self, taps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Logits ``(n, h / 8, w / 8)`` and distances in pixels ``(n, 4, h / 8, w / 8)``."""
        f8, f16, f32 = taps
        x = functional.relu(self.lateral32(f32))
        for conv in self.deep:
            x = x + functional.relu(conv(x))
        x = functional.relu(self.lateral16(f16) + _doubled(self.down32(x)))
        for conv in self.mid:
            x = x + functional.relu(conv(x))
        x = functional.relu(self.lateral8(f8) + _doubled(self.down16(x)))
        x = x + functional.relu(self.fine(x))
        return self.heat(x)[:, 0], functional.softplus(self.sides(x).float()) * CELL_UNIT


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def targets(
    boxes: list[Any], wanted: list[Any], size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the head should say (TTFNet, Liu et al. 2020, with one level).

    Args:
        boxes: Per picture ``(n, 4)`` corners in pixels.
        wanted: Per picture ``(n,)`` whether the box is an object; other boxes do not count.
        size: Height and width of the pictures in pixels.

    Returns:
        Heat ``(n, h, w)`` in 0..1; weight of its loss; the box of each cell ``(n, 4, h, w)``; and
        the weight of its loss ``(n, h, w)``.
    """
    rows, columns = size[0] // STRIDE, size[1] // STRIDE
    ys = (torch.arange(rows) + 0.5)[:, None] * STRIDE
    xs = (torch.arange(columns) + 0.5)[None] * STRIDE
    heat = torch.zeros(len(boxes), rows, columns)
    counts = torch.ones_like(heat)
    sides, weight = torch.zeros(len(boxes), 4, rows, columns), torch.zeros_like(heat)
    for k, (members, good) in enumerate(zip(boxes, wanted, strict=True)):
        order = sorted(range(len(members)), key=lambda i: -_area(members[i]))
        for i in order:
            x1, y1, x2, y2 = (float(v) for v in members[i])
            if not good[i]:
                inside = (xs > x1) & (xs < x2) & (ys > y1) & (ys < y2)
                counts[k][inside & (heat[k] == 0)] = 0
                continue
            sx, sy = max((x2 - x1) / 9, 0.4 * STRIDE), max((y2 - y1) / 9, 0.4 * STRIDE)
            near = torch.exp(
                -((xs - (x1 + x2) / 2) ** 2) / (2 * sx**2) - (ys - (y1 + y2) / 2) ** 2 / (2 * sy**2)
            )
            near = near * (near > 0.01)
            peak = near >= near.max() * 0.9999
            core = near > 0.25
            heat[k] = torch.maximum(heat[k], torch.where(peak, torch.ones(()), near))
            counts[k][near > 0.05] = 1
            weight[k] = torch.where(core, near / near[core].sum(), weight[k])
            box = torch.tensor([x1, y1, x2, y2])[:, None, None].expand(4, rows, columns)
            sides[k] = torch.where(core[None], box, sides[k])
    return heat, counts, sides, weight


def _area(box: Any) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def corners(sides: Tensor) -> Tensor:
    """Distances ``(n, 4, h, w)`` to left, top, right, bottom -> corners in pixels."""
    ys = (torch.arange(sides.shape[2]) + 0.5)[:, None] * STRIDE
    xs = (torch.arange(sides.shape[3]) + 0.5)[None] * STRIDE
    left, top, right, bottom = sides.unbind(1)
    return torch.stack([xs - left, ys - top, xs + right, ys + bottom], 1)


def losses(
    logits: Tensor, sides: Tensor, wanted: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Focal loss of the heat map (CornerNet's) and generalised IoU loss of the boxes."""
    heat, counts, boxes, weight = wanted
    logits = logits.float()
    chance = logits.sigmoid().clamp(1e-5, 1 - 1e-5)
    peak = heat == 1
    missed = -((1 - chance) ** 2) * chance.log() * peak
    false = -((1 - heat) ** 4) * chance**2 * (1 - chance).log() * ~peak
    objects = max(int(peak.sum()), 1)
    found = corners(sides)
    low = torch.maximum(found[:, :2], boxes[:, :2])
    high = torch.minimum(found[:, 2:], boxes[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    union = _areas(found) + _areas(boxes) - shared
    hull = torch.maximum(found[:, 2:], boxes[:, 2:]) - torch.minimum(found[:, :2], boxes[:, :2])
    hull_area = hull.prod(1).clamp(min=1e-6)
    giou = shared / union.clamp(min=1e-6) - (hull_area - union) / hull_area
    return ((missed + false) * counts).sum() / objects, ((1 - giou) * weight).sum() / objects


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]).clamp(min=0) * (boxes[:, 3] - boxes[:, 1]).clamp(min=0)
