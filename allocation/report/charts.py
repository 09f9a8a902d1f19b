"""Charts as SVG, declared in the grammar of Vega-Lite and drawn here: the report asks for nothing outside itself.

Texts and axes take the colour of the text around the drawing, so that one drawing serves light and dark. For a screen
reader it is silent: a sentence or a table beside it says what it shows. Belongs here: how a chart looks, whatever it
shows. Does not belong here: which charts there are.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 640, 320
LOCALE = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["€ ", ""]}
INK, QUIET = "#010203", "#8a8f98"
"""``INK`` becomes the colour of the text around the chart; ``QUIET`` is read on light and dark."""


def svg(chart: Any) -> Markup:
    """The chart (of altair) as SVG that can stand in a page. Numbers are written as in Dutch; every text is escaped."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(chart.to_dict(), format_locale=LOCALE)
    whole = drawn[drawn.index("<svg") :].replace(f'"{INK}"', '"currentColor"')
    return Markup(whole.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1))


def styled(chart: Any) -> Any:
    """The chart in the type of the report, without a frame or a ground of its own."""
    text = {"labelColor": INK, "titleColor": INK, "labelFontSize": 11}
    lines = {"domainColor": QUIET, "tickColor": QUIET, "gridColor": QUIET, "gridOpacity": 0.25}
    along = {"labelFlush": False, "labelOverlap": "greedy", "labelSeparation": 6}
    axis = text | lines | {"labelLimit": 220, "labelOverlap": False, "titleFontSize": 11, "titleFontWeight": "normal"}
    dressed = chart.configure(font="Liberation Sans, Arial, sans-serif", aria=False, background="transparent")
    return (
        dressed.configure_view(stroke=None)
        .configure_axis(**axis)
        .configure_axisX(**along)
        .configure_legend(orient="top", **text)
    )
