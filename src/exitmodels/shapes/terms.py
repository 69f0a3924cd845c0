"""Which columns a formula names, and formulaic's reading of its covariate terms.

First floor.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import Any

from exitmodels.errors import FormulaError
from exitmodels.shapes.formula import parse

__all__ = ["factors_of", "formulaic_formula", "names_of", "variables"]


@lru_cache(maxsize=256)
def formulaic_formula(terms: str) -> Any:
    from formulaic import Formula as Read
    from formulaic.errors import FormulaicError

    try:
        return Read(f"1 + {terms}" if terms else "1")
    except (FormulaicError, SyntaxError, ValueError) as problem:
        raise FormulaError(
            f"The formula {terms!r} cannot be read: {str(problem).splitlines()[0]}",
            code="formula",
            hint='Write terms as in "age + C(unit) + bs(day, df=4)".',
        ) from problem


@lru_cache(maxsize=256)
def variables(formula: str) -> tuple[str, ...]:
    """Return the columns that a formula needs: covariates, strata, clusters and offsets.

    >>> variables("age + log(prio) + strata(unit)")
    ('age', 'prio', 'unit')
    """
    parsed = parse(formula)
    found: list[str] = list(parsed.plain) if parsed.plain is not None else names_of(parsed.terms)
    for expression in parsed.offset:
        found += names_of(expression)
    return tuple(dict.fromkeys([*found, *parsed.strata, *parsed.cluster]))


def names_of(terms: str) -> list[str]:
    factors = [factor for term in formulaic_formula(terms) for factor in term.factors]
    looked_up = [[str(f.expr)] if f.eval_method.value == "lookup" else _names_inside(str(f.expr)) for f in factors]
    return list(dict.fromkeys(name for names in looked_up for name in names))


@lru_cache(maxsize=256)
def factors_of(terms: str) -> tuple[str, ...]:
    """Columns that stand inside C(...), and so are factors though they may be numbers."""
    found: list[str] = []
    for factor in (factor for term in formulaic_formula(terms) for factor in term.factors):
        code = re.sub(r"`[^`]+`", "0", str(factor.expr))
        for node in ast.walk(ast.parse(code, mode="eval")) if "C(" in code else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "C":
                found += [node.args[0].id] if node.args and isinstance(node.args[0], ast.Name) else []
    return tuple(dict.fromkeys(found))


def _names_inside(expression: str) -> list[str]:
    """Column names in one factor: every name that is not called and not the owner of a function."""
    quoted = re.findall(r"`([^`]+)`", expression)
    try:
        tree = ast.parse(re.sub(r"`[^`]+`", "0", expression), mode="eval")
    except SyntaxError:
        return [expression]
    nodes = list(ast.walk(tree))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    owners = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    return quoted + [node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called | owners]
