"""Stored counts by month, reached from dates written as Hijri text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import exitmodels as xm


@pytest.mark.parametrize(("freq", "name"), [("MS", "gregorian_month"), ("HM", "hijri_month")])
def test_hijri_texts_count_as_the_stored_dates(reference: Any, freq: str, name: str) -> None:
    frame = reference.csv("counts/cal01_exit_dates_dates.csv")
    results = reference("counts/cal01_exit_dates")["results"]
    days = frame["date"].to_numpy().astype("datetime64[D]")
    window = ("2013-03-01", "2014-08-21")
    days = days[(days >= np.datetime64(window[0])) & (days <= np.datetime64(window[1]))]
    texts = [f"{d}/{m}/{y} هـ" for y, m, d in xm.to_hijri(days).itertuples(index=False)]
    dates = xm.parse_dates(texts, calendar="hijri", order="dmy")
    assert np.array_equal(dates.lower, days)
    found = dates.expected(freq, window)
    assert found["period"].tolist() == [row["period"] for row in results[name]]
    assert found["n"].tolist() == [row["n"] for row in results[name]]
    assert found["days"].tolist() == [row["exposure_days"] for row in results[name]]
    counts = xm.Counts.from_frame(dates.to_frame(), date="lower", until="upper", freq=freq, window=window)
    assert counts.n.tolist() == [row["n"] for row in results[name]]
