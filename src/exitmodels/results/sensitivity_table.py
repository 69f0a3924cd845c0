"""What a sensitivity analysis gives back: a table of refits, a tornado, and where a finding vanishes.

Second floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.arrays import Floats
from exitmodels.errors import DataError
from exitmodels.render import tables
from exitmodels.render.text import Block, Summary, number
from exitmodels.results.sensitivity_refit import Refit, failures, side_of
from exitmodels.results.tabled import Tabled
from exitmodels.shapes.ledger import Ledger

__all__ = ["Sensitivity"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Sensitivity(Tabled):
    """How one number moves when the data are read differently.

    Attributes
    ----------
    quantity : str
    base : (3,)
        Estimate, low and high from the spells as they are.
    refits : tuple of Refit
    """

    quantity: str
    base: Floats
    base_rows: float
    refits: tuple[Refit, ...]
    alpha: float
    method: str
    sources: tuple[str, ...]
    ledger: Ledger
    warnings: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        """Whether every refit succeeded."""
        return not any(r.failed for r in self.refits)

    @property
    def params(self) -> Any:
        """Estimates by variation and level, as a Series; "base" first."""
        import pandas as pd

        names = [("base", ""), *((r.variation, r.level) for r in self.refits)]
        index = pd.MultiIndex.from_tuples(names, names=["variation", "level"])
        return pd.Series([self.base[0], *(r.estimate for r in self.refits)], index=index, name=self.quantity)

    def to_frame(self) -> Any:
        """One row per level: variation, level, estimate, low, high, change, spread, rows, set aside, failed, why."""
        import pandas as pd

        rows = [
            {
                "variation": r.variation,
                "level": r.level,
                "estimate": r.estimate,
                "low": r.low,
                "high": r.high,
                "change": self._change(r),
                "spread": r.spread,
                "rows": r.rows,
                "set aside": r.set_aside,
                "draws": r.draws,
                "failed": r.failed,
                "why": r.why,
            }
            for r in self.refits
        ]
        return pd.DataFrame(rows)

    def _change(self, refit: Refit) -> float:
        """How far the estimate moved; differences of rounding are none."""
        by = refit.estimate - float(self.base[0])
        return 0.0 if abs(by) < 1e-12 * abs(float(self.base[0])) else by

    def tidy(self, alpha: float | None = None) -> Any:
        """The same as `to_frame`; another level needs another run."""
        self._same_level(alpha)
        return self.to_frame()

    @property
    def swings(self) -> Any:
        """Largest less smallest estimate of each variation (the base counts), widest first, as a Series."""
        import pandas as pd

        bars = self._bars()
        return pd.Series({name: high - low for name, low, high, _ in bars}, name="swing", dtype=float)

    def _bars(self) -> list[tuple[str, float, float, list[Refit]]]:
        """Name, least and greatest estimate, and refits of each variation, widest first."""
        found: dict[str, list[Refit]] = {}
        for r in self.refits:
            found.setdefault(r.variation, []).append(r)
        bars = []
        for name, own in found.items():
            values = np.array([self.base[0], *(r.estimate for r in own)])
            bars.append((name, float(np.nanmin(values)), float(np.nanmax(values)), own))
        return sorted(bars, key=lambda bar: bar[1] - bar[2])

    def tipping(self, null: float = 0.0) -> Any:
        """Where a finding vanishes: for each variation, whether its limits come to hold `null`, and at which level.

        Parameters
        ----------
        null : float
            The value that means no effect: 0 for coefficients, 1 for ratios.

        Returns
        -------
        DataFrame
            One row per variation: whether all limits lie on the base's side of `null` ("holds"); the first level, in
            the order given, at which they do not ("level"); and for levels that are numbers the place, by linear
            interpolation between neighbours, at which the nearer limit meets `null` ("at").

        Raises
        ------
        DataError
            When the base limits hold `null` already, so that there is no finding to lose.
        """
        import pandas as pd

        side = side_of(self.base, null)
        if side == 0:
            raise DataError(
                f"The limits of the base estimate ({number(self.base[1])}, {number(self.base[2])}) hold {null:g} "
                "already.",
                code="tipping",
                hint="There is no finding that a change could take away; read to_frame() instead.",
            )
        rows = []
        for name, _, _, own in self._bars():
            known = [r for r in own if np.isfinite(r.estimate)]
            lost = [r for r in known if side_of(np.array([r.estimate, r.low, r.high]), null) != side]
            place = self._place(known, null, side)
            held = not lost and len(known) == len(own)
            rows.append((name, held, lost[0].level if lost else "", place))
        return pd.DataFrame(rows, columns=["variation", "holds", "level", "at"])

    def _place(self, own: list[Refit], null: float, side: int) -> float:
        """Where the nearer limit first crosses, going away from the level that is closest to zero."""
        points = [(r.value, (r.low if side > 0 else r.high) - null) for r in own if np.isfinite(r.value)]
        if len(points) < 2:
            return float("nan")
        x, y = (np.array(v) for v in zip(*sorted(points), strict=True))
        y = side * y
        cuts = [x[i] + (x[i + 1] - x[i]) * y[i] / (y[i] - y[i + 1]) for i in range(len(x) - 1) if y[i] * y[i + 1] < 0]
        return float(min(cuts, key=abs)) if cuts else float("nan")

    # ---- print -------------------------------------------------------------------------------------------------
    def _same_level(self, alpha: float | None) -> None:
        if alpha is not None and alpha != self.alpha:
            raise DataError(
                f"The refits were made with alpha={self.alpha:g}; they hold no limits for alpha={alpha:g}.",
                code="alpha",
                hint="Call sensitivity(..., alpha=) again.",
            )

    def _table(self, alpha: float | None = None) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
        level = number(100 * (1 - self.alpha), 3)
        columns = ("variation", "level", "estimate", f"low {level}%", f"high {level}%", "change", "rows", "failed")
        base = ("base", "", *(float(v) for v in self.base), "", self.base_rows, "")
        rest = [
            (r.variation, r.level, r.estimate, r.low, r.high, self._change(r), r.rows, failures(r)) for r in self.refits
        ]
        return columns, (base, *rest)

    def _note(self) -> str:
        return f"{self.method}. Limits hold {number(100 * (1 - self.alpha), 3)} % each."

    def summary(self, alpha: float | None = None) -> Summary:
        """Return the printed form: every refit beside the base, and what failed and why."""
        self._same_level(alpha)
        columns, rows = self._table()
        facts = [("widest swing", f"{name} ({number(v)})") for name, v in self.swings.head(1).items()]
        return Summary(self.method, tuple(facts), (Block(columns, rows),), self.warnings)

    def to_latex(self, alpha: float | None = None, caption: str = "", label: str = "") -> str:
        """Return the table as LaTeX (booktabs), with a note on what it is."""
        self._same_level(alpha)
        notes = (self._note(), *self.warnings)
        return tables.to_latex(*self._table(), caption=caption, label=label, notes=notes)

    def to_markdown(self, alpha: float | None = None) -> str:
        """Return the table as Markdown."""
        self._same_level(alpha)
        return tables.to_markdown(*self._table())

    def to_html(self, alpha: float | None = None) -> str:
        """Return the table as HTML."""
        self._same_level(alpha)
        return tables.to_html(*self._table(), caption=self.method)

    # ---- figures -----------------------------------------------------------------------------------------------
    def plot(
        self, ax: Any = None, kind: str = "tornado", variation: str | None = None, null: float | None = None
    ) -> Any:
        """Draw the refits; return the Axes.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        kind : {"tornado", "curve"}
            "tornado": for each variation a bar from the smallest to the largest estimate, widest first, with every
            level's limits and the base. "curve": one variation whose levels are numbers, with limits.
        variation : str, optional
            For "curve"; may be left out when only one variation has levels that are numbers.
        null : float, optional
            Value that means no effect, marked with a dotted line.
        """
        from exitmodels.render import tornado

        level = number(100 * (1 - self.alpha), 3)
        if kind == "tornado":
            bars = []
            for name, low, high, own in self._bars():
                points = np.array([[r.estimate, r.low, r.high] for r in own])
                failed = sum(r.failed == r.draws for r in own)
                bars.append(tornado.Bar(name, low, high, points, tuple(r.level for r in own), failed))
            return tornado.tornado(ax, bars, self.base, self.quantity, level, null)
        if kind != "curve":
            raise DataError(f"kind={kind!r} is not known.", code="kind", hint='"tornado" or "curve".')
        name, own = self._numeric(variation)
        values = np.array([[r.value, r.estimate, r.low, r.high] for r in own])
        return tornado.grid(ax, values[np.argsort(values[:, 0])], self.base, name, self.quantity, level, null)

    def _numeric(self, variation: str | None) -> tuple[str, list[Refit]]:
        found = {name: [r for r in own if not np.isnan(r.value)] for name, _, _, own in self._bars()}
        curves = {name: own for name, own in found.items() if len(own) >= 2}
        chosen = variation if variation is not None else next(iter(curves)) if len(curves) == 1 else None
        if chosen not in curves:
            raise DataError(
                "No variation was chosen whose levels are two or more numbers.",
                code="variation",
                hint=f"Give variation=, one of: {', '.join(curves) or 'none has such levels'}.",
            )
        assert chosen is not None
        return chosen, curves[chosen]
