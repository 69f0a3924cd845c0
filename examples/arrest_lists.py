"""Two lists of arrests: what a sheet of 11 names and a list of 100 can say, and what they cannot.

Run:  python examples/arrest_lists.py [folder]

The lists are SIMULATED: a sheet of 11 arrested for fleeing and a list of 100 arrested for anything, of whom some for
fleeing. No real person stands in them. Tables and figures go to the folder (default: examples/output/arrest_lists).
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

MONTHS = (1, 3, 6, 12)
CHARGES = {"fleeing": 0.10, "smoking": 0.30, "contact with the enemy": 0.15, "theft": 0.20, "other": 0.25}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    short, long = lists(np.random.default_rng(11))
    print(f"SIMULATED DATA: a sheet of {len(short)} names and a list of {len(long)}.")
    shares(short, long, folder)
    rates(short, folder)
    ratio(short, long, folder)
    overlap(short, long)
    refused(folder)
    print(f"\nTables and figures are in {folder}")


def heading(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}")


def lists(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the lists: the sheet names one charge only; charges on the long list are drawn by CHARGES."""
    short = pd.DataFrame({"name": [f"a{i:03d}" for i in range(11)], "charge": "fleeing"})
    charge = rng.choice(list(CHARGES), 100, p=list(CHARGES.values()))
    return short, pd.DataFrame({"name": [f"b{i:03d}" for i in range(100)], "charge": charge})


def shares(short: pd.DataFrame, long: pd.DataFrame, folder: Path) -> None:
    """Shares of charges on the long list, with exact limits; and why the sheet has none."""
    heading("Shares of charges on the list of 100 (exact limits)")
    found = xm.shares(long["charge"].value_counts().to_dict())
    print(found)
    found.to_frame().to_csv(folder / "shares.csv")
    eleven = xm.shares({"fleeing": 11, "any other": 89}).to_frame()
    pooled = xm.shares({"fleeing": 11, "any other": 100}).to_frame()
    for label, frame in (("11 of 100", eleven), ("11 of 111", pooled)):
        print(f"{label}: {frame['share'].iloc[0]:.3f} ({frame['low'].iloc[0]:.3f}-{frame['high'].iloc[0]:.3f})")
    print(
        f"The sheet of {len(short)} was made because of the charge: it has no share of its own (11 of 11 says nothing)."
    )


def rates(short: pd.DataFrame, folder: Path) -> None:
    """A count is no rate until its time is known: one answer for each time it may have covered."""
    heading("Arrests for fleeing per month, for each length of time the sheet may cover")
    n = len(short)
    found = xm.rate(np.full(len(MONTHS), n), np.array(MONTHS, dtype=float), unit="month")
    frame = found.to_frame().assign(months=MONTHS)
    print(frame[["months", "rate", "low", "high"]].round(2).to_string(index=False))
    frame.to_csv(folder / "rates.csv", index=False)
    band = xm.rate(n, (float(MONTHS[0]), float(MONTHS[-1])), unit="month")
    print(f"\nIf all that is known is 1 to 12 months:\n{band}")
    _, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    months = np.geomspace(1, 12, 60)
    drawn = xm.rate(np.full(60, n), months, unit="month")
    ax.plot(months, drawn.estimate, color="black", label=f"{n} names")
    ax.plot(months, drawn.low, color="black", linestyle=":", label="exact 95 % limits")
    ax.plot(months, drawn.high, color="black", linestyle=":")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xticks(MONTHS, [str(m) for m in MONTHS])
    ax.minorticks_off()
    ax.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    ax.set_xlabel("months the sheet covers (not known)")
    ax.set_ylabel("arrests for fleeing per month")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    figure(ax, folder / "rates.png", "SIMULATED: a count of 11 and the rates it may stand for")


def ratio(short: pd.DataFrame, long: pd.DataFrame, folder: Path) -> None:
    """Two lists compare only if their times do."""
    heading("The two lists as rates of arrest for fleeing: ratio for each pair of times")
    other = int((long["charge"] == "fleeing").sum())
    rows = []
    for mine in MONTHS:
        for theirs in MONTHS:
            found = xm.rate_ratio(len(short), float(mine), other, float(theirs))
            low, high = found.conf_int().to_numpy().ravel()
            rows.append({"sheet": mine, "list": theirs, "ratio": float(found.params.iloc[0]), "low": low, "high": high})
    frame = pd.DataFrame(rows)
    frame.to_csv(folder / "ratios.csv", index=False)
    print(f"{len(short)} on the sheet, {other} on the list")
    print(frame.pivot(index="sheet", columns="list", values="ratio").round(2).to_string())
    same = frame.query("sheet == list").iloc[0]
    print(f"If both cover the same time: {same['ratio']:.2f} ({same['low']:.2f}-{same['high']:.2f})")
    low, high = frame["low"].min(), frame["high"].max()
    print(f"Over all pairs of times: {low:.3f} to {high:.1f}. The times decide, not the data.")


def overlap(short: pd.DataFrame, long: pd.DataFrame) -> None:
    """Names on both lists would say how many there were; here there are none."""
    heading("Names on both lists")
    shared = len(set(short["name"]) & set(long["name"]))
    print(
        f"{shared} shared names. With none, these lists set no upper limit to the number arrested; one name spelled in"
    )
    print("two ways, and read as two people, would hide half of the evidence.")


def refused(folder: Path) -> None:
    """What the library refuses to say."""
    heading("What cannot be said")
    texts = []
    try:
        xm.rate(11, 0.0)
    except xm.DataError as refusal:
        texts.append(str(refusal))
    weekly = pd.date_range("2015-01-05", periods=11, freq="7D")
    counts = xm.Counts.from_table({"n": np.ones(11, dtype=int), "week": weekly}, n="n", start="week", freq="W")
    try:
        xm.RecordEnd("arrest").fit(counts)
    except xm.IdentificationError as refusal:
        texts.append(str(refusal))
    texts += [
        "Arrests are attempts times detection times recording. None of the three can be read off a list of arrests.",
        "The lists say nothing of what happened to those arrested.",
    ]
    print("\n".join(f"- {text}" for text in texts))
    (folder / "refused.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")


def figure(ax: plt.Axes, path: Path, title: str) -> None:
    ax.figure.suptitle(title, fontsize="small")
    ax.figure.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(ax.figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output" / "arrest_lists")
