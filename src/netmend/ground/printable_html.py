"""Text from outside, made safe to show in a page."""

import html

from netmend.ground.printable import printable


def escape(text: str) -> str:
    """`text` as HTML, in an element or an attribute, with what would mislead a reader written out."""
    return html.escape(printable(text))
