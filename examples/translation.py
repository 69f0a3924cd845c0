"""Which items of a newsletter reach the magazine in another language, and what is it worth when one does not?

Run: python translation.py [folder]

SIMULATED items. A weekly newsletter (49 issues) warns its readers against leaving; a magazine for readers abroad (13
issues, 30.75 days apart) carries some of the newsletter's items, one to a few issues later, and most of them never.
One article against leaving is missing from the next issue of the magazine. Was it held back on purpose? The answer
needs the share of such items that is ever carried, and the lag of those that are.
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

ARTICLE = {"topic": ["doctrine"], "warns": [1]}
ORDINARY = {"topic": ["doctrine"], "warns": [0]}
"""What measures the ordinary: items of the same topic that warn of nothing; those that warn are suspects themselves."""


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    world = xm.simulate.newsletter(rng=48)
    print(world)
    items = xm.reprint_lags(
        world.frame,
        reappeared="reappeared",
        published="published",
        issues=world.issues,
        lead=world.truth["lead"],
        cluster="newsletter",
    )
    fit = xm.DiscreteCure(never="topic + warns", vcov="cluster").fit(items)
    print(f"\n{fit.summary()}")
    (folder / "fit.txt").write_text(f"{fit.summary()}\n", encoding="utf-8")
    shares(fit).to_csv(folder / "never.csv", index=False)
    single(fit, folder)
    many(items, folder)
    draw(fit, items, folder / "translation.png")
    print(f"\n{fit.cite()}\n\nTables and the figure are in {folder}")


def shares(fit: Any) -> pd.DataFrame:
    """Share of each kind of item that is never carried, with profile limits."""
    topics = list(xm.simulate.TOPICS)
    kinds = pd.DataFrame({"topic": topics * 2, "warns": [0] * len(topics) + [1] * len(topics)})
    found = kinds.join(fit.never_fraction(kinds)[["estimate", "low", "high"]])
    print("\nShare never carried, by kind of item:")
    print(found.round(3).to_string(index=False))
    return found


def single(fit: Any, folder: Path) -> None:
    """One article, looked for in the next issue and not found; items beyond suspicion say what is ordinary."""
    ahead = fit.predict_next(ARTICLE, waited=0)
    print(f"\nThe article against leaving, before the next issue is out:\n{ahead.summary()}")
    print("(Items that warn may have been held back before: for what is ordinary, those that do not are the measure.)")
    evidence = fit.omission_evidence(ORDINARY, waited=0)
    print(f"\nIt is not in the next issue:\n{evidence.summary()}")
    evidence.to_frame().to_csv(folder / "base_rates.csv", index=False)
    after = evidence.posterior([0.1, 0.5])
    print("\nChance that it was held back, before and after the omission:")
    print(after.round(3).to_string(index=False))
    later = fit.omission_evidence(ORDINARY, waited=0, issues=12)
    words = f"{later.ratio:.2f} ({later.low:.2f} to {later.high:.2f}), Bayes factor {later.averaged:.2f}"
    print(f"\nNot in any of the next twelve issues: {words}")
    print("Silence without end is still only one omission: most items are never carried.")


def many(items: xm.Spells, folder: Path) -> None:
    """Five items against leaving that are all missing, and what binds them."""
    warned = items.columns["warns"].values == 1
    carried, of = int((items.event[warned] > 0).sum()), int(warned.sum())
    usual = int((items.event[~warned] > 0).sum()), int((~warned).sum())
    print(f"\nOf {of} items that warn, {carried} were carried; of the {usual[1]} others, {usual[0]}.")
    print("If five more items that warn are all missing, with the others as the measure of the ordinary:")
    for correlation in (0.0, 0.3):
        found = xm.omission_evidence(appeared=usual[0], of=usual[1], items=5, correlation=correlation)
        tied = "independent" if correlation == 0 else f"correlated {correlation:g}"
        print(f"  {tied}: Bayes factor {found.averaged:.2f}; if they stand or fall together {found.single:.2f}")
    (folder / "five_omissions.tex").write_text(found.to_latex(), encoding="utf-8")


def draw(fit: Any, items: xm.Spells, path: Path) -> None:
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.3), layout="constrained")
    observed = xm.KaplanMeier().fit(items)
    left.step(
        [0, *observed.time], [0, *(1 - observed.estimate)], where="post", color="0.55", label="observed, all items"
    )
    for topic, dash in (("doctrine", "-"), ("report", "--"), ("notice", ":")):
        curve = fit.predict_incidence({"topic": [topic], "warns": [0]})
        steps = ([0, *curve.time], [0, *curve.estimate])
        left.step(*steps, where="post", linestyle=dash, color="black", label=f"fitted, {topic}")
    limits = fit.predict_incidence({"topic": ["doctrine"], "warns": [0]}).conf_int()
    left.fill_between(range(1, len(limits) + 1), limits["low"], limits["high"], step="post", color="0.9")
    left.set_ylim(0, 1)
    left.set_xlabel("Issues of the magazine since the item could first be carried")
    left.set_ylabel("Share carried by then")
    left.legend(frameon=False, fontsize="small")
    left.set_title("Most items are never carried", fontsize="medium")
    left.spines[["top", "right"]].set_visible(False)
    fit.omission_evidence(ORDINARY, waited=0).plot(ax=right)
    right.set_title("What one omission is worth", fontsize="medium")
    figure.suptitle("SIMULATED: 49 newsletters, 13 issues of a magazine", fontsize="small")
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "output" / "translation")
