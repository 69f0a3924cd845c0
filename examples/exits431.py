"""431 exit records, from the file to the paper: what they show, and what they cannot.

Run:  python examples/exits431.py [folder]

The records are SIMULATED: they have the number, the window and the edges of the founding case, and no real person
in them. Tables and figures go to the folder (default: examples/output/exits431).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

import exitmodels as xm

WINDOW = ("2013-03-01", "2014-08-21")
CALIPHATE, STATEMENT = "2014-06-29", "2016-10-04"
DATES: dict[str, Any] = {"date": "left", "window": WINDOW, "date_format": "%Y-%m-%d"}
MAIN = ("treatment", "family visit", "work for the group", "family emergency")

# How a coder reads the clerk's words: the first cue found in the part of the text that is mentioned first decides.
# An emergency stands before a visit, for "his father is ill" is about the father; order matters and is declared here.
CUES = (
    ("family emergency", ("imprisoned", "is ill", "death of")),
    ("fetch family", ("bring his wife", "fetch his family")),
    ("treatment", ("treatment", "surgery", "wound")),
    ("family visit", ("visit", "see his family")),
    ("marriage", ("marriage", "engagement")),
    ("work for the group", ("work", "task", "assignment")),
    ("trade", ("trade", "buy goods")),
    ("papers", ("passport", "bank")),
    ("study", ("study", "exam")),
    ("return for good", ("going home", "want to stay")),
)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    records = pd.read_csv(xm.datasets.exits431_path(), keep_default_na=False)
    records = records.drop(columns="planted_reason")  # the truth of the simulation; a real register has none
    print(xm.datasets.exits431(), "\n")
    audit(records)
    records = records.assign(reason=records["reason_text"].map(first_mentioned))
    rates(records, folder)
    reasons(records, folder)
    stays(records, folder)
    policy(records, folder)
    print(f"\nTables and figures are in {folder}")


def heading(text: str) -> None:
    print(f"\n{text}\n{'=' * len(text)}")


def first_mentioned(text: str) -> str:
    """Declared rule: the reason mentioned first; "unknown" for blanks and dashes, "other" for words not in CUES."""
    first = text.replace(",", ";").split(";")[0].strip()
    if first in ("", "-"):
        return "unknown"
    return next((label for label, cues in CUES if any(cue in first for cue in cues)), "other")


def audit(records: pd.DataFrame) -> None:
    """What is in the table, before any model."""
    heading("Audit")
    several = records["reason_text"].str.contains("[;,]")
    edges = {"first": records["left"].min(), "last": records["left"].max()}
    print(f"rows                     {len(records)}")
    print(f"blank or dash as reason  {records['reason_text'].isin(['', '-']).sum()}")
    print(f"more than one reason     {several.sum()}")
    print(f"record numbers repeated  {records['record'].duplicated().sum()}")
    print(f"rows repeated            {records.drop(columns='record').duplicated().sum()}")
    print(f"left before joining      {(records['left'] < records['joined']).sum()}")
    for side, day in edges.items():
        texts = records.loc[records["left"] == day, "reason_text"].tolist()
        print(f"{side + ' day':<25}{day}: {len(texts)} record(s): {' | '.join(texts)}")


def rates(records: pd.DataFrame, folder: Path) -> None:
    """Records per week and per day, and whether the last day is surprising."""
    heading("How many, and when")
    weekly = xm.Counts.from_frame(records, freq="W", **DATES)
    print(weekly, "\n")
    cut = weekly.to_frame().query("partial")[["period", "start", "n", "exposure"]]
    print(f"Weeks cut by the window, with the days that were observed:\n{cut.to_string(index=False)}\n")
    weekly.to_frame().to_csv(folder / "weekly.csv", index=False)
    ax = weekly.plot()
    ax.set_xlabel("Week (Monday to Sunday), March 2013 to August 2014")
    figure(ax, folder / "weekly.png", f"SIMULATED: {weekly.total} records of people leaving")
    daily = xm.Counts.from_frame(records, freq="D", **DATES)
    overall = xm.rate(daily)
    print(overall)
    overall.to_frame().to_csv(folder / "rate.csv", index=False)
    test = xm.boundary_test(daily)
    print(f"\n{test}\n\nFour on the last day would be rare if every day were alike (p = {test.pvalue:.4f}), and is not")
    print("remarkable once people leave in groups. In this file the four were put there by construction.")
    (folder / "boundary.txt").write_text(f"{test}\n", encoding="utf-8")


def reasons(records: pd.DataFrame, folder: Path) -> None:
    """Shares of the reason mentioned first, with exact limits."""
    heading("Why: reason mentioned first (rule declared in CUES)")
    monthly = xm.Counts.from_frame(records, by="reason", freq="MS", **DATES)
    found = xm.shares(monthly, by="reason")
    print(found)
    found.to_frame().to_csv(folder / "shares.csv")
    last = records.loc[records["left"] == WINDOW[1], "reason"]
    print("\nOn the last day:", xm.shares(last.value_counts().to_dict()), sep="\n")


def stays(records: pd.DataFrame, folder: Path) -> None:
    """How long people stayed: refused as an estimate, given as a description."""
    heading("How long: the scheme decides")
    dated = records.assign(joined=pd.to_datetime(records["joined"]), left=pd.to_datetime(records["left"]))
    dated["reason"] = dated["reason"].where(dated["reason"].isin(MAIN), "any other or unknown")
    reading: dict[str, Any] = {"origin": "joined", "exit": "left", "event": "reason", "censor": [], "window": WINDOW}
    spells = xm.Spells.from_frame(dated, scheme="exits-only", **reading)
    print(spells.ledger, "\n")
    try:
        xm.AalenJohansen().fit(spells)
    except xm.SchemeError as refusal:
        print(f"Refused, as it should be:\n{refusal}\n")
        (folder / "refused_scheme.txt").write_text(f"{refusal}\n", encoding="utf-8")
    # A description of those who were recorded, not of those who joined: no window, nobody censored.
    described = xm.Spells.from_frame(dated, **{**reading, "window": None}, scheme="censored")
    cif = xm.AalenJohansen().fit(described)
    title = "DESCRIPTION of the 431 recorded as leaving (simulated):\nnot the chance of leaving, nor the stay of all"
    print("Among those recorded as leaving (conditional on an exit inside the window), share gone by day:")
    table = cif.at([30, 90, 180, 365])
    print(table.pivot(index="cause", columns="time", values="estimate").round(3).to_string())
    table.to_csv(folder / "incidence_among_recorded.csv", index=False)
    ax = cif.plot(stacked=True)
    ax.set_ylabel("Share of the recorded exits, by reason")
    ax.set_xlabel("Time since joining (days)")
    figure(ax, folder / "incidence_among_recorded.png", title)


def policy(records: pd.DataFrame, folder: Path) -> None:
    """A date inside the window has an answer; a date after it has none."""
    heading("Did leaving change on a date?")
    daily = xm.Counts.from_frame(records, freq="D", **DATES)
    change = xm.rate_change(daily, at=CALIPHATE)
    print(change)
    change.to_frame().to_csv(folder / "rate_change.csv")
    print("\nThis is a ratio of records per calendar day. The number of people inside, who could have left, is not")
    print("in the records, so it is not a ratio of hazards: the simulation planted 0.6, while the group was growing.\n")
    dated = records.assign(joined=pd.to_datetime(records["joined"]), left=pd.to_datetime(records["left"]))
    spells = xm.Spells.from_frame(dated, origin="joined", exit="left", window=WINDOW, scheme="exits-only")
    refused = []
    for ask in (lambda: xm.rate_change(daily, at=STATEMENT), lambda: spells.split(STATEMENT, by="calendar")):
        try:
            ask()
        except xm.IdentificationError as refusal:
            refused.append(str(refusal))
    print(f"What these records cannot show ({STATEMENT}, the printed statement that leaving is forbidden):")
    print("\n".join(f"- {text}" for text in refused))
    (folder / "refused_policy_date.txt").write_text("\n".join(refused) + "\n", encoding="utf-8")
    print(f"\nTo cite:\n{change.cite()}")


def figure(ax: plt.Axes, path: Path, title: str) -> None:
    ax.figure.suptitle(title, fontsize="small")
    ax.figure.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(ax.figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output" / "exits431")
