"""The right-hand side of a model, read: covariate terms, strata(), cluster(), offset().

First floor. formulaic reads the covariate terms; the three marks that belong
to hazard models are taken out here first, because no formula package knows them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from exitmodels.errors import FormulaError

__all__ = ["Formula", "parse", "split_terms"]

_MARKS = ("strata", "cluster", "offset")
_NAME = re.compile(r"[^\W\d][\w.]*$|`[^`]+`$")
_CALL = re.compile(r"(strata|cluster|offset|frailty|tt|pspline|ridge)\s*\((.*)\)$", re.DOTALL)
_INSIDE = re.compile(r"(?<![\w.])(strata|cluster|offset)\s*\(")


@dataclass(frozen=True)
class Formula:
    """What a formula asks for.

    Attributes
    ----------
    terms : str
        Covariate terms, for formulaic; empty when there are none.
    plain : tuple of str or None
        Column names, when the terms are nothing but a sum of names.
    strata, cluster : tuple of str
        Column names.
    offset : tuple of str
        Expressions to be added to the linear predictor.
    """

    text: str
    terms: str
    plain: tuple[str, ...] | None
    strata: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()
    offset: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def parse(text: str) -> Formula:
    """Read a formula.

    >>> f = parse("fin + log(age) + strata(race, mar) + offset(log(weeks))")
    >>> f.terms, f.strata, f.offset
    ('fin + log(age)', ('race', 'mar'), ('I(log(weeks))',))

    Raises
    ------
    FormulaError
        For a left-hand side, a removed intercept, or a mark inside an interaction.
    """
    if "~" in text:
        raise FormulaError(
            f"The formula {text!r} has a left-hand side.",
            code="formula",
            hint="Write only the covariates; times and events come from the spells.",
        )
    covariates: list[str] = []
    marks: dict[str, list[str]] = {mark: [] for mark in _MARKS}
    for sign, term in split_terms(text):
        call = _CALL.match(term)
        if call and call.group(1) in marks and _balanced(call.group(2)):
            _add_mark(marks, call.group(1), call.group(2), sign, text)
        elif call and call.group(1) not in marks:
            raise FormulaError(
                f"{term!r} is not understood here.",
                code="formula",
                hint="Use bs(), cr() or poly() for curves, strata() for strata, cluster() for clusters; pspline() is "
                "for Cox.",
            )
        elif _INSIDE.search(term):
            raise FormulaError(
                f"strata(), cluster() and offset() stand alone in a formula; {term!r} puts one inside a term.",
                code="formula",
                hint="For separate effects in each stratum write x:group beside strata(group).",
            )
        elif term in ("0", "-1") or (sign == "-" and term == "1"):
            raise FormulaError(
                f"The formula {text!r} removes the intercept.",
                code="formula",
                hint="Leave it out of the formula: the model supplies it (in a hazard model, the baseline).",
            )
        elif term != "1":
            covariates.append(
                f"{sign} `{term}`" if "." in term and term[0] != "`" and _NAME.match(term) else f"{sign} {term}"
            )
    joined = " ".join(covariates).removeprefix("+ ").strip()
    names = [term.removeprefix("+ ") for term in covariates]
    plain = tuple(name.strip("`") for name in names) if all(_NAME.match(name) for name in names) else None
    return Formula(text, joined, plain, *(tuple(marks[mark]) for mark in _MARKS))


def _add_mark(marks: dict[str, list[str]], mark: str, inside: str, sign: str, text: str) -> None:
    parts = [part.strip() for part in _commas(inside)]
    if sign == "-" or not all(parts):
        raise FormulaError(f"{mark}() is empty or subtracted in {text!r}.", code="formula", hint="Name its columns.")
    if mark != "offset":
        for part in parts:
            if not _NAME.match(part):
                raise FormulaError(
                    f"{mark}({part}) is not a column name.", code="formula", hint="Make the column first, then name it."
                )
    marks[mark] += [part.strip("`") if mark != "offset" else f"I({part})" for part in parts]


def _scan(text: str) -> list[tuple[int, str]]:
    """Positions and characters at depth zero, outside quotes."""
    depth, quote, found = 0, "", []
    for i, c in enumerate(text):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"`":
            quote = c
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif depth == 0:
            found.append((i, c))
    if depth or quote:
        raise FormulaError(f"Brackets or quotes do not match in {text!r}.", code="formula", hint="Close each of them.")
    return found


def split_terms(text: str) -> list[tuple[str, str]]:
    """Cut a formula at its plus and minus signs: pairs of sign and term."""
    cuts = [(i, c) for i, c in _scan(text) if c in "+-" and not text[:i].rstrip().endswith(("*", ":", "/", "^"))]
    edges = [(-1, "+"), *cuts, (len(text), "")]
    parts = [(edges[j][1], text[edges[j][0] + 1 : edges[j + 1][0]].strip()) for j in range(len(edges) - 1)]
    return [(sign, part) for sign, part in parts if part]


def _commas(text: str) -> list[str]:
    cuts = [-1, *(i for i, c in _scan(text) if c == ","), len(text)]
    return [text[cuts[j] + 1 : cuts[j + 1]] for j in range(len(cuts) - 1)]


def _balanced(text: str) -> bool:
    try:
        _scan(text)
    except FormulaError:
        return False
    depth = 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            return False
    return True
