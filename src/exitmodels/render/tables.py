"""Tables for papers: LaTeX, Markdown and HTML from the same cells.

Ground floor: takes text and numbers, gives text.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from exitmodels.render.text import number

__all__ = ["to_html", "to_latex", "to_markdown"]

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else number(value)


def to_latex(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    caption: str = "",
    label: str = "",
    notes: Sequence[str] = (),
) -> str:
    r"""Return a booktabs table.

    >>> print(to_latex(["term", "coef"], [["fin_yes", -0.3794]]))
    \begin{tabular}{lr}
    \toprule
    term & coef \\
    \midrule
    fin\_yes & -0.3794 \\
    \bottomrule
    \end{tabular}
    """
    lines = [r"\begin{tabular}{l" + "r" * (len(columns) - 1) + "}", r"\toprule"]
    lines += [" & ".join(_latex(str(c)) for c in columns) + r" \\", r"\midrule"]
    lines += [" & ".join(_latex(_cell(c)) for c in row) + r" \\" for row in rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [r"\par\footnotesize " + _latex(note) for note in notes]
    if not (caption or label):
        return "\n".join(lines)
    head = [r"\begin{table}", r"\centering"]
    head += [rf"\caption{{{_latex(caption)}}}"] if caption else []
    head += [rf"\label{{{label}}}"] if label else []
    return "\n".join([*head, *lines, r"\end{table}"])


def to_markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a pipe table.

    >>> print(to_markdown(["term", "coef"], [["fin", -0.3794]]))
    | term | coef |
    |:---|---:|
    | fin | -0.3794 |
    """
    line = "| " + " | ".join(str(c).replace("|", r"\|") for c in columns) + " |"
    rule = "|:---" + "|---:" * (len(columns) - 1) + "|"
    body = ["| " + " | ".join(_cell(c).replace("|", r"\|") for c in row) + " |" for row in rows]
    return "\n".join([line, rule, *body])


def to_html(columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "") -> str:
    """Return a plain HTML table.

    >>> to_html(["term"], [["a<b"]])
    '<table><thead><tr><th>term</th></tr></thead><tbody><tr><td>a&lt;b</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{html.escape(str(c))}</th>" for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(_cell(c))}</td>" for c in row) + "</tr>" for row in rows)
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
