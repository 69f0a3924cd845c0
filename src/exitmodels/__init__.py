"""exitmodels: why, when and how often people leave.

Survival and time-series models of exit-reason frequency and arrest rates, for
records of people leaving an organisation, a prison, a country or a job.

>>> import exitmodels as xm
>>> spells = xm.Spells(exit=[6, 7, 10, 15], event=[1, 0, 1, 1])
>>> xm.KaplanMeier().fit(spells).at([10]).estimate.round(3).tolist()
[0.375]

Names are loaded when first used, so that importing the package costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from exitmodels.version import VERSION

__version__ = VERSION

_HOMES = {
    "AalenAdditive": "models.hazards.additive",
    "AalenJohansen": "models.nonparametric.aalen_johansen",
    "Audit": "records.audit",
    "BackProjection": "models.counts.back_projection",
    "CaseCohort": "models.hazards.case_cohort",
    "CauseSpecificCox": "models.hazards.cause_specific",
    "Clause": "records.statement",
    "Codebook": "records.codebook",
    "Comparison": "records.comparing",
    "Composition": "models.counts.composition",
    "ConvergenceWarning": "errors",
    "CountAR": "models.counts.count_ar",
    "CountRegression": "models.counts.regression",
    "Counts": "shapes.counts",
    "Cox": "models.hazards.cox",
    "CoxPath": "models.hazards.cox_path",
    "CurrentDuration": "models.truncation.current_duration",
    "DataError": "errors",
    "DataWarning": "errors",
    "DateFormat": "records.schema",
    "Dates": "records.dates",
    "DawidSkene": "records.dawidskene",
    "DayError": "records.dayerror",
    "DelayTriangle": "shapes.triangle",
    "Design": "shapes.design",
    "DirectBinomial": "models.hazards.binomial",
    "DirichletRegression": "models.counts.dirichlet_regression",
    "DiscreteCure": "models.hazards.discrete_cure",
    "DiscreteHazard": "models.hazards.discrete",
    "DoublyTruncated": "models.truncation.doubly",
    "EndemicEpidemic": "models.counts.endemic",
    "ExitWindow": "models.truncation.exit_window",
    "FineGray": "models.hazards.finegray",
    "FormulaError": "errors",
    "GLARMA": "models.counts.glarma",
    "Hawkes": "models.counts.hawkes",
    "Hurdle": "models.counts.twopart",
    "IdentificationError": "errors",
    "InterruptedSeries": "models.counts.interrupted",
    "IntervalCox": "models.hazards.interval_cox",
    "KaplanMeier": "models.nonparametric.kaplan_meier",
    "Labels": "shapes.labels",
    "Ledger": "shapes.ledger",
    "LifeTable": "models.nonparametric.life_table",
    "LinYing": "models.hazards.additive",
    "LocalLevel": "models.counts.local_level",
    "MaskedCauses": "models.hazards.masked_causes",
    "MaskedCox": "models.hazards.masked_cox",
    "MaskedIncidence": "models.nonparametric.masked_incidence",
    "MultipleResponse": "models.counts.multiple_response",
    "NelsonAalen": "models.nonparametric.nelson_aalen",
    "Nowcast": "models.counts.nowcast",
    "ParametricSpells": "models.truncation.parametric_spells",
    "PrevalentCohort": "models.truncation.prevalent",
    "ProportionalOdds": "models.counts.ordered",
    "PseudoRegression": "models.hazards.pseudo",
    "RMSTRegression": "models.hazards.mean_stay",
    "Reason": "records.codebook",
    "RecordEnd": "models.counts.record_end",
    "Records": "records.records",
    "ReverseCox": "models.truncation.reverse_cox",
    "RightTruncated": "models.truncation.right",
    "RoundedDates": "models.counts.rounded",
    "Schema": "records.schema",
    "SchemeError": "errors",
    "SmoothHazard": "models.nonparametric.smooth_hazard",
    "Spells": "shapes.spells",
    "Statement": "records.statement",
    "TruncatedCox": "models.truncation.cox",
    "TruncatedDelay": "models.counts.truncated_delay",
    "TruncatedTurnbull": "models.truncation.truncated_turnbull",
    "Turnbull": "models.nonparametric.turnbull",
    "ZeroInflated": "models.counts.twopart",
    "agreement": "records.agreement",
    "bent_line": "models.counts.bent",
    "bootstrap": "results.bootstrap",
    "boundary_test": "models.counts.rates",
    "calibration": "models.hazards.calibration",
    "censoring_weights": "models.nonparametric.censoring_weights",
    "change_posterior": "models.counts.change_posterior",
    "change_test": "models.counts.change_date",
    "changepoints": "models.counts.changepoints",
    "concordance": "models.hazards.concordance",
    "count_cusum": "models.counts.monitoring",
    "cross_validate": "models.hazards.validate",
    "datasets": "datasets",
    "dawid_skene": "records.dawidskene",
    "deduplicate": "records.linking",
    "delay_distribution": "models.counts.nowcast",
    "explained_variation": "models.hazards.explained",
    "farrington": "models.counts.farrington",
    "fixed_time_difference": "models.nonparametric.differences",
    "fold_names": "records.names",
    "gray_test": "models.nonparametric.gray",
    "homogeneity_test": "models.counts.conditional",
    "impute": "results.imputing",
    "incidence_bounds": "models.nonparametric.bounds",
    "interval_logrank_test": "models.nonparametric.interval_logrank",
    "link": "records.linking",
    "load": "results.storing",
    "log_ratios": "models.counts.logratios",
    "logrank_test": "models.nonparametric.logrank",
    "maxcombo_test": "models.nonparametric.maxcombo",
    "omission_evidence": "models.hazards.omission",
    "one_sample_logrank_test": "models.nonparametric.one_sample",
    "online_changes": "models.counts.monitoring",
    "pairwise_tests": "models.nonparametric.pairwise",
    "parse_dates": "records.parsing",
    "permutation_test": "models.nonparametric.permutation",
    "pool": "results.pooling",
    "pseudo_values": "models.hazards.pseudo_values",
    "pseudonyms": "records.pseudonyms",
    "quasi_independence_test": "models.truncation.independence",
    "rate": "models.counts.rates",
    "rate_change": "models.counts.change",
    "rate_difference": "models.counts.differences",
    "rate_ratio": "models.counts.rates",
    "read_records": "records.reader",
    "renyi_test": "models.nonparametric.renyi",
    "reprint_lags": "models.hazards.reprint",
    "reverse_logrank_test": "models.truncation.reverse_logrank",
    "rmst_difference": "models.nonparametric.differences",
    "roc": "models.hazards.roc",
    "scan_test": "models.counts.scan",
    "score": "models.hazards.score",
    "sensitivity": "results.sensitivity",
    "shares": "models.counts.rates",
    "simulate": "simulate",
    "simulate_hawkes": "models.counts.hawkes",
    "smr": "models.counts.standardise",
    "standardised_rate": "models.counts.standardise",
    "stationarity_test": "models.truncation.stationarity",
    "structural_breaks": "models.counts.structural",
    "suppress_small": "records.small_cells",
    "to_hijri": "shapes.hijri",
    "trend_test": "models.counts.conditional",
    "window_bias": "models.truncation.bias",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'exitmodels' has no attribute {name!r}")
    home = import_module(f"exitmodels.{_HOMES[name]}")
    value = home if name in ("datasets", "simulate") else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    from exitmodels import datasets as datasets
    from exitmodels import simulate as simulate
    from exitmodels.errors import (
        ConvergenceWarning as ConvergenceWarning,
    )
    from exitmodels.errors import (
        DataError as DataError,
    )
    from exitmodels.errors import (
        DataWarning as DataWarning,
    )
    from exitmodels.errors import (
        FormulaError as FormulaError,
    )
    from exitmodels.errors import (
        IdentificationError as IdentificationError,
    )
    from exitmodels.errors import (
        SchemeError as SchemeError,
    )
    from exitmodels.models.counts.back_projection import BackProjection as BackProjection
    from exitmodels.models.counts.bent import bent_line as bent_line
    from exitmodels.models.counts.change import rate_change as rate_change
    from exitmodels.models.counts.change_date import change_test as change_test
    from exitmodels.models.counts.change_posterior import change_posterior as change_posterior
    from exitmodels.models.counts.changepoints import changepoints as changepoints
    from exitmodels.models.counts.composition import Composition as Composition
    from exitmodels.models.counts.conditional import homogeneity_test as homogeneity_test
    from exitmodels.models.counts.conditional import trend_test as trend_test
    from exitmodels.models.counts.count_ar import CountAR as CountAR
    from exitmodels.models.counts.differences import rate_difference as rate_difference
    from exitmodels.models.counts.dirichlet_regression import DirichletRegression as DirichletRegression
    from exitmodels.models.counts.endemic import EndemicEpidemic as EndemicEpidemic
    from exitmodels.models.counts.farrington import farrington as farrington
    from exitmodels.models.counts.glarma import GLARMA as GLARMA
    from exitmodels.models.counts.hawkes import Hawkes as Hawkes
    from exitmodels.models.counts.hawkes import simulate_hawkes as simulate_hawkes
    from exitmodels.models.counts.interrupted import InterruptedSeries as InterruptedSeries
    from exitmodels.models.counts.local_level import LocalLevel as LocalLevel
    from exitmodels.models.counts.logratios import log_ratios as log_ratios
    from exitmodels.models.counts.monitoring import count_cusum as count_cusum
    from exitmodels.models.counts.monitoring import online_changes as online_changes
    from exitmodels.models.counts.multiple_response import MultipleResponse as MultipleResponse
    from exitmodels.models.counts.nowcast import Nowcast as Nowcast
    from exitmodels.models.counts.nowcast import delay_distribution as delay_distribution
    from exitmodels.models.counts.ordered import ProportionalOdds as ProportionalOdds
    from exitmodels.models.counts.rates import boundary_test as boundary_test
    from exitmodels.models.counts.rates import rate as rate
    from exitmodels.models.counts.rates import rate_ratio as rate_ratio
    from exitmodels.models.counts.rates import shares as shares
    from exitmodels.models.counts.record_end import RecordEnd as RecordEnd
    from exitmodels.models.counts.regression import CountRegression as CountRegression
    from exitmodels.models.counts.rounded import RoundedDates as RoundedDates
    from exitmodels.models.counts.scan import scan_test as scan_test
    from exitmodels.models.counts.standardise import smr as smr
    from exitmodels.models.counts.standardise import standardised_rate as standardised_rate
    from exitmodels.models.counts.structural import structural_breaks as structural_breaks
    from exitmodels.models.counts.truncated_delay import TruncatedDelay as TruncatedDelay
    from exitmodels.models.counts.twopart import Hurdle as Hurdle
    from exitmodels.models.counts.twopart import ZeroInflated as ZeroInflated
    from exitmodels.models.hazards.additive import AalenAdditive as AalenAdditive
    from exitmodels.models.hazards.additive import LinYing as LinYing
    from exitmodels.models.hazards.binomial import DirectBinomial as DirectBinomial
    from exitmodels.models.hazards.calibration import calibration as calibration
    from exitmodels.models.hazards.case_cohort import CaseCohort as CaseCohort
    from exitmodels.models.hazards.cause_specific import CauseSpecificCox as CauseSpecificCox
    from exitmodels.models.hazards.concordance import concordance as concordance
    from exitmodels.models.hazards.cox import Cox as Cox
    from exitmodels.models.hazards.cox_path import CoxPath as CoxPath
    from exitmodels.models.hazards.discrete import DiscreteHazard as DiscreteHazard
    from exitmodels.models.hazards.discrete_cure import DiscreteCure as DiscreteCure
    from exitmodels.models.hazards.explained import explained_variation as explained_variation
    from exitmodels.models.hazards.finegray import FineGray as FineGray
    from exitmodels.models.hazards.interval_cox import IntervalCox as IntervalCox
    from exitmodels.models.hazards.masked_causes import MaskedCauses as MaskedCauses
    from exitmodels.models.hazards.masked_cox import MaskedCox as MaskedCox
    from exitmodels.models.hazards.mean_stay import RMSTRegression as RMSTRegression
    from exitmodels.models.hazards.omission import omission_evidence as omission_evidence
    from exitmodels.models.hazards.pseudo import PseudoRegression as PseudoRegression
    from exitmodels.models.hazards.pseudo_values import pseudo_values as pseudo_values
    from exitmodels.models.hazards.reprint import reprint_lags as reprint_lags
    from exitmodels.models.hazards.roc import roc as roc
    from exitmodels.models.hazards.score import score as score
    from exitmodels.models.hazards.validate import cross_validate as cross_validate
    from exitmodels.models.nonparametric.aalen_johansen import AalenJohansen as AalenJohansen
    from exitmodels.models.nonparametric.bounds import incidence_bounds as incidence_bounds
    from exitmodels.models.nonparametric.censoring_weights import censoring_weights as censoring_weights
    from exitmodels.models.nonparametric.differences import fixed_time_difference as fixed_time_difference
    from exitmodels.models.nonparametric.differences import rmst_difference as rmst_difference
    from exitmodels.models.nonparametric.gray import gray_test as gray_test
    from exitmodels.models.nonparametric.interval_logrank import interval_logrank_test as interval_logrank_test
    from exitmodels.models.nonparametric.kaplan_meier import KaplanMeier as KaplanMeier
    from exitmodels.models.nonparametric.life_table import LifeTable as LifeTable
    from exitmodels.models.nonparametric.logrank import logrank_test as logrank_test
    from exitmodels.models.nonparametric.masked_incidence import MaskedIncidence as MaskedIncidence
    from exitmodels.models.nonparametric.maxcombo import maxcombo_test as maxcombo_test
    from exitmodels.models.nonparametric.nelson_aalen import NelsonAalen as NelsonAalen
    from exitmodels.models.nonparametric.one_sample import one_sample_logrank_test as one_sample_logrank_test
    from exitmodels.models.nonparametric.pairwise import pairwise_tests as pairwise_tests
    from exitmodels.models.nonparametric.permutation import permutation_test as permutation_test
    from exitmodels.models.nonparametric.renyi import renyi_test as renyi_test
    from exitmodels.models.nonparametric.smooth_hazard import SmoothHazard as SmoothHazard
    from exitmodels.models.nonparametric.turnbull import Turnbull as Turnbull
    from exitmodels.models.truncation.bias import window_bias as window_bias
    from exitmodels.models.truncation.cox import TruncatedCox as TruncatedCox
    from exitmodels.models.truncation.current_duration import CurrentDuration as CurrentDuration
    from exitmodels.models.truncation.doubly import DoublyTruncated as DoublyTruncated
    from exitmodels.models.truncation.exit_window import ExitWindow as ExitWindow
    from exitmodels.models.truncation.independence import quasi_independence_test as quasi_independence_test
    from exitmodels.models.truncation.parametric_spells import ParametricSpells as ParametricSpells
    from exitmodels.models.truncation.prevalent import PrevalentCohort as PrevalentCohort
    from exitmodels.models.truncation.reverse_cox import ReverseCox as ReverseCox
    from exitmodels.models.truncation.reverse_logrank import reverse_logrank_test as reverse_logrank_test
    from exitmodels.models.truncation.right import RightTruncated as RightTruncated
    from exitmodels.models.truncation.stationarity import stationarity_test as stationarity_test
    from exitmodels.models.truncation.truncated_turnbull import TruncatedTurnbull as TruncatedTurnbull
    from exitmodels.records.agreement import agreement as agreement
    from exitmodels.records.audit import Audit as Audit
    from exitmodels.records.codebook import Codebook as Codebook
    from exitmodels.records.codebook import Reason as Reason
    from exitmodels.records.comparing import Comparison as Comparison
    from exitmodels.records.dates import Dates as Dates
    from exitmodels.records.dawidskene import DawidSkene as DawidSkene
    from exitmodels.records.dawidskene import dawid_skene as dawid_skene
    from exitmodels.records.dayerror import DayError as DayError
    from exitmodels.records.linking import deduplicate as deduplicate
    from exitmodels.records.linking import link as link
    from exitmodels.records.names import fold_names as fold_names
    from exitmodels.records.parsing import parse_dates as parse_dates
    from exitmodels.records.pseudonyms import pseudonyms as pseudonyms
    from exitmodels.records.reader import read_records as read_records
    from exitmodels.records.records import Records as Records
    from exitmodels.records.schema import DateFormat as DateFormat
    from exitmodels.records.schema import Schema as Schema
    from exitmodels.records.small_cells import suppress_small as suppress_small
    from exitmodels.records.statement import Clause as Clause
    from exitmodels.records.statement import Statement as Statement
    from exitmodels.results.bootstrap import bootstrap as bootstrap
    from exitmodels.results.imputing import impute as impute
    from exitmodels.results.pooling import pool as pool
    from exitmodels.results.sensitivity import sensitivity as sensitivity
    from exitmodels.results.storing import load as load
    from exitmodels.shapes.counts import Counts as Counts
    from exitmodels.shapes.design import Design as Design
    from exitmodels.shapes.hijri import to_hijri as to_hijri
    from exitmodels.shapes.labels import Labels as Labels
    from exitmodels.shapes.ledger import Ledger as Ledger
    from exitmodels.shapes.spells import Spells as Spells
    from exitmodels.shapes.triangle import DelayTriangle as DelayTriangle
