"""Did exits stop, or did records stop? Other kinds of record, made by the same clerks, are the witnesses.

Third floor. The arithmetic is in kernels/recordend.py.

Read next: record_end_results.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from exitmodels.arrays import Floats, Ints
from exitmodels.errors import DataError, IdentificationError
from exitmodels.kernels.recordend import EXPLANATIONS, Ends, weigh_ends
from exitmodels.models.counts.record_end_results import SURE, RecordEndResults
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.shapes.counts import Counts

__all__ = ["RecordEnd"]

_MOST_DATES, _FEW = 100, 5.0


@dataclass(frozen=True)
class RecordEnd:
    """Weigh four explanations of a fall in records: neither, the recording, the events, or both ended.

    The mean of a kind is its rate times exposure times recording, and recording falls at one unknown date for ALL
    kinds at once; events of the kind in question may fall at a date of their own. Kinds that the policy could not
    touch (entries into a hospital, pay slips, births) are negative controls: if they fall too, it was the clerk.

    Parameters
    ----------
    events : value of the key
        The kind that is asked about, such as "exit". All other kinds are controls.
    by : str, optional
        Key that holds the kind; not needed when there is only one.
    prior : mapping, optional
        Probabilities of the explanations, by name; one quarter each by default.
    dispersion : "estimate" or float
        Variance over mean of the counts, by which log-likelihoods are divided (a quasi-likelihood). Estimated around
        the best fit with both ends, at least 1.

    Notes
    -----
    Assumes that, but for the ends, rates are constant per exposure, that every kind lost the same share of its
    records, and that controls did not themselves change. What is left after an end is a share between 0 and 1,
    uniform beforehand; dates are uniform over the periods. With records gone altogether nothing can be seen of events
    after it: "recording ended" and "both ended" then share the posterior as the prior did. Source of the idea:
    Lipsitch, Tchetgen Tchetgen and Cohen (2010).

    Examples
    --------
    >>> n = [5, 6, 4, 7, 5, 6, 0, 1, 0, 0] + [9, 8, 11, 9, 10, 8, 9, 12, 9, 10]
    >>> months = np.tile(np.arange("2014-01", "2014-11", dtype="M8[M]"), 2)
    >>> table = {"n": n, "kind": np.repeat(["exit", "entry"], 10), "start": months}
    >>> counts = Counts.from_table(table, n="n", by="kind", start="start", freq="MS", shared=True)
    >>> RecordEnd("exit").fit(counts).events_ended > 0.95
    True
    """

    events: Any
    by: str | None = None
    prior: Mapping[str, float] | None = None
    dispersion: Any = "estimate"

    def fit(self, counts: Counts) -> RecordEndResults:
        """Weigh the explanations.

        Raises
        ------
        IdentificationError
            For a single kind of record: one series cannot tell events from recording, whatever the model.
        DataError
            For an unknown kind, cells without dates, or priors that do not sum to one.
        """
        key, kinds = self._kinds(counts)
        x, others, exposure, names = _series(counts, key, kinds, self.events)
        if others.sum() == 0:
            raise IdentificationError(
                "The controls hold no record, so nothing is known of the recording.",
                code="no-controls",
                hint="Add kinds of record that the policy could not touch.",
            )
        if len(x) < 4 or x.sum() < 2:
            raise IdentificationError(
                f"There are {len(x)} periods and {x.sum():g} records of {self.events!r}.",
                code="few-events",
                hint="Four periods and two records are the least; count in shorter periods if the dates allow it.",
            )
        prior = self._prior()
        places = _places(len(x))
        phi, made = self._spread(x, others, exposure, places)
        made = weigh_ends(x, others.sum(axis=0), exposure, places, phi) if phi != 1 else made
        weight = made.log_evidence + np.log(prior)
        posterior = np.exp(weight - weight.max())
        posterior /= posterior.sum()
        starts = np.unique(counts.start)
        notes = _notes(posterior, made, x, others.sum(axis=0), exposure, places)
        return RecordEndResults(
            posterior=posterior,
            prior=prior,
            log_evidence=made.log_evidence,
            log_best=made.log_best,
            dates=starts[places],
            places=places,
            date_weights=_weights(made, posterior),
            left_nodes=(made.rho, made.psi),
            left_weights=_left(made, posterior),
            dispersion=phi,
            events=str(self.events),
            controls=tuple(str(k) for k in kinds if k != self.events),
            n_events=float(x.sum()),
            n_controls=float(others.sum()),
            series=np.vstack([x, others]),
            exposure=exposure,
            periods=names,
            tests=_together(others, places, made, phi),
            warnings=notes,
            ledger=counts.ledger,
            method="Did events end, or their recording?",
            sources=("lipsitch2010",),
        )

    def _kinds(self, counts: Counts) -> tuple[str, tuple[Any, ...]]:
        names = list(counts.keys)
        if self.by is None and len(names) > 1:
            raise DataError(f"Which key holds the kind: {', '.join(names)}?", code="by", hint="Give by=.")
        key = self.by or (names[0] if names else "")
        if key and key not in names:
            raise DataError(f"The counts have no key {key!r}.", column=key, code="no-column", hint=f"Keys: {names}.")
        if len(names) > 1:
            raise DataError("There are further keys.", code="keys", hint=f"Sum over all but {key!r}: aggregate().")
        kinds = tuple(np.unique(counts.keys[key].decoded())) if key else ()
        if len(kinds) < 2:
            raise IdentificationError(
                "There is one kind of record. Its number is events times recording, and no model can tell the two "
                "apart from the product.",
                code="single-series",
                hint="Count other kinds of record by the same clerks beside it, as negative controls, with by=.",
            )
        if self.events not in kinds:
            raise DataError(
                f"No kind is called {self.events!r}.", code="events", hint=f"Known: {', '.join(map(str, kinds))}."
            )
        return key, kinds

    def _prior(self) -> Floats:
        if self.prior is None:
            return np.full(4, 0.25)
        values = np.array([float(self.prior.get(name, 0.0)) for name in EXPLANATIONS])
        unknown = [name for name in self.prior if name not in EXPLANATIONS]
        if unknown or np.any(values < 0) or abs(values.sum() - 1) > 1e-8:
            raise DataError(
                f"prior={dict(self.prior)!r} does not give probabilities that sum to 1 to the explanations.",
                code="prior",
                hint=f"Use the names {', '.join(EXPLANATIONS)}.",
            )
        return np.maximum(values, 1e-300)

    def _spread(self, x: Floats, others: Floats, exposure: Floats, places: Ints) -> tuple[float, Ends]:
        made = weigh_ends(x, others.sum(axis=0), exposure, places)
        if self.dispersion != "estimate":
            phi = float(self.dispersion)
            if not phi > 0:
                raise DataError(f"dispersion={phi} is not positive.", code="dispersion", hint='Use 1, or "estimate".')
            return phi, made
        a, rho, b, psi = made.best
        t = np.arange(len(x))
        recorded = exposure * np.where(t >= places[a], rho, 1.0)
        shapes = np.vstack([recorded * np.where(t >= places[b], psi, 1.0), *[recorded] * len(others)])
        series = np.vstack([x, others])
        some = series.sum(axis=1) > 0
        mean = shapes[some] * (series[some].sum(axis=1) / shapes[some].sum(axis=1))[:, None]
        chi2 = float(((series[some] - mean) ** 2 / np.maximum(mean, 1e-12)).sum())
        df = mean.size - int(some.sum()) - 4
        return (max(1.0, chi2 / df) if df > 0 else 1.0), made


def _series(
    counts: Counts, key: str, kinds: Sequence[Any], event: Any
) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    counts.require_whole("RecordEnd")
    if not counts.dated:
        raise DataError("These cells have no dates.", code="no-dates", hint="Give start= to Counts.from_table.")
    size = int(counts.period_code.max()) + 1
    of, made = counts.keys[key].decoded(), []
    for kind in kinds:
        rows = of == kind
        if len(np.unique(counts.period_code[rows])) != size:
            raise DataError(
                f"{kind!r} has no cell in some periods; whether it was zero or not looked for is not said.",
                code="gaps",
                hint="Counts.from_frame makes every cell; in a table write the zeros.",
            )
        made.append(np.bincount(counts.period_code[rows], counts.n[rows], size))
    exposure = np.bincount(counts.period_code[of == event], counts.exposure[of == event], size)
    where = [i for i, kind in enumerate(kinds) if kind != event]
    return made[list(kinds).index(event)], np.stack([made[i] for i in where]), exposure, counts.periods


def _places(size: int) -> Ints:
    return np.unique(np.linspace(1, size - 1, min(size - 1, _MOST_DATES)).round().astype(np.int64))


def _mix(parts: Floats, posterior: Floats, alone: int) -> Floats:
    """Combine the weights alone and with the other end, by the posterior of the two explanations."""
    each = np.exp(parts - parts.max(axis=1, keepdims=True))
    each /= each.sum(axis=1, keepdims=True)
    return np.asarray(posterior[alone] * each[0] + posterior[3] * each[1])


def _weights(made: Ends, posterior: Floats) -> Floats:
    return np.stack([_mix(made.recording_date, posterior, 1), _mix(made.event_date, posterior, 2)])


def _left(made: Ends, posterior: Floats) -> tuple[Floats, Floats]:
    return _mix(made.recording_left, posterior, 1), _mix(made.events_left, posterior, 2)


def _notes(posterior: Floats, made: Ends, x: Floats, c: Floats, exposure: Floats, places: Ints) -> tuple[str, ...]:
    notes = []
    ends = (float(posterior[1] + posterior[3]), float(posterior[2] + posterior[3]))
    for what, chance in zip(("the recording", "the events"), ends, strict=True):
        if 1 - SURE < chance < SURE:
            notes.append(f"whether {what} ended: these records cannot tell (probability {chance:.2f})")
    shares = exposure[places[np.argmax(made.event_date[0])] :].sum() / exposure.sum()
    if c.sum() * shares < _FEW:
        notes.append(f"fewer than {_FEW:g} control records are expected after the likeliest date; more would help")
    rho = float(np.exp(made.recording_left[0] - made.recording_left[0].max()) @ made.rho)
    rho /= float(np.exp(made.recording_left[0] - made.recording_left[0].max()).sum())
    if posterior[1] + posterior[3] > 0.5 and rho < 0.1:
        notes.append("after the recording ended next to nothing was written: whether events went on cannot be seen")
    if len(places) < len(x) - 1:
        notes.append(f"ends were looked for at {len(places)} of {len(x) - 1} dates")
    return tuple(notes)


def _together(others: Floats, places: Ints, made: Ends, phi: float) -> dict[str, HypothesisTest]:
    """Controls must fall together: do their shares before and after the likeliest end of recording agree?"""
    place = int(places[np.argmax(made.recording_date[0])])
    table = np.stack([others[:, :place].sum(axis=1), others[:, place:].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or table.sum(axis=1).min() == 0:
        return {}
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic, df = float(((table - expected) ** 2 / expected).sum()) / phi, table.shape[1] - 1
    p = float(stats.chi2.sf(statistic, df))
    method = "Test that the kinds of control keep their shares"
    return {"controls fall together": HypothesisTest(statistic=statistic, df=df, pvalue=p, method=method)}
