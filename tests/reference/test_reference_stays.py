"""Piecewise hazards and delays of reporting against independent results."""

from __future__ import annotations

import numpy as np
import pandas as pd

import exitmodels as xm
from support import agree


def test_piecewise_hazards_of_lung(reference):
    """A Poisson regression of exits on pieces of person-time is the same model."""
    stored = reference("survival/piecewise_exponential_lung")["results"]
    frame = reference.csv("survival/lung.csv")[["time", "status", "age", "sex", "ph.ecog"]].dropna()
    frame = frame.assign(died=frame["status"] == 2, ecog=frame["ph.ecog"])
    spells = xm.Spells.from_frame(frame, exit="time", event="died")
    fit = xm.ParametricSpells("age + sex + ecog", hazard="piecewise", cuts=[100, 250, 500]).fit(spells)
    wanted = list(stored["coef"].values())
    levels, slopes = wanted[0] + np.array([0.0, *wanted[1:4]]), wanted[4:]
    agree(fit.params.iloc[:4], levels)
    agree(fit.params.iloc[4:], slopes)
    agree(fit.llf, stored["loglik_survival"], 1e-10)
    turn = np.eye(7)  # from one level and three differences to four levels
    turn[1:4, 0] = 1.0
    agree(fit.cov_params(), turn @ np.array(stored["var"]) @ turn.T, 1e-8, atol=1e-12)
    pieces = spells.split([100, 250, 500], name="piece")
    codes = pieces.columns.want("piece").values
    for piece, n, time in zip(range(4), stored["events"].values(), stored["persontime"].values(), strict=True):
        mine = codes == piece
        assert (pieces.event[mine] > 0).sum() == n
        assert (pieces.exit - pieces.entry)[mine].sum() == time


def test_delays_of_an_outbreak_in_reverse_time(reference):
    """Reports known on one day: the law of the delay two ways, as a triangle and as right-truncated stays."""
    stored = reference("survival/reporting_delay_hus")["results"]
    frame, wanted = reference.csv("survival/hus_delay.csv"), stored["cdf"]
    dates = {"event": "dHosp", "recorded": "dReport", "date_format": "%Y-%m-%d"}
    triangle = xm.DelayTriangle.from_frame(frame, now="2011-06-02", max_delay=15, **dates)
    law = xm.delay_distribution(triangle, variance="poisson")
    assert triangle.total == stored["n"]
    agree(law.hazard, wanted["reverse_hazard"])
    agree(law.cdf, wanted["cdf"])
    agree(law.se_log_cdf * law.cdf, wanted["se_cdf"])
    fit, size = xm.Nowcast(variance="poisson").fit(triangle), len(stored["nowcast"]["day"])
    some = np.array(stored["nowcast"]["reported"]) > 0
    agree(fit.observed[-size:], stored["nowcast"]["reported"])
    agree(fit.nowcast[-size:][some], np.array(stored["nowcast"]["expected_total"])[some])

    known = frame[frame["dReport"] <= "2011-06-02"]
    horizon = (pd.Timestamp("2011-06-02") - pd.to_datetime(known["dHosp"])).dt.days
    # A delay of no day is a stay of one: everything is counted a day later.
    stays = xm.Spells(exit=known["delay"] + 1, right_limit=horizon + 1)
    curve = xm.RightTruncated().fit(stays).to_frame()
    agree(1 - curve["estimate"], wanted["cdf"])
    agree(curve["se"], wanted["se_cdf"], atol=1e-15)
    agree(curve["at_risk"], wanted["Y"])
