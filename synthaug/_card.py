"""What a notebook shows of a record: a sentence, a small table, a note. Every text in it is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_MARKS = {"helps": ("▲", "#2a86cc"), "hurts": ("▼", "#cf6320"), "flat": ("●", "#808892")}
_BOX = "font:14px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums;max-width:60em;margin:4px 0"
_TABLE = "border-collapse:collapse;font-size:inherit;margin:8px 0"
_CELL = "padding:3px 14px 3px 0;border:0;background:none;vertical-align:top;text-align:left"


@dataclass(frozen=True)
class CardTable:
    """Rows of text under a head.

    Attributes
    ----------
    head
        The columns' names.
    rows
        As many texts each.
    bold
        The places of rows to be shown in bold.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    bold: frozenset[int] = frozenset()


def card(sentences: Sequence[tuple[str, str]], table: CardTable | None = None, *, note: str = "") -> str:
    """Return sentences, and a table and a note below them, as HTML that takes a notebook's own colours.

    Parameters
    ----------
    sentences
        Pairs of a tone, ``helps``, ``hurts`` or ``flat``, and a text.
    table
        What stands below; None for nothing.
    note
        A line in small letters at the end.

    Examples
    --------
    >>> "a &lt; b" in card([("flat", "a < b")])
    True
    """
    lines = "".join(_sentence(tone, text) for tone, text in sentences)
    small = f'<div style="opacity:.75;font-size:12.5px">{escape(note)}</div>' if note else ""
    return f'<div style="{_BOX}">{lines}{"" if table is None else _table(table)}{small}</div>'


def _sentence(tone: str, text: str) -> str:
    mark, colour = _MARKS[tone]
    return f'<div><span style="color:{colour};padding-right:8px">{mark}</span>{escape(text)}</div>'


def _table(table: CardTable) -> str:
    head = _row(table.head, "th", bold=False)
    rows = "".join(_row(row, "td", bold=place in table.bold) for place, row in enumerate(table.rows))
    return (
        f'<div style="overflow-x:auto"><table style="{_TABLE}"><thead>{head}</thead><tbody>{rows}</tbody></table></div>'
    )


def _row(texts: Sequence[str], tag: str, *, bold: bool) -> str:
    weight = "font-weight:600;" if bold else "font-weight:400;" if tag == "td" else "font-weight:500;opacity:.75;"
    cells = "".join(f'<{tag} style="{weight}{_CELL}">{escape(text)}</{tag}>' for text in texts)
    return f"<tr>{cells}</tr>"
