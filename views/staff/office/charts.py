"""The geometry of a small column chart; the template adds texts and colours."""

from types import SimpleNamespace

# In units of the SVG, which the page scales.
WIDTH, HEIGHT = 400, 240
LEFT, RIGHT, TOP, BOTTOM = 36, 8, 8, 24
GAP = 0.2

# This many names fit below the columns.
MAX_NAMES = 14


def stacked(columns):
    """Return a chart of columns, each given as its name and the number of each kind.

    Each of its lines across has a number and a height. A column has its parts from the bottom up, and its name, or ""
    where there is no room for it.
    """
    top = _axis_maximum(max(sum(numbers.values()) for _, numbers in columns))
    baseline, step = HEIGHT - BOTTOM, (WIDTH - LEFT - RIGHT) / len(columns)
    scale = (baseline - TOP) / top
    every = -(-len(columns) // MAX_NAMES)
    return SimpleNamespace(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        column_width=round(step * (1 - GAP), 1),
        lines=[(number, round(baseline - number * scale, 1)) for number in (0, top // 2, top)],
        columns=[
            SimpleNamespace(
                x=round(LEFT + step * (place + GAP / 2), 1),
                middle=round(LEFT + step * (place + 0.5), 1),
                # Counted from the end, so that the newest column has its name.
                name=name if (len(columns) - 1 - place) % every == 0 else "",
                parts=_parts(numbers, baseline, scale),
            )
            for place, (name, numbers) in enumerate(columns)
        ],
    )


def _parts(numbers, baseline, scale):
    parts, below = [], 0
    for kind, number in numbers.items():
        below += number
        if number:
            height = round(number * scale, 1)
            parts.append(SimpleNamespace(kind=kind, y=round(baseline - below * scale, 1), height=height))
    return parts


def _axis_maximum(number):
    """Return the smallest of 2, 4, 6, 8, 10, 20, 30 … that is not below a number."""
    unit = 10 ** (len(str(max(1, number - 1))) - 1)
    return next(top for top in range(unit, 11 * unit, unit) if top >= number and top % 2 == 0)
