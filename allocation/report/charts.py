"""Charts as SVG, declared in the grammar of Vega-Lite and drawn here: the report asks for nothing outside itself.

Belongs here: how a chart looks, whatever it shows. Does not belong here: which charts there are.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 640, 320
LOCALE = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["€ ", ""]}


def svg(chart: Any) -> Markup:
    """The chart (of altair) as SVG that can stand in a page. Numbers are written as in Dutch."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(chart.to_dict(), format_locale=LOCALE)
    return Markup(drawn)


def styled(chart: Any) -> Any:
    """The chart in the type of the report, without a frame."""
    return chart.configure(font="Liberation Sans, Arial, sans-serif").configure_view(stroke=None)
