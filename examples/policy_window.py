"""The sign that flips: a policy made people stay, and the records of exits seem to say that it drove them out.

Run: python policy_window.py [folder]

SIMULATED records, seen only because the exit fell inside a window. On day 300 a policy multiplied the hazards of two of
three reasons by 0.4. A model that forgets how the records came to be seen finds that it raised them; the doubly
truncated likelihood finds what was planted, within its limits.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import exitmodels as xm

WINDOW = ("2013-03-01", "2014-08-21")
POLICY = "2013-12-26"
PLANTED = 0.4
REASONS = ["treatment", "family visit", "other"]
RATES = np.array([0.0012, 0.0008, 0.0005])
TOUCHED = REASONS[:2]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    records = simulate(431, np.random.default_rng(20130301))
    print("SIMULATED DATA: 431 exits recorded between", " and ".join(WINDOW))
    spells = xm.Spells.from_frame(
        records, origin="joined", exit="left", event="reason", censor=[], window=WINDOW, scheme="exits-only"
    )
    model = xm.ExitWindow(policy=POLICY, touches={"policy": TOUCHED}, common=["policy"], hazard="exponential")
    fit = model.fit(spells)
    print(fit.summary())
    (folder / "summary.txt").write_text(f"{fit.summary()}\n", encoding="utf-8")
    table = effects(fit)
    print("\nRatio of the hazards after the policy to those before:")
    print(table.round(2).to_string())
    table.to_csv(folder / "policy_ratio.csv")
    incidence = fit.predict_incidence(times=[90, 180, 365]).at([90, 180, 365])
    print("\nShare gone for each reason, had the whole stay been before or under the policy:")
    print(incidence[["policy", "cause", "time", "estimate", "lower", "upper"]].round(3).to_string(index=False))
    incidence.to_csv(folder / "incidence.csv", index=False)
    draw(table, folder / "sign_that_flips.png")
    print(f"\n{fit.cite()}\n\nTables and the figure are in {folder}")


def simulate(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """People join at a constant rate from 500 days before the window; only exits inside it are recorded."""
    first, last = np.datetime64(WINDOW[0]), np.datetime64(WINDOW[1])
    change = (np.datetime64(POLICY) - first).astype(int)
    size = 20 * n
    join = rng.integers(-500, (last - first).astype(int), size)
    after = RATES * np.where(np.isin(REASONS, TOUCHED), PLANTED, 1.0)
    before_change, area = np.maximum(change - join, 0), rng.exponential(size=size)
    early = area < RATES.sum() * before_change
    late = before_change + (area - RATES.sum() * before_change) / after.sum()
    stay = np.ceil(np.where(early, area / RATES.sum(), late)).astype(int)
    old, new = (rng.choice(REASONS, size, p=rates / rates.sum()) for rates in (RATES, after))
    joined = first + join
    left = joined + stay
    kept = np.flatnonzero((left >= first) & (left <= last))[:n]
    reason = np.where(stay > before_change, new, old)
    return pd.DataFrame({"joined": joined[kept], "left": left[kept], "reason": reason[kept]})


def effects(fit: xm.ExitWindow) -> pd.DataFrame:
    """The policy's ratio by both fits, with 95 % limits, and the truth."""
    row = fit.compare_naive().loc["policy"]
    rows = {"naive: right limits forgotten": (row["naive"], row["naive se"])}
    rows["doubly truncated likelihood"] = (row["estimate"], row["se"])
    made = {name: np.exp([value, value - 1.96 * se, value + 1.96 * se]).tolist() for name, (value, se) in rows.items()}
    made["planted"] = [PLANTED] * 3
    return pd.DataFrame.from_dict(made, orient="index", columns=["ratio", "low", "high"])


def draw(table: pd.DataFrame, path: Path) -> None:
    figure, ax = plt.subplots(figsize=(7, 2.6))
    places = np.arange(len(table))[::-1]
    ax.axvline(1, color="0.6", linewidth=1)
    ax.hlines(places, table["low"], table["high"], color="0.2")
    ax.plot(table["ratio"], places, "o", color="0.2")
    ax.set_xscale("log")
    ax.set_xticks([0.3, 0.4, 0.6, 1.0, 1.5, 2.0], ["0.3", "0.4", "0.6", "1", "1.5", "2"])
    ax.set_yticks(places, list(table.index))
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.set_xlabel("Hazard after the policy / before (log axis)")
    ax.set_title("SIMULATED: the sign that flips, 431 exits seen through a window", fontsize="small")
    figure.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output" / "policy_window")
