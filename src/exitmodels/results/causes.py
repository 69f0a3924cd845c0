"""One test for each cause of exit.

Second floor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exitmodels.errors import DataError
from exitmodels.render.text import Block, Summary, pvalue
from exitmodels.results.bibliography import citation
from exitmodels.results.hypothesis import HypothesisTest
from exitmodels.results.storing import Stored
from exitmodels.shapes.ledger import Ledger

__all__ = ["CauseTests"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CauseTests(Stored):
    """Tests of the same question, one for each cause; ``tests["treatment"]`` is one of them.

    Attributes
    ----------
    tests : mapping of cause to HypothesisTest
    method : str
    """

    tests: Mapping[Any, HypothesisTest]
    method: str
    ledger: Ledger | None = None

    def __getitem__(self, cause: Any) -> HypothesisTest:
        if cause not in self.tests:
            raise DataError(
                f"There is no test for {cause!r}.",
                code="unknown-cause",
                hint=f"Causes: {', '.join(str(c) for c in self.tests)}.",
            )
        return self.tests[cause]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tests)

    def __len__(self) -> int:
        return len(self.tests)

    @property
    def statistic(self) -> Any:
        """Statistic of each cause, as a Series."""
        return self.to_frame()["statistic"]

    @property
    def pvalue(self) -> Any:
        """p-value of each cause, as a Series; not corrected for their number."""
        return self.to_frame()["p"]

    def to_frame(self) -> Any:
        """One row for each cause: statistic, df, p."""
        import pandas as pd

        values = [(t.statistic, t.df, t.pvalue) for t in self.tests.values()]
        index = pd.Index(list(self.tests), name="cause")
        return pd.DataFrame(np.asarray(values), index=index, columns=["statistic", "df", "p"])

    def summary(self) -> Summary:
        """Return the printed form."""
        rows = tuple((str(cause), t.statistic, t.df, pvalue(t.pvalue)) for cause, t in self.tests.items())
        return Summary(self.method, (), (Block(("cause", "chi2", "df", "p"), rows),))

    def __str__(self) -> str:
        return str(self.summary())

    __repr__ = __str__

    def cite(self) -> str:
        """Print the version and the papers behind these numbers."""
        return citation(next(iter(self.tests.values())).sources, self.method)
