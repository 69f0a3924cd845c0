"""From a dirty register to an estimate: audit, repair, set aside, then the stays seen through a window.

Run: python dirty_records.py [folder]

SIMULATED records. A register of 431 exits is written with every defect that leaked records show, each one listed. The
audit finds them; plain ones are repaired, the rest set aside, and the ledger says so. Then the mean stay: naive from
the file as read, naive after the audit, and by the doubly truncated estimates, beside the truth.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import exitmodels as xm

STANDS_IN_THE_WAY = (
    *("surplus-cells", "empty-row", "repeated-header", "total-row", "section-row", "shifted-cells", "duplicate"),
    *("near-duplicate", "no-date", "outside-window", "exit-before-entry", "after-record", "partial-date"),
    *("date-unreadable", "date-no-year", "date-no-such-day", "date-zero"),
)
NOT_NEEDED = ("not-a-number", "power-of-ten")
MEAN_STAY = 180.0


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    world = xm.simulate.exits(431, mean_stay=MEAN_STAY, effects={}, policy_ratio=1.0, rng=20140821)
    register = xm.simulate.dirty(world, rng=20140821)
    print(register, end="\n\n")
    records = read(register, folder / "register.csv")
    found = records.audit(show=False)
    check(found, register, read(register.clean, folder / "clean.csv").audit(show=False))
    (folder / "audit.txt").write_text(f"{found}\n", encoding="utf-8")
    register.planted.to_csv(folder / "planted.csv", index=False)
    weight(found)
    records = cleaned(records, found)
    print("\nThe ledger:")
    print(records.ledger)
    table = estimates(records, found)
    print("\nMean stay in days (stays were drawn with a constant hazard):")
    print(table.round(1).to_string(na_rep=""))
    table.to_csv(folder / "mean_stay.csv")


def read(register: xm.simulate.DirtyRecords, path: Path) -> xm.Records:
    """Say what the columns are; nothing about this is guessed from the file."""
    schema = xm.Schema(
        id="record",
        joined="joined",
        left="left",
        reason="reason",
        person="name",
        numbers=("age", "fee"),
        groups="unit",
        other_dates=("born", "recorded"),
        dates=xm.DateFormat(order="dmy"),
        window=register.window,
        scheme="exits-only",
    )
    return xm.read_records(register.write(path), schema)


def check(found: xm.Audit, register: xm.simulate.DirtyRecords, twin: xm.Audit) -> None:
    """Compare what was planted with what was found."""
    planted = set(register.planted[["code", "row", "column"]].itertuples(index=False, name=None))
    listed = {(f.code, row, f.column) for f in found.findings for row in (f.rows or (None,))}
    kinds = {code for code, _, _ in planted}
    print(f"Defects planted: {len(planted):,} of {len(kinds)} kinds; found: {len(planted & listed):,}.")
    print(f"Faults and doubts on the same register without defects: {len(twin.faults) + len(twin.doubts)}.")


def weight(found: xm.Audit) -> None:
    """Which defect matters: the findings that move the naive mean most."""
    effects = found.effects
    start = effects.iloc[0]
    moved = (effects["naive mean stay"] - start["naive mean stay"]).abs()
    narrow = effects["rows"] < 0.05 * start["usable"]
    most = effects[narrow].loc[moved[narrow].sort_values(ascending=False).index[:4]]
    mean = start["naive mean stay"]
    print(f"\nAs read: {start['usable']} usable records, naive mean stay {mean:.1f} days. Most moved by")
    print(most[["finding", "column", "rows", "done", "usable", "naive mean stay"]].round(1).to_string(index=False))


def cleaned(records: xm.Records, found: xm.Audit) -> xm.Records:
    """Repair what is plain, empty what is not needed, and set aside what stands in the way."""
    for finding in found.findings:
        if finding.proposal is not None:
            records = records.repair(finding)
    for code in NOT_NEEDED:
        for finding in found.of(code):
            why = "fee cannot be read, and is not used"
            records = records.repair(finding.column, dict.fromkeys(finding.rows), why=why)
    again = records.audit(show=False)
    for code in STANDS_IN_THE_WAY:
        for finding in again.of(code):
            if finding.column == "born":
                continue  # ages are in the file
            still = set(records.labels.tolist())
            rows = [row for row in finding.rows if row in still]
            if rows:
                records = records.set_aside(rows, why=f"{finding.column or 'row'}: {code}")
    return records


def estimates(records: xm.Records, found: xm.Audit) -> pd.DataFrame:
    """The mean stay by each way, with 95 % limits."""
    spells = records.to_spells(event="any")
    curve = xm.DoublyTruncated().fit(spells)
    seen = curve.means().iloc[0]
    law = xm.ExitWindow(hazard="exponential").fit(spells)
    mean = law.mean_stay(tau=np.inf).iloc[0]
    reach = float(spells.right_limit.max())
    rows = {
        "naive, file as read": (found.effects["naive mean stay"].iloc[0], np.nan, np.nan),
        "naive, after the audit": naive(spells.exit),
        f"doubly truncated, stays up to {reach:.0f} days": limits(seen["mean"], seen["se"]),
        f"  planted, stays up to {reach:.0f} days": (truth(reach), np.nan, np.nan),
        "exit window, constant hazard": (mean["estimate"], mean["lower"], mean["upper"]),
        "  planted": (truth(np.inf), np.nan, np.nan),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", "low", "high"])


def naive(stays: np.ndarray) -> tuple[float, float, float]:
    return limits(stays.mean(), stays.std(ddof=1) / np.sqrt(len(stays)))


def limits(mean: float, se: float) -> tuple[float, float, float]:
    return mean, mean - 1.96 * se, mean + 1.96 * se


def truth(reach: float) -> float:
    """Mean of whole-day stays with a constant hazard, given that they last no longer than `reach`."""
    days = np.arange(1, min(reach, 100 * MEAN_STAY) + 1)
    share = np.exp(-(days - 1) / MEAN_STAY) - np.exp(-days / MEAN_STAY)
    return float((days * share).sum() / share.sum())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
        print(f"\nThe register, what was planted, the audit and the table are in {sys.argv[1]}")
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
