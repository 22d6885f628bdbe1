"""Figures with their intervals, drawn as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from shopsight.evaluate.resampling import Interval

_LEFT, _WIDE, _RIGHT = 170, 250, 60
_ROW, _TOP, _BOTTOM = 26, 8, 24
_LABEL = 22  # letters of a name that fit


def intervals(figure: str, rows: Mapping[str, Interval]) -> str:
    """One figure of several encoders: a dot each, a line from end to end of its interval.

    Args:
        figure: Its name, read out to those who cannot see the drawing.
        rows: Name of an encoder -> its figure, 0 to 1.

    Returns:
        An ``svg`` element; the page gives its classes ``axis``, ``range``, ``dot`` colours.
    """
    height = _TOP + _ROW * len(rows) + _BOTTOM
    width = _LEFT + _WIDE + _RIGHT
    spoken = ", ".join(
        f"{name} {one.value:.3f} ({one.low:.3f} to {one.high:.3f})" for name, one in rows.items()
    )
    words = escape(f"{figure}: {spoken}")
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{words}">']
    parts += _axis(height - _BOTTOM)
    for place, (name, one) in enumerate(rows.items()):
        parts += _row(_TOP + _ROW * place + _ROW / 2, name, one)
    return "".join([*parts, "</svg>"])


def _axis(bottom: float) -> Sequence[str]:
    marks = []
    for step in range(6):
        x = _x(step / 5)
        marks.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>')
        marks.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{step / 5:.1f}</text>')
    return marks


def _row(y: float, name: str, one: Interval) -> Sequence[str]:
    text = name if len(name) <= _LABEL else f"…{name[1 - _LABEL :]}"
    low, high, value = (_x(min(max(end, 0), 1)) for end in (one.low, one.high, one.value))
    return [
        f'<text x="{_LEFT - 14}" y="{y + 4}" text-anchor="end">{escape(text)}</text>',
        f'<line class="range" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>',
        f'<circle class="dot" cx="{value}" cy="{y}" r="5"/>',
        f'<text x="{_LEFT + _WIDE + 14}" y="{y + 4}">{one.value:.3f}</text>',
    ]


def _x(share: float) -> float:
    return round(_LEFT + share * _WIDE, 1)
