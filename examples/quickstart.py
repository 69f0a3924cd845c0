"""Quickstart: who was arrested again, and when? The recidivism data in one page.

Run:  python examples/quickstart.py [folder]

432 people were followed for a year after release from prison; half were given financial aid (fin). The script
draws the survival curves, tests the difference, fits a Cox model and predicts for two people. Tables and figures
go to the folder (default: examples/output/quickstart).
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

import exitmodels as xm


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    people = xm.Spells.from_frame(xm.datasets.rossi(), exit="week", event="arrest", unit="W")
    print(people.describe(), "\n")
    curves(people, folder)
    cox = regression(people, folder)
    prediction(cox, folder)
    print(f"\nTables and figures are in {folder}")


def curves(people: xm.Spells, folder: Path) -> None:
    """Kaplan-Meier by financial aid, with the numbers at risk, and the log-rank test."""
    km = xm.KaplanMeier(by="fin").fit(people)
    print(km, "\n")
    km.at([13, 26, 39, 52]).to_csv(folder / "kaplan_meier.csv", index=False)
    ax = km.plot(risk_table=True, times=[0, 13, 26, 39, 52])
    ax.set_ylim(0.5, 1.01)
    ax.set_ylabel("Share not yet arrested (axis from 0.5)")
    ax.set_xlabel("Time since release (weeks)")
    save(ax, folder / "rossi.png", dpi=140)
    test = xm.logrank_test(people, by="fin")
    print(test, "\n")
    (folder / "logrank.txt").write_text(f"{test}\n", encoding="utf-8")


def regression(people: xm.Spells, folder: Path) -> xm.Cox:
    """All seven covariates, Efron ties."""
    cox = xm.Cox("fin + age + race + wexp + mar + paro + prio").fit(people)
    print(cox.summary(), "\n")
    print("Coefficients:", ", ".join(f"{name} {cox.params[name]:.4f}" for name in ("fin", "age", "prio")), "\n")
    print(cox.hazard_ratios().round(3), "\n")
    cox.tidy().to_csv(folder / "cox.csv", index=False)
    latex = cox.to_latex(caption="Hazard of arrest in the year after release", label="tab:rossi")
    (folder / "cox.tex").write_text(latex + "\n", encoding="utf-8")
    (folder / "cox.txt").write_text(f"{cox.summary()}\n\n{cox.cite()}\n", encoding="utf-8")
    ax = cox.plot()
    ax.set_title(f"{cox.nobs:.0f} people, {cox.n_events:.0f} arrests; Cox, Efron ties", loc="left", fontsize="small")
    save(ax, folder / "hazard_ratios.png")
    print(cox.cite(), "\n")
    return cox


def prediction(cox: xm.Cox, folder: Path) -> None:
    """Survival of two people who differ in age and record, with limits."""
    import pandas as pd

    shared = {"fin": 0, "race": 1, "mar": 0, "paro": 1}
    rows = [{**shared, "age": 20, "wexp": 0, "prio": 6}, {**shared, "age": 35, "wexp": 1, "prio": 1}]
    two = pd.DataFrame(rows, index=["20 years, 6 convictions", "35 years, 1 conviction"])
    curve = cox.predict_survival(two)
    table = cox.get_prediction(two, times=[13, 26, 39, 52]).summary_frame()
    print("Predicted share not yet arrested, with 95 % limits")
    print(table.drop(columns="group").round(3).to_string(index=False))
    table.to_csv(folder / "predicted.csv", index=False)
    ax = curve.plot()
    ax.set_ylabel("Predicted share not yet arrested")
    ax.set_xlabel("Time since release (weeks)")
    save(ax, folder / "predicted.png")


def save(ax: plt.Axes, path: Path, dpi: int = 130) -> None:
    ax.figure.savefig(path, dpi=dpi, bbox_inches="tight")
    plt.close(ax.figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output" / "quickstart")
