"""Spells: one row per person-spell, checked once, never changed.

First floor. A person is at risk on (entry, exit]. How rows came to be seen is
part of the data: `scheme` and the limits of the window travel with the spells,
and models that would be biased under them refuse.

Read next: reading.py (from a frame), splitting.py (cut and collapse).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from exitmodels.arrays import AnyArray, Floats, Ints
from exitmodels.errors import DataError, SchemeError
from exitmodels.kernels.risksets import RiskIndex, risk_index
from exitmodels.render.text import Block, Summary, number
from exitmodels.shapes import checks, landmarking, splitting
from exitmodels.shapes.between import last_known, refuse_contradiction
from exitmodels.shapes.columns import Columns
from exitmodels.shapes.frames import Table
from exitmodels.shapes.grouping import group_codes
from exitmodels.shapes.held import Held
from exitmodels.shapes.intake import events, labels_of, numeric
from exitmodels.shapes.ledger import Ledger

__all__ = ["Spells"]


class Spells(Held):
    """Spells of presence, each with the way it ended.

    Parameters
    ----------
    exit : (n,)
        Time at which the person left or was last seen; later than `entry`. May be left out when `lower` and
        `upper` are given: those with a finite `upper` have left.
    event : (n,), optional
        Booleans; or codes, 0 for not yet left and k for the k-th of `causes`; or labels with `censor`.
        By default every spell ends with an exit.
    entry : (n,), optional
        Time from which the person is at risk; 0 by default.
    weight : (n,), optional
        One number for each row.
    weights : {"frequency", "sampling"}
        What the weights mean: copies of a row, or inverse chances of being drawn.
    cluster, stratum : (n,), optional
        Labels of any kind.
    lower, upper : (n,), optional
        When the time of exit is only known to lie in (lower, upper].
    left_limit, right_limit : (n,), optional
        When a row could be seen only because its exit fell in (left_limit, right_limit].
    covariates : mapping of str to (n,), optional
    causes : sequence, optional
        Labels of the event codes 1, 2, ...
    censor : label or list of labels, optional
        Labels of `event` that mean "not yet left".
    unit : str
        Unit of time, for tables and figures.

    Attributes
    ----------
    entry, exit : (n,)
    event : (n,) int
        0 for censored; code k is ``causes[k - 1]``.
    causes : tuple
    weight : (n,) float64 or None
        None when every row counts once.
    cluster, stratum : (n,) int or None
    columns : mapping of str to Column
    ledger : Ledger

    Raises
    ------
    DataError
        If a rule of the table in the user guide is broken: missing or infinite times, spells that do not
        end after they begin, negative, all-zero or (for "frequency") fractional weights, unknown event codes.

    Examples
    --------
    >>> spells = Spells(exit=[6, 7, 10, 15], event=[1, 0, 1, 1], covariates={"age": [20, 31, 25, 40]})
    >>> len(spells), spells.n_events
    (4, 3.0)
    >>> spells.select(spells.exit > 6).exit
    array([ 7, 10, 15])
    """

    def __init__(
        self,
        exit: Any = None,
        event: Any = None,
        *,
        entry: Any = None,
        weight: Any = None,
        weights: str = "frequency",
        cluster: Any = None,
        stratum: Any = None,
        lower: Any = None,
        upper: Any = None,
        left_limit: Any = None,
        right_limit: Any = None,
        covariates: Mapping[str, Any] | None = None,
        causes: Iterable[Any] | None = None,
        censor: Any = None,
        unit: str = "D",
    ) -> None:
        only_limits = exit is None
        if only_limits:
            exit, known = _from_limits(lower, upper, entry)
            event, causes = (known, causes or ("exit",)) if event is None else (event, causes)
        times = numeric("exit", exit)
        n = len(times)
        checks.check_lengths(n, event=event, entry=entry, weight=weight, cluster=cluster, stratum=stratum)
        checks.check_lengths(n, lower=lower, upper=upper, left_limit=left_limit, right_limit=right_limit)
        checks.check_lengths(n, **{str(k): v for k, v in (covariates or {}).items()})
        codes, named = events(event, n, None if causes is None else tuple(causes), censor)
        if only_limits:
            refuse_contradiction(numeric("upper", upper), codes, np.arange(n))
        optional = {"lower": lower, "upper": upper, "left_limit": left_limit, "right_limit": right_limit}
        strata, stratum_labels = labels_of("stratum", stratum)
        self._fill(
            exit=times,
            event=codes,
            causes=named,
            entry=None if entry is None else numeric("entry", entry),
            weight=None if weight is None else numeric("weight", weight).astype(np.float64),
            weights=weights,
            cluster=labels_of("cluster", cluster)[0],
            stratum=strata,
            stratum_labels=stratum_labels,
            columns=Columns(Table(dict(covariates))) if covariates else Columns(),
            labels=np.arange(n),
            ledger=Ledger(n),
            unit=unit,
            scheme="censored" if right_limit is None and left_limit is None else "exits-only",
            **{name: None if v is None else numeric(name, v) for name, v in optional.items()},
        )
        self._check(("entry", "exit"))

    def _check(self, names: tuple[str, str]) -> None:
        """Keep the rules of the table of bad input."""
        for name, values in (("exit", self.exit), ("entry", self.entry if self.delayed else None)):
            if values is not None:
                checks.refuse_gaps(names[name == "exit"], checks.not_finite(values), self.labels)
        checks.check_order(self.entry if self.delayed else None, self.exit, self.labels, names)
        if self.weight is not None:
            checks.check_weights(self.weight, self.weights, self.labels, "weight")
        for low, high in ((self.lower, self.upper), (self.left_limit, self.right_limit)):
            if low is not None and high is not None and np.any(low > high):
                raise DataError(
                    "A lower limit exceeds its upper limit.",
                    rows=self.labels[np.flatnonzero(low > high)],
                    code="interval",
                    hint="Give (lower, upper] with lower <= upper.",
                )

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        exit: str | None = None,
        event: str | None = None,
        origin: str | None = None,
        entry: str | None = None,
        censor: Any = None,
        unknown: str | None = None,
        cluster: str | None = None,
        weight: str | None = None,
        weights: str = "frequency",
        stratum: str | Iterable[str] | None = None,
        lower: str | None = None,
        upper: str | None = None,
        unit: str = "D",
        window: tuple[Any, Any] | None = None,
        scheme: str = "censored",
        missing: str = "raise",
        date_format: str | None = None,
        timezone: str | None = None,
        day_fraction: float | None = None,
        open_end: str | None = None,
    ) -> Spells:
        """Read spells from a table.

        Parameters
        ----------
        frame : pandas, Polars, PyArrow or DuckDB table, or dict of arrays
        exit : str
            Column of durations (numbers or timedeltas); or of dates, when `origin` is given. May be left out
            when `lower` and `upper` are given: those with a finite `upper` have left.
        event : str, optional
            Column of booleans, 0/1, or labels with `censor`. Without it every row is an exit.
        origin : str, optional
            Column of dates at which each clock starts.
        entry : str, optional
            Column (of the kind of `exit`) from which the person is at risk; by default the origin.
        censor : label or list of labels, optional
            Labels of `event` that mean "not yet left"; a None in the list gives missing labels that meaning.
        unknown : str, optional
            Reason under which missing labels are counted.
        cluster, weight, stratum : str, optional
            Columns; `stratum` may be several.
        weights : {"frequency", "sampling"}
        lower, upper : str, optional
            Columns of the limits between which the exit is known to lie, (lower, upper], of the kind of `exit`;
            equal for exact times. Where the exit is not known to have happened `upper` is infinite; a missing
            date means that only where `event` says not yet left.
        unit : {"D", "W", "h", "min", "s", "Y"}
            Unit of time for dates and timedeltas; only a name for numbers.
        window : pair of dates, optional
            First and last day of the records, both inside.
        scheme : {"censored", "exits-only"}
            "censored": people still inside at the close are in the table as censored rows. People whose
            origin lies before the window are at risk from its first day only (delayed entry), for those who
            left earlier were never recorded. "exits-only": only exits inside the window were recorded; then
            `left_limit` and `right_limit` follow, and models that would be biased refuse.
        missing : {"raise", "drop"}
            What to do with rows that lack a value a model needs; dropped rows stand in the ledger.
        date_format : str, optional
            How dates written as text are to be read (strptime codes). Never guessed.
        timezone : str, optional
            Zone whose calendar days count, for columns with a time zone.
        day_fraction : float, optional
            Length given to spells that end on the day they begin.
        open_end : {"window"}, optional
            Missing exit dates are stays still open at the close of the window: censored there.

        Raises
        ------
        DataError
            For missing or infinite values, wrong order, unknown event codes, bad weights, text in numeric
            columns, dates that would have to be guessed, exits outside the window, and empty tables.

        Examples
        --------
        >>> Spells.from_frame({"week": [20, 17, 52], "arrest": [1, 1, 0]}, exit="week", event="arrest").n_events
        2.0
        """
        from exitmodels.shapes.reading import Reader

        reader = Reader(Table(frame), missing, unit, date_format, timezone, day_fraction)
        return reader.read(
            exit=exit,
            event=event,
            origin=origin,
            entry=entry,
            censor=censor,
            unknown=unknown,
            cluster=cluster,
            weight=weight,
            weights=weights,
            stratum=stratum,
            limits=(lower, upper),
            window=window,
            scheme=scheme,
            open_end=open_end,
        )

    # ---- size ------------------------------------------------------------------------------------------------
    def __len__(self) -> int:
        return len(self.exit)

    @property
    def n(self) -> float:
        """Rows, replications counted."""
        if self.weight is None or self.weights == "sampling":
            return float(len(self.exit))
        return float(self.weight.sum())

    @property
    def n_events(self) -> float:
        """Rows with an event of any cause, replications counted."""
        if self.weight is None or self.weights == "sampling":
            return float(np.count_nonzero(self.event))
        return float(self.weight[self.event > 0].sum())

    @property
    def entry_or_none(self) -> AnyArray | None:
        """`entry`, or None when everyone is at risk from 0; kernels take the shorter way then."""
        return self.entry if self.delayed else None

    @property
    def row_weight(self) -> Floats:
        """Weights as an array, ones when there are none."""
        return np.ones(len(self.exit)) if self.weight is None else self.weight

    # ---- what models ask -------------------------------------------------------------------------------------
    def for_cause(self, event: Any = None) -> Spells:
        """Return spells with one kind of event; exits for other causes become censored.

        Parameters
        ----------
        event : label, list of labels, or "any", optional
            May be left out only when there is one cause.
        """
        if event is None:
            if len(self.causes) == 1:
                return self
            raise DataError(
                f"There are {len(self.causes)} causes of exit, and none was chosen.",
                code="several-causes",
                hint=f'Give event="any", or one of: {", ".join(str(c) for c in self.causes)}.',
            )
        if isinstance(event, str) and event == "any" and "any" not in self.causes:
            return self._with(event=(self.event > 0).astype(np.int64), causes=("any",))
        chosen = list(event) if isinstance(event, (list, tuple, set)) else [event]
        unknown = [cause for cause in chosen if cause not in self.causes]
        if unknown:
            raise DataError(
                f"{unknown[0]!r} is not a cause of exit in these spells.",
                code="unknown-cause",
                hint=f'Causes: {", ".join(str(c) for c in self.causes)}; or "any".',
            )
        if len(self.causes) == 1:
            return self
        table = np.array([0] + [int(cause in chosen) for cause in self.causes], dtype=np.int64)
        return self._with(event=table[self.event], causes=(" or ".join(str(c) for c in chosen),))

    def risk_index(self, stratum: Ints | None = None, n_strata: int = 1) -> RiskIndex:
        """Place the rows on the grid of event times (any cause), within strata if given."""
        return risk_index(self.entry_or_none, self.exit, self.event > 0, stratum, n_strata)

    def require_scheme(self, model: str, intervals: bool = False) -> None:
        """Refuse data that would make `model` biased, and name what to use.

        `intervals` says that the model takes times known only to lie between two others.
        """
        if self.scheme == "exits-only":
            raise SchemeError(
                f"{model} would be biased: these records exist only because the exit fell inside the window "
                '(scheme="exits-only"). Long stays that had not ended, or had ended before the window, are missing, '
                "so stays look shorter and effects can change sign.",
                code="scheme",
                hint="Use DoublyTruncated or RightTruncated (when everybody came inside the window) for curves, "
                "TruncatedTurnbull when exits lie between two dates, ExitWindow for hazards of several causes and "
                "policies, ParametricSpells for one law of the stay, TruncatedCox or ReverseCox for regression, "
                "reverse_logrank_test for groups; quasi_independence_test for what they assume, window_bias for what "
                "the naive mean hides. If people still inside at the close are in the table, read it with "
                'scheme="censored".',
            )
        if not intervals and (self.lower is not None or self.upper is not None):
            raise SchemeError(
                f"{model} needs exact times; here the exit is only known to lie between lower and upper.",
                code="interval-censored",
                hint="Use Turnbull for curves, interval_logrank_test for groups, IntervalCox for regression.",
            )

    def complete(self, names: str | Iterable[str] | None) -> Spells:
        """Set aside rows that lack a value in these columns, if the spells were read with missing="drop"."""
        if names is None or self.missing != "drop":
            return self
        kept = self
        for name in [names] if isinstance(names, str) else names:
            gaps = kept.columns.want(name).missing
            if gaps is not None:
                kept = kept.select(~gaps, why=f"{name} missing")
        return kept

    def groups(self, by: str | Iterable[str] | None) -> tuple[Ints | None, list[dict[str, Any]]]:
        """Codes of the groups named by `by`, and the keys of each group in order."""
        names = [] if by is None else [by] if isinstance(by, str) else list(by)
        code: Ints | None = None
        keys: list[dict[str, Any]] = [{}]
        for name in names:
            column = self.columns.want(name)
            checks.refuse_gaps(name, column.missing, self.labels, "missing, so their group is not known")
            part, levels = group_codes(column)
            crossed = part if code is None else code * len(levels) + part
            keys = [{**old, name: level} for old in keys for level in levels]
            if code is not None:
                present, crossed = np.unique(crossed, return_inverse=True)
                keys = [keys[i] for i in present]
            code = crossed
        return code, keys

    # ---- new spells from old ---------------------------------------------------------------------------------
    def select(self, rows: Any, why: str = "not selected") -> Spells:
        """Keep some rows (a mask, or positions); those left out stand in the ledger."""
        chosen = np.asarray(rows)
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        if chosen.dtype == bool and len(chosen) != len(self):
            raise DataError(
                f"The mask has {len(chosen)} values for {len(self)} rows.", code="length", hint="Give one per row."
            )
        if len(places) == 0:
            raise DataError("No row is selected.", code="empty", hint="Check the condition.")
        out = len(self) - len(places)
        ledger = self.ledger
        if out > 0:
            gone = np.ones(len(self), dtype=bool)
            gone[places] = False
            ledger = ledger.set_aside(why, rows=self.labels[np.flatnonzero(gone)[:10]].tolist(), n=out)
        return self._take(places)._with(ledger=ledger)

    def split(self, at: Any, by: str = "duration", name: str | None = None) -> Spells:
        """Cut spells at given times (Lexis expansion).

        Parameters
        ----------
        at : number, date, or list of them
            Durations in the unit of the spells (by="duration"), or dates (by="calendar").
        by : {"duration", "calendar"}
        name : str, optional
            Name of a new column: the number of cuts that lie behind the piece (0, 1, 2, ...).

        Returns
        -------
        Spells
            One row per piece, the event on the last; pieces of one row share a cluster.

        Raises
        ------
        IdentificationError
            If a date lies outside the observed window: then one side holds no observation.

        Notes
        -----
        A duration cut at c gives (entry, c] and (c, exit]. A calendar cut on day D begins the new period
        on D itself: with whole days an exit on D belongs to the later piece.

        Examples
        --------
        >>> Spells(exit=[3, 8], event=[1, 1]).split(5, name="late").exit
        array([3, 5, 8])
        """
        return splitting.split(self, at, by, name)

    def landmark(self, at: float, horizon: float | None = None, reset: bool = False, late: str = "set aside") -> Spells:
        """Keep those still there at a landmark, and what they did afterwards.

        Parameters
        ----------
        at : float
            Those at risk just after this time are kept: entry <= at < exit.
        horizon : float, optional
            Stop looking this long after the landmark: later exits are censored there.
        reset : bool
            Count time from the landmark; by default the clock goes on and people are at risk from `at` (as delayed
            entry), which gives the same curves and regressions on the old time scale.
        late : {"set aside", "keep"}
            What to do with people who enter after the landmark: the question "given that you are there at the
            landmark" is not about them, but they may be kept as later entries.

        Returns
        -------
        Spells
            The ledger counts those who had gone and those who entered later.

        Notes
        -----
        Groups and covariates may then be anything known at the landmark, without favouring those who stayed long
        enough to change them. An exit at `at` itself is gone by then; `KaplanMeier(start=at)` counts it.
        Source: Anderson, Cain & Gelber (1983); van Houwelingen (2007).

        Examples
        --------
        >>> Spells(exit=[3, 8, 12], event=[1, 1, 0]).landmark(5, reset=True).exit
        array([3, 7])
        """
        return landmarking.landmark(self, at, horizon, reset, late)

    def collapse(self, by: Iterable[str] | None = None) -> Spells:
        """Make identical rows one row with a frequency weight.

        Parameters
        ----------
        by : list of str, optional
            Covariates to keep; all by default.

        Examples
        --------
        >>> Spells(exit=[3, 3, 8], event=[1, 1, 0]).collapse().weight
        array([2., 1.])
        """
        return splitting.collapse(self, by)

    # ---- print -----------------------------------------------------------------------------------------------
    def describe(self) -> Summary:
        """Say what is here: rows, time at risk, exits by cause, how rows were seen, and the ledger."""
        weight = self.row_weight
        time = float(np.sum(weight * (self.exit - self.entry)))
        rows = [("not yet left", float(weight[self.event == 0].sum()))]
        rows += [(str(cause), float(weight[self.event == k].sum())) for k, cause in enumerate(self.causes, start=1)]
        facts = [("rows", len(self)), ("people or pieces counted", self.n), (f"time at risk ({self.unit})", time)]
        if self.cluster is not None:
            facts.append(("clusters", len(np.unique(self.cluster))))
        facts.append(("scheme", self.scheme))  # type: ignore[arg-type]
        table = Block(("ended with", "count"), tuple(rows))
        return Summary("Spells", tuple(facts), (table,), tuple(str(self.ledger).splitlines()))

    def __repr__(self) -> str:
        causes = ", ".join(str(cause) for cause in self.causes[:6]) + (", ..." if len(self.causes) > 6 else "")
        return (
            f"<Spells: {len(self):,} rows, {number(self.n_events)} exits ({causes}), "
            f"scheme {self.scheme}, unit {self.unit}>"
        )

    def plot(self, ax: Any = None, most: int = 300, rng: np.random.Generator | int | None = 0) -> Any:
        """Draw a Lexis diagram: calendar time across, time since origin up, each spell a line of slope one.

        The window is shaded. Where exits have no record at all (scheme "exits-only") the diagram is hatched: a line
        that would end there is not in the table.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        most : int
            Draw at most this many spells, chosen at random; the title says so.
        rng : numpy Generator or seed
            For the choice.

        Notes
        -----
        Calendar time comes from the origin, or from limits that all belong to one window. When neither is known spells
        are drawn one above another, ordered by length.
        """
        from exitmodels.render.lexis import bars, lexis

        rows = np.arange(len(self))
        if len(rows) > most:
            rows = np.sort(np.random.default_rng(rng).choice(len(self), most, replace=False))
        title = f"{len(rows)} of {len(self)} spells, at random" if len(rows) < len(self) else f"{len(self)} spells"
        left = self.event[rows] > 0
        begin, window, length = self._calendar()
        if begin is None:
            return bars(ax, self.entry[rows], self.exit[rows], left, self.unit, title)
        hidden = None
        if window is not None and self.scheme == "exits-only":
            before = self.left_limit is not None and bool(np.any(self.left_limit > 0))
            hidden = np.array([before, self.right_limit is not None])
        own = (self.entry[rows], self.exit[rows], left)
        return lexis(ax, begin[rows], *own, window, hidden, self.unit, length, title, self.origin is not None)

    def _calendar(self) -> tuple[Floats | None, tuple[float, float] | None, float]:
        """Calendar time at which each clock starts, the window, and the calendar length of one unit of time."""
        if self.origin is not None:
            length = {"D": 1.0, "W": 7.0, "Y": 365.25, "h": 1 / 24, "min": 1 / 1440, "s": 1 / 86400}.get(self.unit, 1.0)
            window = None if self.window is None else (float(self.window[0]), float(self.window[1]))
            return np.asarray(self.origin, dtype=np.float64), window, length
        if self.right_limit is None or not np.isfinite(self.right_limit).all():
            return None, None, 1.0
        right = np.asarray(self.right_limit, dtype=np.float64)
        left = np.zeros(len(self)) if self.left_limit is None else np.maximum(self.left_limit, 0.0)
        wide = (right - left)[left > 0]
        close = float(wide[0]) if len(wide) else float(right.max())
        early = (left == 0) & (right > close * (1 + 1e-6))
        if (len(wide) and np.ptp(wide) > 1e-6 * close) or early.any():
            return None, None, 1.0
        return close - right, (0.0, close), 1.0


def _from_limits(lower: Any, upper: Any, entry: Any) -> tuple[AnyArray, Ints]:
    """Time last known, and whether the exit has happened, when only limits are given."""
    named = (("lower", lower), ("upper", upper), ("entry", entry))
    low, high, begin = (None if values is None else numeric(name, values) for name, values in named)
    if low is not None:
        checks.check_lengths(len(low), upper=high, entry=begin)
    return last_known(low, high, begin, np.arange(0 if low is None else len(low)))
