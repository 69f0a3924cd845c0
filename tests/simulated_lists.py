"""Lists of simulated people with planted duplicates, as clerks might write them. Nobody here exists."""

from __future__ import annotations

import numpy as np
import pandas as pd

SYLLABLES = (
    "ba",
    "da",
    "du",
    "fa",
    "fi",
    "ha",
    "hi",
    "ja",
    "ka",
    "la",
    "li",
    "ma",
    "mi",
    "mu",
    "na",
    "nu",
    "ra",
    "ri",
    "sa",
    "sha",
    "shi",
    "ta",
    "ti",
    "wa",
    "ya",
    "za",
    "zi",
    "kha",
)
GIVEN = (
    "muhammad",
    "ahmad",
    "ali",
    "hasan",
    "umar",
    "khalid",
    "walid",
    "yusuf",
    "ibrahim",
    "mustafa",
    "said",
    "salim",
    "samir",
    "karim",
    "nabil",
    "tariq",
)
SPELLINGS = (("u", "o"), ("i", "ee"), ("mm", "m"), ("ad", "ed"), ("kh", "k"), ("a", "e"))


def population(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """People with a given name, a father's name, a family name, a birth date and a town; common names are common."""
    family = ["".join(rng.choice(SYLLABLES, rng.integers(2, 4))) for _ in range(max(n // 4, 20))]
    shares = [1 / np.arange(1, len(names) + 1) ** 0.7 for names in (GIVEN, family)]
    given, last = (rng.choice(v, n, p=s / s.sum()) for v, s in zip((GIVEN, family), shares, strict=True))
    born = np.datetime64("1975-01-01") + rng.integers(0, 9000, n)
    father, town = rng.choice(GIVEN, n), rng.integers(0, 30, n)
    return pd.DataFrame({"given": given, "father": father, "family": last, "born": born, "town": town})


def written(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One clerk's records: spellings vary, letters slip, dates err, towns change."""
    n = len(people)
    names = [_spelt(p, rng) for p in people[["given", "father", "family"]].itertuples(index=False)]
    born, fault = people["born"].to_numpy().astype("datetime64[D]"), rng.random(n)
    born = np.where(fault < 0.10, born + rng.integers(-2, 3, n), born)
    born = np.where((fault >= 0.10) & (fault < 0.13), born + 365, born)
    born = np.where((fault >= 0.13) & (fault < 0.18), np.datetime64("NaT"), born)
    born = np.where((fault >= 0.18) & (fault < 0.21), born + rng.integers(-3000, 3000, n), born)
    town = np.where(rng.random(n) < 0.1, rng.integers(0, 30, n), people["town"]).astype(str)
    held = {"person": people.index.to_numpy(), "name": names, "born": pd.to_datetime(born), "town": town}
    return pd.DataFrame(held)


def _spelt(parts: tuple[str, ...], rng: np.random.Generator) -> str:
    out = []
    for part in parts:
        for old, new in SPELLINGS:
            if old in part and rng.random() < 0.12:
                part = part.replace(old, new, 1)
        out.append(part)
    text = " ".join(out)
    if rng.random() < 0.15:
        i = int(rng.integers(1, len(text) - 1))
        text = text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    return text


def two_lists(n: int, rng: np.random.Generator, share: float = 0.5) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Two lists that each saw this share of n people, and how many both saw."""
    people = population(n, rng)
    first, second = rng.random(n) < share, rng.random(n) < share
    return written(people[first], rng), written(people[second], rng), int((first & second).sum())
