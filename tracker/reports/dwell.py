"""How long visits last: net, and with the gaps (gross)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from tracker.presence.dwell import bin_width_s

MEASURES: Mapping[str, str] = {"net": "dwell_s", "gross": "gross_s"}
"""How a length is measured, and the column of the visits that has it."""

REASONS: Mapping[str, str] = {
    "still_in": "still in",
    "entry_not_seen": "entry not seen",
    "exit_not_seen": "only the entry seen",
    "bounces": "bounce",
}
"""Why a visit is not measured."""


def measured(visits: pd.DataFrame) -> pd.DataFrame:
    """Visits whose length is known and that were no bounce."""
    return visits[visits["dwell_known"] & ~visits["bounce"]]


def dwell(visits: pd.DataFrame) -> pd.DataFrame:
    """A row for net and one for gross; lengths in seconds, missing without a visit that can be measured.

    Columns: measure, visits, median_s, mean_s, p90_s (nine of ten were shorter), longest_s.
    """
    known = measured(visits)
    lengths = [known[column] for column in MEASURES.values()]
    return pd.DataFrame(
        {
            "measure": pd.Series(list(MEASURES), dtype="str"),
            "visits": [len(each) for each in lengths],
            "median_s": [each.median() for each in lengths],
            "mean_s": [each.mean() for each in lengths],
            "p90_s": [each.quantile(0.9) if len(each) else math.nan for each in lengths],
            "longest_s": [each.max() for each in lengths],
        }
    )


def histogram(visits: pd.DataFrame) -> pd.DataFrame:
    """How many visits lasted from_s or longer and less than to_s, net and gross, in the same bins from 0 on.

    Columns: from_s, to_s, net, gross. The bins have one round width and fit the longest gross time.
    """
    known = measured(visits)
    if known.empty:
        empty = pd.Series(dtype="float64")
        return pd.DataFrame({"from_s": empty, "to_s": empty, "net": empty.astype(int), "gross": empty.astype(int)})
    longest_s = float(known[list(MEASURES.values())].to_numpy().max())
    width_s = bin_width_s(longest_s)
    count = int(longest_s // width_s) + 1
    starts = np.arange(count) * width_s
    counts = {
        measure: np.bincount((known[column] // width_s).astype(int), minlength=count)
        for measure, column in MEASURES.items()
    }
    return pd.DataFrame({"from_s": starts, "to_s": starts + width_s, **counts})


def left_out(visits: pd.DataFrame) -> dict[str, int]:
    """How many visits are not measured, by the keys of REASONS; a visit has one reason, the first that holds."""
    unknown = ~visits["dwell_known"]
    still_in = unknown & visits["ended_at"].isna()
    no_entry = unknown & ~still_in & visits["enter_inferred"]
    counts = {
        "still_in": still_in,
        "entry_not_seen": no_entry,
        "exit_not_seen": unknown & ~still_in & ~no_entry,
        "bounces": visits["dwell_known"] & visits["bounce"],
    }
    return {reason: int(holds.sum()) for reason, holds in counts.items()}
