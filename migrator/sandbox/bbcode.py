"""HTML to BB code, the way `comments` are normalized on save.

Source: core-corp: modules/crm/lib/Model/FieldRepository.php; b24restdocs .../crm-item-add.md
(the sample sends HTML and shows BB code). Simple tags only; the rest is stripped, text kept.
"""

from __future__ import annotations

import html
import re

_PAIRS = {
    "b": "B",
    "strong": "B",
    "i": "I",
    "em": "I",
    "u": "U",
    "s": "S",
    "del": "S",
    "ul": "LIST",
}
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_NAME = re.compile(r"</?([a-zA-Z0-9]+)")
_HREF = re.compile(r"""href\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)


def from_html(text: str) -> str:
    if not _TAG.search(text):
        return text
    return html.unescape(_TAG.sub(_replace, text))


def _replace(match: re.Match[str]) -> str:
    tag = match.group(0)
    found = _NAME.match(tag)
    name = found[1].lower() if found else ""
    closing = tag.startswith("</")
    if name in _PAIRS:
        return f"[/{_PAIRS[name]}]" if closing else f"[{_PAIRS[name]}]"
    if name == "a":
        href = _HREF.search(tag)
        return "[/URL]" if closing else f"[URL={href[1]}]" if href else "[URL]"
    fixed = {"br": "\n", "ol": "[/LIST]" if closing else "[LIST=1]", "p": "\n" if closing else ""}
    return fixed.get(name, "[*]" if name == "li" and not closing else "")
