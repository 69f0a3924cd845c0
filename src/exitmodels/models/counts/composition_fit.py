"""Fitting a composition: the shares by maximum likelihood (plain, penalised or overdispersed), and the total.

Third floor. The arithmetic is in kernels/multinomial.py and its neighbours; here columns are scaled, the shares and
the total are fitted, and their scores are put side by side, so that one covariance can be made of both.

Called by: composition.py. Read next: composition_covariance.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg, optimize

from exitmodels.arrays import Bools, Floats
from exitmodels.errors import DataError
from exitmodels.kernels import multinomial as kernel
from exitmodels.kernels.countglm import CountFit, fit_nb2, fit_poisson
from exitmodels.kernels.dirichlet_multinomial import fit_dirichlet_multinomial, overdispersed
from exitmodels.kernels.linalg import clearly_independent, cross_product
from exitmodels.kernels.multinomial_firth import firth_terms
from exitmodels.kernels.optimise import newton
from exitmodels.models.counts.checks import recoding, refuse_collinear
from exitmodels.models.counts.reason_rows import ReasonRows
from exitmodels.shapes.design import Design
from exitmodels.shapes.smooth import SmoothDesign

__all__ = ["Fitted", "Total", "fit_shares", "fit_total", "likelihood_data", "relative_offset", "separation"]

_FLAT = 1e-3


@dataclass(frozen=True, eq=False)
class Total:
    """The fitted total of each row."""

    design: Design
    recode: Floats
    offset: Floats
    fit: CountFit
    family: str

    @property
    def estimate(self) -> Floats:
        """Coefficients of the log total."""
        return np.asarray(self.recode @ self.fit.beta, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Fitted shares, in the scaled columns; never stored with a result.

    Attributes
    ----------
    rows : ReasonRows
    used : (n,) bool
        Rows with records.
    design : Design
    recode : (p, p)
        Coefficients are ``recode @`` those of the scaled columns.
    at : (K p + q,)
        Coefficients of the scaled columns, then of the log concentration.
    information : of `at`, without a penalty
    curved : information plus the penalty of a smooth
    llf : float
        In full, with the number of orders of the records of a cell.
    spread : (n, q) or None
        Columns of the log concentration.
    edf : float
        Effective number of coefficients.
    """

    rows: ReasonRows
    used: Bools
    design: Design
    recode: Floats
    at: Floats
    information: Floats
    curved: Floats
    llf: float
    converged: bool
    kind: str
    edf: float
    spread: Floats | None = None
    strength: float = float("nan")
    total: Total | None = None
    notes: tuple[str, ...] = ()
    trouble: str = ""
    data: kernel.MultinomialData | None = field(default=None)

    @property
    def k(self) -> int:
        """Reasons less the baseline."""
        return len(self.rows.reasons) - 1

    @property
    def scaled(self) -> Floats:
        """The design in the columns that were fitted."""
        return np.asarray(self.design.matrix @ self.recode, dtype=np.float64)

    @property
    def offset(self) -> Floats | None:
        """Offsets relative to the baseline, (n, K)."""
        return relative_offset(self.rows)

    @property
    def beta(self) -> Floats:
        """Coefficients of the shares in the scaled columns, (K, p)."""
        return self.at[: self.k * len(self.recode)].reshape(self.k, -1)

    @property
    def back(self) -> Floats:
        """Matrix from `at` (then the total's coefficients) to the coefficients of the columns as given."""
        parts = [np.kron(np.eye(self.k), self.recode)]
        parts += [] if self.spread is None else [np.eye(self.spread.shape[1])]
        parts += [] if self.total is None else [self.total.recode]
        return np.asarray(linalg.block_diag(*parts), dtype=np.float64)


def relative_offset(rows: ReasonRows) -> Floats | None:
    """Offsets less that of the baseline."""
    return None if rows.offset is None else rows.offset[:, 1:] - rows.offset[:, :1]


def fit_shares(rows: ReasonRows, design: Design, family: str, penalty: str | None, spread: Floats | None) -> Fitted:
    """Fit the shares; `family`, `penalty` and `spread` as the model says."""
    smooth = design.smooths[0] if isinstance(design, SmoothDesign) and design.smooths else None
    recode = recoding(design.matrix, design.names)
    scaled = design.matrix @ recode
    rigid = [j for j, name in enumerate(design.names) if smooth is None or name not in smooth.names]
    if not clearly_independent(cross_product(scaled[:, rigid], np.ones(len(scaled))), 1e-9):
        refuse_collinear(design.matrix[:, rigid], scaled[:, rigid], [design.names[j] for j in rigid])
    data = likelihood_data(rows, scaled)
    used = rows.size > 0
    plain = {"rows": rows, "used": used, "design": design, "recode": recode, "data": data}
    if smooth is not None:
        assert isinstance(design, SmoothDesign)
        return _smooth(plain, data, design, recode)
    if penalty == "firth":
        best = newton(lambda at: firth_terms(at, data), np.zeros(data.size), 1e-9, 300)
        terms = kernel.multinomial_terms(best.at, data)
        return _made(plain, best.at, terms.information, terms.value, best.converged, "firth")
    found = kernel.fit_multinomial(data)
    fitted = _made(plain, found.at, found.terms.information, found.terms.value, found.converged, "multinomial")
    trouble = separation(fitted)
    if trouble or family == "multinomial":
        return Fitted(**{**fitted.__dict__, "trouble": trouble, "converged": fitted.converged and not trouble})
    assert spread is not None
    return _overdispersed(plain, fitted, spread)


def _made(
    plain: dict[str, object], at: Floats, information: Floats, value: float, converged: bool, kind: str
) -> Fitted:
    rows = plain["rows"]
    assert isinstance(rows, ReasonRows)
    ways = kernel.log_ways(rows.counts) if rows.grouped and np.all(rows.weight == 1) else 0.0
    return Fitted(
        at=at,
        information=information,
        curved=information,
        llf=value + ways,
        converged=converged,
        kind=kind,
        edf=float(len(at)),
        **plain,  # type: ignore[arg-type]
    )


def likelihood_data(rows: ReasonRows, scaled: Floats) -> kernel.MultinomialData:
    """What the likelihood needs; rows with equal columns become one where that pays."""
    offset = relative_offset(rows)
    if rows.grouped:
        counts = rows.counts * rows.weight[:, None]
        used = counts.sum(axis=1) > 0
        counts, design = counts[used], scaled[used]
        offset = None if offset is None else offset[used]
        constant = 0.0 if offset is None else float((counts[:, 1:] * offset).sum())
        return kernel.MultinomialData(design, counts.sum(axis=1), counts[:, 1:].T @ design, offset, constant)
    weight = None if np.all(rows.weight == 1) else rows.weight
    sums = kernel.sums_of_codes(rows.counts, weight, scaled, len(rows.reasons))[1:]
    if offset is None:
        return kernel.MultinomialData(*kernel.collapse_rows(scaled, rows.weight), sums)
    padded = np.column_stack([np.zeros(len(offset)), offset])
    constant = float(rows.weight @ padded[np.arange(len(rows)), rows.counts])
    return kernel.MultinomialData(scaled, rows.weight, sums, offset, constant)


# ---- Dirichlet-multinomial ---------------------------------------------------------------------------------------
def _overdispersed(plain: dict[str, object], fitted: Fitted, spread: Floats) -> Fitted:
    rows, used, offset = fitted.rows, fitted.used, fitted.offset
    counts, scaled, spread = rows.counts[used], fitted.scaled[used], spread[used]
    offset = None if offset is None else offset[used]
    rest, log_sum = kernel.shares_of(fitted.beta, scaled, offset)
    share = np.vstack([np.exp(-log_sum), rest]).T
    if spread.shape[1] == 1 and overdispersed(share, counts) <= 0:
        note = "the counts show no overdispersion: the concentration is infinite, and this is the multinomial fit"
        return Fitted(**{**fitted.__dict__, "notes": (note,)})
    best = fit_dirichlet_multinomial(scaled, counts, spread, fitted.at, offset)
    whole = np.zeros((len(rows), spread.shape[1]))
    whole[used] = spread
    made = _made(plain, best.at, best.surface.information, best.surface.value, best.converged, "dirichlet-multinomial")
    return Fitted(**{**made.__dict__, "llf": best.surface.value, "spread": whole})


# ---- smooth shares -----------------------------------------------------------------------------------------------
def _smooth(plain: dict[str, object], data: kernel.MultinomialData, design: SmoothDesign, recode: Floats) -> Fitted:
    """One penalised spline in every log-ratio; the penalty is the same whichever reason is the baseline.

    The differences of the coefficients of all reasons, measured from their mean, are penalised: with the coefficients
    of the baseline at zero that is (I - 11'/J) x S. Source: Eilers and Marx (1996); Wood (2011) for REML.
    """
    smooth, k = design.smooths[0], len(data.sums)
    inner = np.zeros((len(design.names), len(design.names)))
    places = design.places(smooth)
    inner[np.ix_(places, places)] = smooth.penalty
    unit = np.kron(np.eye(k) - 1 / (k + 1), recode.T @ inner @ recode)
    unit *= np.trace(data.design.T @ (data.total[:, None] * data.design)) / max(np.trace(unit), 1e-300)
    columns = np.concatenate([np.asarray(places) + j * len(design.names) for j in range(k)])
    rank = k * (smooth.width + 1 - smooth.order)
    held: dict[str, Floats | None] = {"start": None}

    def at(log_strength: float) -> tuple[kernel.MultinomialTerms, Floats, Floats, bool]:
        penalised = kernel.MultinomialData(
            data.design, data.total, data.sums, data.offset, data.constant, np.exp(log_strength) * unit
        )
        found = kernel.fit_multinomial(penalised, start=held["start"], max_steps=200)
        held["start"] = found.at
        inverse = np.linalg.inv(found.terms.information)
        share = np.diag(inverse @ (found.terms.information - np.exp(log_strength) * unit))
        return found.terms, found.at, share, found.converged

    def wanted(log_strength: float) -> float:
        terms, here, share, _ = at(log_strength)
        if isinstance(smooth.df, float):
            return float(share[columns].sum()) / k - smooth.df
        plain_value = terms.value + 0.5 * np.exp(log_strength) * float(here @ unit @ here)
        if smooth.df == "aic":
            return -2 * plain_value + 2 * float(share.sum())
        return -terms.value - 0.5 * rank * log_strength + 0.5 * float(np.linalg.slogdet(terms.information)[1])

    log_strength = _chosen(smooth.df, smooth.strength, wanted)
    terms, here, share, converged = at(log_strength)
    pull = np.exp(log_strength) * unit
    value = terms.value + 0.5 * float(here @ pull @ here)
    made = _made(plain, here, terms.information - pull, value, converged, "multinomial")
    edf = float(share.sum())
    note = f"{smooth.label}: {share[columns].sum() / k:.2f} degrees of freedom in each log-ratio"
    changes = {"curved": terms.information, "edf": edf, "strength": float(np.exp(log_strength)), "notes": (note,)}
    return Fitted(**{**made.__dict__, **changes})


def _chosen(df: float | str | None, strength: float | None, wanted: object) -> float:
    assert callable(wanted)
    if strength is not None:
        return float(np.log(strength))
    if isinstance(df, float):
        low, high = -16.0, 12.0
        if not wanted(low) > 0 > wanted(high):
            raise DataError(
                f"df={df:g} cannot be reached: these data allow {wanted(high) + df:.2f} to {wanted(low) + df:.2f}.",
                code="df",
                hint="Ask for a number between.",
            )
        return float(optimize.brentq(wanted, low, high, xtol=1e-8))
    grid = np.linspace(12.0, -16.0, 29)
    best = float(grid[int(np.argmin([wanted(float(place)) for place in grid]))])
    limits = (max(best - 1.0, -16.0), min(best + 1.0, 12.0))
    return float(optimize.minimize_scalar(wanted, bounds=limits, method="bounded", options={"xatol": 1e-6}).x)


# ---- the total ---------------------------------------------------------------------------------------------------
def fit_total(rows: ReasonRows, design: Design, family: str) -> Total:
    """Fit the log total on the same rows, with log(exposure) as its offset."""
    offset = np.zeros(len(rows)) if design.offset is None else design.offset
    if rows.exposure is not None:
        if np.any(rows.exposure <= 0):
            raise DataError("Some exposures are zero.", column="exposure", code="zero-exposure", hint="Drop the rows.")
        offset = offset + np.log(rows.exposure)
    recode = recoding(design.matrix, design.names)
    scaled = design.matrix @ recode
    refuse_collinear(design.matrix, scaled, design.names)
    middle = float(offset.mean())
    fit = (fit_nb2 if family == "nb2" else fit_poisson)(rows.size, scaled, offset - middle)
    fit.beta[0] -= middle
    return Total(design, recode, offset, fit, family)


# ---- empty cells -------------------------------------------------------------------------------------------------
def separation(fitted: Fitted) -> str:
    """Say which coefficient runs to infinity, if one does; else return an empty text.

    A direction along which the likelihood never falls is looked for by linear programming, once the information is so
    flat, or the search so slow, that there may be one. Source: Albert and Anderson (1984).
    """
    rows, data = fitted.rows, fitted.data
    assert data is not None
    # Along a direction that runs to infinity the information falls as fast as the likelihood rises: to nothing.
    flattest = float(np.linalg.eigvalsh(fitted.information)[0])
    if fitted.converged and flattest > _FLAT * float(rows.weight[rows.weight > 0].mean()):
        return ""
    table = rows.table() if rows.weight is None else rows.table() * rows.weight[:, None]
    design, where = np.unique(fitted.scaled, axis=0, return_inverse=True)
    seen = np.stack([np.bincount(where.ravel(), c, len(design)) for c in table.T], axis=1) > 0
    j = seen.shape[1]
    if len(design) * j * j > 200_000:
        return "" if fitted.converged else _UNFINISHED
    lines, p = [], design.shape[1]
    for one in range(j):
        x = design[seen[:, one]]
        for other in range(j):
            if other != one:
                line = np.zeros((len(x), j, p))
                line[:, one], line[:, other] = x, -x
                lines.append(line[:, 1:].reshape(len(x), -1))
    above = np.vstack(lines)
    answer = optimize.linprog(-above.sum(axis=0), A_ub=-above, b_ub=np.zeros(len(above)), bounds=(-1, 1))
    if answer.status != 0 or -answer.fun < 1e-6:
        return "" if fitted.converged else _UNFINISHED
    moved = (np.abs(answer.x.reshape(j - 1, p)) > 1e-6) & (np.arange(p) > 0)
    if not moved.any():
        moved = np.abs(answer.x.reshape(j - 1, p)) > 1e-6
    names = [f"{rows.reasons[i + 1]}: {fitted.design.names[c]}" for i, c in zip(*np.nonzero(moved), strict=True)]
    return (
        f"Some coefficients run to infinity ({', '.join(names[:6])}): a reason never occurs in a part of the rows that "
        'these terms set apart. Their estimates and errors mean nothing; fit with penalty="firth", or merge levels.'
    )


_UNFINISHED = "The search for the highest likelihood stopped before its rule was met; do not report these estimates."
