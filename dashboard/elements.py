"""Elements of HTML as the plain data that Dash sends to a browser, called like those of `dash.html`.

Pages make thousands of them after every change, and an object of Dash takes many times as long to make and to encode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Element: TypeAlias = Any
"""A dict; Dash takes it wherever it takes a component, and its types do not say so."""


def _tag(name: str) -> Callable[..., Element]:
    """tag(children, **properties), named as `dash.html` names them."""

    def element(children: Any = None, **properties: Any) -> Element:
        return {"props": {"children": children, **properties}, "type": name, "namespace": "dash_html_components"}

    return element


A = _tag("A")
Aside = _tag("Aside")
Button = _tag("Button")
Code = _tag("Code")
Dd = _tag("Dd")
Div = _tag("Div")
Dl = _tag("Dl")
Dt = _tag("Dt")
Figcaption = _tag("Figcaption")
Figure = _tag("Figure")
H1 = _tag("H1")
H2 = _tag("H2")
Header = _tag("Header")
Li = _tag("Li")
Main = _tag("Main")
Nav = _tag("Nav")
Ol = _tag("Ol")
P = _tag("P")
Section = _tag("Section")
Span = _tag("Span")
Strong = _tag("Strong")
Table = _tag("Table")
Tbody = _tag("Tbody")
Td = _tag("Td")
Th = _tag("Th")
Thead = _tag("Thead")
Time = _tag("Time")
Tr = _tag("Tr")
Ul = _tag("Ul")
