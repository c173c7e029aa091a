"""The geometry of a small column chart; the template adds texts and colours."""

from typing import NamedTuple

# In units of the SVG, which the page scales.
WIDTH, HEIGHT = 400, 240
LEFT, RIGHT, TOP, BOTTOM = 36, 8, 8, 24
GAP = 0.2

# This many names fit below the columns.
MAX_NAMES = 14


class Segment(NamedTuple):
    """One part of a column."""

    kind: str
    y: float
    height: float


class Column(NamedTuple):
    """One column: its parts from the bottom up, and its name, or "" where there is no room for it."""

    x: float
    middle: float
    name: str
    parts: list[Segment]


class Chart(NamedTuple):
    """A chart of stacked columns; each of the lines across has a number and a height."""

    column_width: float
    lines: list[tuple[int, float]]
    columns: list[Column]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def stacked(columns):
    """Return a chart of columns, each given as its name and the number of each kind."""
    top = _axis_maximum(max(sum(numbers.values()) for _, numbers in columns))
    baseline, step = HEIGHT - BOTTOM, (WIDTH - LEFT - RIGHT) / len(columns)
    scale = (baseline - TOP) / top
    every = -(-len(columns) // MAX_NAMES)
    return Chart(
        round(step * (1 - GAP), 1),
        [(number, round(baseline - number * scale, 1)) for number in (0, top // 2, top)],
        [
            Column(
                round(LEFT + step * (place + GAP / 2), 1),
                round(LEFT + step * (place + 0.5), 1),
                # Counted from the end, so that the newest column has its name.
                name if (len(columns) - 1 - place) % every == 0 else "",
                _parts(numbers, baseline, scale),
            )
            for place, (name, numbers) in enumerate(columns)
        ],
    )


def _parts(numbers, baseline, scale):
    parts, below = [], 0
    for kind, number in numbers.items():
        below += number
        if number:
            parts.append(Segment(kind, round(baseline - below * scale, 1), round(number * scale, 1)))
    return parts


def _axis_maximum(number):
    """Return the smallest of 2, 4, 6, 8, 10, 20, 30 … that is not below a number."""
    unit = 1
    while number > 10 * unit:
        unit *= 10
    return next(top for top in range(unit, 11 * unit, unit) if top >= number and top % 2 == 0)
