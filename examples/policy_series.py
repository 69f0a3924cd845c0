"""A policy in a series of 431 exit records: what a change of frequency shows, and what it does not.

Run:  python examples/policy_series.py [folder]

The records are SIMULATED, with a change of every hazard but one planted at 2014-06-29; no real person is in them.
Tables and figures go to the folder (default: examples/output/policy_series).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

import exitmodels as xm

WINDOW = ("2013-03-01", "2014-08-21")
POLICY, STATEMENT = "2014-06-29", "2016-10-04"
RATIO = 0.4


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    world = xm.simulate.exits(n=431, window=WINDOW, policy=POLICY, policy_ratio=RATIO, rng=20140629)
    print(world)
    print(f"Planted: every hazard times {RATIO} from {POLICY}, but for family emergencies.")
    records = world.frame.assign(reason=world.frame["reason_text"].map(xm.simulate.first_mentioned))
    monthly = xm.Counts.from_frame(records, date="left", freq="MS", window=WINDOW)
    weekly = xm.Counts.from_frame(records, date="left", freq="W", window=WINDOW)
    fit = series(monthly, weekly, folder)
    opinions(fit, weekly, folder)
    control(records, folder)
    reasons(records, folder)
    when(monthly, folder)
    limits_of_the_records(weekly, folder)
    print(f"\nTo cite:\n{fit.cite()}\n\nTables and figures are in {folder}")


def heading(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}")


def series(monthly: xm.Counts, weekly: xm.Counts, folder: Path) -> Any:
    """The same question by month and by week, with a straight and a bent trend."""
    heading("Did the frequency of leaving change?")
    rows = []
    for name, counts in (("monthly", monthly), ("weekly", weekly)):
        for trend in ("linear", "quadratic"):
            fit = xm.InterruptedSeries(at=POLICY, trend=trend).fit(counts)
            ratio, low, high = fit.rate_ratios().loc["level"]
            rows.append(f"{name:<8} {trend:<10} rate ratio {ratio:.2f} ({low:.2f} to {high:.2f})")
            fit.counterfactual().to_csv(folder / f"{name}_{trend}.csv", index=False)
    print("\n".join(rows))
    print("\nPeople kept joining in this world, so exits grew and then levelled off: a straight trend overstates what")
    print("would have been. The bent one follows the growth, and its limits say how little 18 months tell of a bend.\n")
    fit = xm.InterruptedSeries(at=POLICY, trend="quadratic").fit(monthly)
    print(fit)
    fit.averted().to_csv(folder / "averted.csv")
    figure(fit.plot(), folder / "monthly.png", f"SIMULATED: {monthly.total} records, quadratic trend")
    weekly_fit = xm.InterruptedSeries(at=POLICY, trend="quadratic").fit(weekly)
    figure(weekly_fit.plot(), folder / "weekly.png", f"SIMULATED: {weekly.total} records, quadratic trend")
    return fit


def opinions(fit: Any, weekly: xm.Counts, folder: Path) -> None:
    """How the answer depends on the variance, the date and the delay."""
    heading("Second opinions")
    table = fit.variances(n=499, rng=1)
    print(table[["ratio_low", "ratio_high", "width", "caution"]].round(2).to_string())
    table.to_csv(folder / "variances.csv")
    by_week = xm.InterruptedSeries(at=POLICY, trend="quadratic").fit(weekly)
    test = by_week.placebo()
    print(f"\n{test.method}: F {test.statistic:.2f}, p = {test.pvalue:.3f}")
    profile = by_week.profile(delay=range(5))
    print(f"\n{profile}")
    figure(profile.plot(), folder / "delay.png", "SIMULATED: delay of the effect, by week")


def control(records: Any, folder: Path) -> None:
    """Family emergencies were left untouched: a change that they share is not the policy's."""
    heading("Beside a reason that the policy does not reach")
    emergency = records["reason"] == "family emergency"
    counted = {
        name: xm.Counts.from_frame(records[chosen], date="left", freq="MS", window=WINDOW)
        for name, chosen in (("other reasons", ~emergency), ("family emergencies", emergency))
    }
    print("\n".join(f"{name}: {counts.total} records" for name, counts in counted.items()))
    fit = xm.InterruptedSeries(at=POLICY).fit(counted["other reasons"], control=counted["family emergencies"])
    print(f"\n{fit.rate_ratios().loc[['level', 'common level']].round(2)}")
    fit.tidy().to_csv(folder / "control.csv", index=False)
    print("\nThe comparison takes out growth that both share, and rests on few emergencies: its limits are the widest.")


GROUPS = {"treatment": "treatment", "work for the group": "work", "trade": "work", "study": "work"}


def reasons(records: Any, folder: Path) -> None:
    """Did the reasons change, or only their number? Shares, total and rates with one covariance."""
    heading("Which reasons, before and after")
    grouped = records.assign(kind=records["reason"].map(GROUPS).fillna("family and other"))
    counts = xm.Counts.from_frame(grouped, date="left", by="kind", freq="MS", window=WINDOW)
    wide = counts.to_frame().pivot_table(index=["start", "exposure"], columns="kind", values="n").reset_index()
    wide["policy"] = (wide["start"] >= "2014-07-01").astype(int)
    kinds = ["family and other", "treatment", "work"]
    fit = xm.Composition("policy", reasons=kinds, exposure="exposure", total=True).fit(wide)
    effects = fit.effects({"policy": (0, 1)})
    table = effects.tidy()[["effect", "reason", "before", "after", "estimate", "low", "high"]]
    print(table.round(2).to_string(index=False))
    table.to_csv(folder / "composition.csv", index=False)
    print(
        f"No share changed: p = {effects.test().pvalue:.2f}. It was planted on all hazards but one: shares hardly move."
    )


def when(monthly: xm.Counts, folder: Path) -> None:
    """Forget the date: does the series find it? One change, and the growth of the group is in the way."""
    heading("When, if the date were not known?")
    test = xm.change_test(monthly)
    print(test)
    posterior = xm.change_posterior(monthly, changes="one")
    figure(posterior.plot(), folder / "change_date.png", "SIMULATED: posterior of the date of one change")
    print(
        "The set of dates holds the growth of the first months and the month after the policy: one step cannot be both,"
    )
    print("and a date found in a series is not a cause.")


def limits_of_the_records(weekly: xm.Counts, folder: Path) -> None:
    heading("What is identified, and what is not")
    print(f"Identified, if the trend would have gone on: the change of records per calendar day at {POLICY}.")
    print("Not identified from these records: the change of the chance to leave of those inside (their number is not")
    print("recorded); whether people stopped leaving or clerks stopped writing; the effect of other events then.")
    try:
        xm.InterruptedSeries(at=STATEMENT).fit(weekly)
    except xm.IdentificationError as refusal:
        print(f"Refused, as it should be ({STATEMENT}):\n- {refusal}")
        (folder / "refused.txt").write_text(f"{refusal}\n", encoding="utf-8")


def figure(ax: plt.Axes, path: Path, title: str) -> None:
    ax.figure.suptitle(title, fontsize="small")
    ax.figure.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(ax.figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output" / "policy_series")
