"""Puts tables into docs/performance.md, between `<!-- table: NAME -->` and `<!-- end -->`; what stands around them
stays.
"""

import re


def render(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def put(text, name, table):
    """The text with another table of a name. Raises ValueError where the text has no place for it."""
    place = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not place.search(text):
        raise ValueError(f"expected `<!-- table: {name} -->` … `<!-- end -->`, found none")
    return place.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text)


def seconds(value):
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def milliseconds(value):
    return f"{value * 1000:.1f}" if value < 0.1 else f"{value * 1000:,.0f}"


def megabytes(value):
    return f"{value / 1e6:,.0f}"


def times(value):
    return f"{value:.2f}"


def failed(name, reason, width):
    """The row of something that could not be measured."""
    reason = " ".join(reason.split()).replace("|", "/")
    return [name, f"not measured: {reason[:240]}", *[""] * (width - 2)]
