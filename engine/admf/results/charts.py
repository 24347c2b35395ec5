"""Line charts as inline SVG: no script, no network, colours from the page's style sheet."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

WIDTH = 960
LEFT, RIGHT, TOP, BOTTOM = 84, 12, 12, 28  # margins
BUCKETS = 450  # each is drawn by its lowest and its highest value: no spike is lost
X_TICKS = 5
Y_SPACING = 44  # pixels from mark to mark, about

Floats = NDArray[np.float64]


def line_chart(
    values: Floats, kind: str, height: int, y_text: Callable[[float], str], x_text: Callable[[int], str]
) -> str:
    """One line over the index of `values` with the area to its base filled; empty where nothing is finite.

    `kind` is the CSS class; the base is zero where the values never rise above it, else the lower edge.
    """
    index, points = thin(values)
    if not len(points):
        return ""
    ticks = nice_ticks(float(points.min()), float(points.max()), (height - TOP - BOTTOM) // Y_SPACING)
    low, high = ticks[0], ticks[-1]
    span = height - TOP - BOTTOM
    x = LEFT + index / max(len(values) - 1, 1) * (WIDTH - LEFT - RIGHT)
    y = TOP + (high - points) / (high - low) * span
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    base = TOP if high <= 0.0 else height - BOTTOM
    marks = [_y_mark(TOP + (high - tick) / (high - low) * span, y_text(tick)) for tick in ticks]
    marks += [_x_mark(bar, len(values), height - 8, x_text(bar)) for bar in _spread(len(values))]
    return (
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {height}" role="img">{"".join(marks)}'
        f'<polygon points="{x[0]:.1f},{base} {line} {x[-1]:.1f},{base}"/><polyline points="{line}"/></svg>'
    )


def thin(values: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Index and value of at most 2·BUCKETS finite points: the lowest and the highest of each stretch."""
    kept = np.flatnonzero(np.isfinite(values))
    if len(kept) > 2 * BUCKETS:
        starts = np.linspace(0, len(kept), BUCKETS, endpoint=False).astype(np.int64)
        stretches = np.split(kept, starts[1:])
        pairs = [sorted({int(part[values[part].argmin()]), int(part[values[part].argmax()])}) for part in stretches]
        kept = np.array([bar for pair in pairs for bar in pair])
    return kept.astype(np.int64), values[kept]


def nice_ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers (1, 2 or 5 · 10^k apart) that span [low, high], two at least."""
    if high - low <= 1e-12 * max(abs(high), abs(low)):
        room = abs(high) * 0.01 or 1.0
        low, high = low - room, high + room
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= raw * (1.0 - 1e-9))
    return [number * step for number in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _spread(count: int) -> list[int]:
    """Indices of the marks on the time axis, first and last included."""
    bars: list[int] = np.unique(np.linspace(0, count - 1, X_TICKS).astype(np.int64)).tolist()
    return bars


def _y_mark(y: float, text: str) -> str:
    grid = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{grid}<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _x_mark(bar: int, count: int, y: int, text: str) -> str:
    share = bar / max(count - 1, 1)
    anchor = "start" if share == 0 else "end" if share == 1 else "middle"
    x = LEFT + share * (WIDTH - LEFT - RIGHT)
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}">{text}</text>'
