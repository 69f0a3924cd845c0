"""Would this exit have been permitted? A dated statement of rules, applied in three values, apart from the reasons.

Third floor, in the room of records. A record rarely says what a rule asks (how severe an illness is, whether
treatment is to be had inside), so a fact is true, false or unknown, and a share of permitted exits is a range.

Read next: rule_status.py (the answer), coded.py (the reasons).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError, IdentificationError
from exitmodels.records.coded import CodedReasons
from exitmodels.records.rule_status import STATUS, VERDICTS, RuleStatus

__all__ = ["Clause", "Statement"]

FALSE, UNKNOWN, TRUE = 0.0, 0.5, 1.0


@dataclass(frozen=True)
class Clause:
    """One rule: its name, what it decides, and the condition in ``and``, ``or``, ``not`` over named facts."""

    name: str
    verdict: str
    condition: str


@dataclass(frozen=True)
class Statement:
    """An official statement of what is permitted, with its date and reach.

    Parameters
    ----------
    version : str
    valid_from : (str, str)
        First and last day on which it can have come into force.
    clauses : tuple of Clause
        A clause "prohibited" overrides one "permitted"; "undetermined" says that the statement leaves such cases open.
    jurisdiction, source : str

    Raises
    ------
    DataError
        For a condition that cannot be read, an unknown verdict, or dates out of order.

    Notes
    -----
    Three values: "and" is the least, "or" the greatest, "not" the mirror of its terms (Kleene, 1952). A fact that
    appears twice is not resolved by cases, so a status is never more certain than the facts, and can be less.

    Examples
    --------
    >>> rule = Statement("r", ("2016-10-01", "2016-10-14"), (Clause("R1", "permitted", "MED and severe"),))
    >>> rule.evaluate({"MED": [True, True, False], "severe": [True, None, True]}, screen=True).status.tolist()
    ['permitted', 'undetermined', 'not addressed']
    """

    version: str
    valid_from: tuple[str, str]
    clauses: tuple[Clause, ...]
    jurisdiction: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        begin, end = (np.datetime64(day, "D") for day in self.valid_from)
        if not begin <= end:
            raise _refusal(f"valid_from runs from {begin} back to {end}.", "Give the earliest day first.")
        for clause in self.clauses:
            if clause.verdict not in VERDICTS:
                raise _refusal(f"The verdict {clause.verdict!r} is not known.", f"Use one of {', '.join(VERDICTS)}.")
            _tree(clause.condition)

    @classmethod
    def named(cls, version: str = "exit-rules-2016") -> Statement:
        """Return a shipped statement: "exit-rules-2016", the answer printed in Al-Naba 49 (date from its number)."""
        if version != _SHIPPED.version:
            raise _refusal(f"No statement {version!r} is shipped.", f'Use "{_SHIPPED.version}", or write your own.')
        return _SHIPPED

    @cached_property
    def facts(self) -> tuple[str, ...]:
        """Every fact that a condition names."""
        names = (n.id for c in self.clauses for n in ast.walk(_tree(c.condition)) if isinstance(n, ast.Name))
        return tuple(dict.fromkeys(names))

    def evaluate(
        self,
        reasons: CodedReasons | Mapping[str, Any],
        facts: Mapping[str, Any] | None = None,
        *,
        dates: Any = None,
        screen: bool = False,
    ) -> RuleStatus:
        """Apply the statement to each record.

        Parameters
        ----------
        reasons : CodedReasons or mapping of fact to values
            A code not named is false; unknown when the reason is unknown or a clause of the text is uncoded.
        facts : mapping of str to (n,) values, optional
            True, False, or None (NaN): unknown. Facts not given are unknown for everyone.
        dates : (n,) dates, optional
            Day of each exit: before the statement it says nothing; within `valid_from` the status is undetermined
            unless the statement does not bear on the record at all.
        screen : bool
            Ignore the dates: would these exits have qualified? A counterfactual, and labelled as such.

        Raises
        ------
        IdentificationError
            When every exit lies before the statement.
        DataError
            For facts that no condition names, wrong lengths, values that are not three-valued, or dates not given.
        """
        values, n = self._values(reasons, facts or {})
        truth = {c.name: _truth(_tree(c.condition).body, values, n) for c in self.clauses}
        banned = _any([truth[c.name] for c in self.clauses if c.verdict == "prohibited"], n)
        allowed = _any([truth[c.name] for c in self.clauses if c.verdict == "permitted"], n)
        left_open = _any([truth[c.name] for c in self.clauses if c.verdict == "undetermined"], n)
        allowed = np.maximum(allowed, np.minimum(left_open, UNKNOWN))
        permitted = np.minimum(allowed, 1 - banned)
        code = np.where(
            banned == TRUE, 1, np.where(permitted == TRUE, 0, np.where((allowed == 0) & (banned == 0), 2, 3))
        )
        if not screen:
            before, perhaps = self._when(dates, n)
            code = np.where(before, 4, np.where(perhaps & (code < 2), 3, code))
            permitted, banned = (np.where(perhaps, np.minimum(v, UNKNOWN), v) for v in (permitted, banned))
        return RuleStatus(
            version=self.version,
            status=np.array(STATUS, dtype=object)[code],
            screen=screen,
            clauses=tuple(truth),
            truth=np.column_stack(list(truth.values())),
            decided=np.column_stack([permitted, banned]),
            method=f"Exits under {self.version}" + (", a counterfactual screen (dates ignored)" if screen else ""),
        )

    def _when(self, dates: Any, n: int) -> tuple[Any, Any]:
        if dates is None:
            raise _refusal("The dates of the exits are not given.", "Give dates=, or screen=True to ignore the date.")
        day = np.asarray(dates).astype("datetime64[D]")
        if len(day) != n or np.isnat(day).any():
            raise _refusal("Dates are missing, or not one for each record.", "Give one date for each record.")
        begin, end = (np.datetime64(d, "D") for d in self.valid_from)
        if (day < begin).all():
            raise IdentificationError(
                f"All {n} exits (the last on {day.max()}) come before {self.version} (from {begin} at the earliest).",
                code="policy-outside-window",
                hint="These records cannot show how it was applied. screen=True asks the counterfactual question.",
            )
        return day < begin, (day >= begin) & (day < end)

    def _values(self, reasons: Any, facts: Mapping[str, Any]) -> tuple[dict[str, Floats], int]:
        given: dict[str, Any] = {}
        if isinstance(reasons, CodedReasons):
            unsure = reasons.is_unknown | reasons.is_partial
            for j, code in enumerate(reasons.codebook.codes):
                if code in self.facts:
                    given[code] = np.where(reasons.named[:, j], TRUE, np.where(unsure, UNKNOWN, FALSE))
        else:
            given = {name: _three(name, value) for name, value in reasons.items()}
        strange = sorted((set(facts) | set(given)) - set(self.facts))
        if strange:
            raise _refusal(f"No condition names {', '.join(strange)}.", f"Facts: {', '.join(self.facts)}.")
        given |= {name: _three(name, value) for name, value in facts.items()}
        n = reasons.nobs if isinstance(reasons, CodedReasons) else len(next(iter(given.values()), ()))
        wrong = [name for name, value in given.items() if len(value) != n]
        if wrong or not n:
            raise _refusal(f"Not one value for each record: {', '.join(wrong)}.", f"Give {n} values.")
        return {name: given.get(name, np.full(n, UNKNOWN)) for name in self.facts}, n


def _tree(condition: str) -> ast.Expression:
    try:
        tree = ast.parse(condition.strip(), mode="eval")
    except SyntaxError:
        tree = None
    allowed = (ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Name, ast.Load)
    if tree is None or not all(isinstance(node, allowed) for node in ast.walk(tree)):
        raise _refusal(f"The condition {condition!r} cannot be read.", "Write names of facts with and, or, not, ( ).")
    return tree


def _truth(node: ast.expr, values: Mapping[str, Floats], n: int) -> Floats:
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.UnaryOp):
        return 1 - _truth(node.operand, values, n)
    assert isinstance(node, ast.BoolOp)
    terms = np.stack([_truth(term, values, n) for term in node.values])
    return np.asarray(terms.min(axis=0) if isinstance(node.op, ast.And) else terms.max(axis=0))


def _any(terms: list[Floats], n: int) -> Floats:
    return np.asarray(np.max(terms, axis=0)) if terms else np.zeros(n)


def _three(name: str, value: Any) -> Floats:
    items = list(value)
    unknown = [v is None or v != v or str(v) == "<NA>" for v in items]
    if not all(u or v in (0, 1) for u, v in zip(unknown, items, strict=True)):
        raise DataError("A fact is true, false or unknown.", column=name, code="rule", hint="Give True, False or None.")
    return np.array([UNKNOWN if u else float(v) for u, v in zip(unknown, items, strict=True)])


def _refusal(message: str, hint: str) -> DataError:
    return DataError(message, code="rule", hint=hint)


_SHIPPED = Statement(
    version="exit-rules-2016",
    valid_from=("2016-09-17", "2016-10-14"),
    clauses=(
        Clause("R1", "permitted", "MED and (death_risk or organ_damage) and not available_inside"),
        Clause("R2", "permitted", "TRD and needed_goods"),
        Clause("R3", "undetermined", "temporary and necessity"),
        Clause("R4", "prohibited", "permanent"),
    ),
    jurisdiction="as published; local rules differed",
    source="interview in Al-Naba 49; the day is bracketed by counting weekly issues",
)
