"""Reference values of drift over bins that give frequent values bins of their own, by pandas, NumPy and SciPy.

The rules follow docs/reference/drift.md and not the code. A value with more than a tenth of the reference rows is a bin
of its own, and the rest is cut at its own deciles. If there are more than 25 categories, the rare ones are pooled into
known and new. A column has drifted if its distance is at or above the threshold and above the 99.5 % quantile over
random splits of the pooled rows.

Prints JSON: python drift-bins.py > drift-bins.json
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy.spatial.distance import jensenshannon

ROOT = Path(__file__).resolve().parents[2]
bike = pd.read_csv(ROOT / "examples/bike-demand/hour.csv")
bike["month"] = bike["dteday"].str[:7]
rng = np.random.default_rng(20)


def months(first, last):
    return bike[(bike["month"] >= first) & (bike["month"] <= last)]


def edges_of(reference):
    """Returns the sorted edges. A value with a bin of its own appears twice."""
    reference = pd.Series(reference, dtype=float)
    shares = reference.value_counts(normalize=True)
    points = sorted(shares[shares > 0.1].index)
    rest = reference[~reference.isin(points)]
    cuts = [] if len(rest) < 0.01 * len(reference) else np.unique(np.quantile(rest, np.arange(1, 10) / 10))
    return sorted([*points, *points, *[cut for cut in cuts if cut not in points]])


def counts_in(values, edges):
    """Counts the values in each bin. Only values above the second of two equal edges pass it."""
    values = np.asarray(values, dtype=float)
    place = np.zeros(len(values), dtype=int)
    for at, edge in enumerate(edges):
        second = at > 0 and edges[at - 1] == edge
        place += (values > edge) if second else (values >= edge)
    return np.bincount(place, minlength=len(edges) + 1)


def psi(before, now):
    p = np.clip(before / before.sum(), 1e-4, None)
    q = np.clip(now / now.sum(), 1e-4, None)
    return float(((q - p) * np.log(q / p)).sum())


def pooled(before, now):
    """Pools the rare categories into known and new, by Good and Turing, if there are more than 25."""
    if ((before + now) > 0).sum() <= 25:
        return before, now
    both, smaller = before + now, now if now.sum() <= before.sum() else before
    common = (both * min(before.sum(), now.sum()) / both.sum() >= 5) | (smaller >= 10)
    r, c = before[~common], now[~common]
    return (
        np.append(before[common], [r[r != 1].sum(), (r == 1).sum()]),
        np.append(now[common], [c[r != 0].sum(), c[r == 0].sum()]),
    )


def critical(before, now, distance, draws=4000):
    both = before + now
    dealt = rng.multivariate_hypergeometric(both, int(now.sum()), size=draws, method="marginals")
    return float(np.quantile([distance(both - now, now) for now in dealt], 0.995))


def pooled_psi(before, now):
    return psi(*pooled(before, now))


def by_category(before, now):
    names = sorted(set(before) | set(now))
    return tuple(pd.Series(side).value_counts().reindex(names, fill_value=0).to_numpy() for side in (before, now))


def by_bin(before, now):
    edges = edges_of(before)
    return counts_in(before, edges), counts_in(now, edges)


def of_column(before, now):
    edges = edges_of(before)
    r, c = counts_in(before, edges), counts_in(now, edges)
    return {
        "edges": edges,
        "counts": [r.tolist(), c.tolist()],
        "psi": psi(r, c),
        "js_distance_base2": float(jensenshannon(r, c, base=2)) if psi(r, c) > 0 else 0.0,
        "total_variation": float(np.abs(r / r.sum() - c / c.sum()).sum() / 2),
        "critical": critical(r, c, psi),
    }


known = json.loads((ROOT / "test/statistics/reference/statistics.json").read_text())["drift"]
scenarios = {}
for name, scenario in known.items():
    before, now = months(*scenario["reference_months"]), months(*scenario["current_months"])
    numeric = [column for column, told in scenario["columns"].items() if "edges" in told]
    scenarios[name] = {column: of_column(before[column], now[column]) for column in numeric}

WEATHER = ["weathersit", "temp", "atemp", "hum", "windspeed"]


def drifted(before, now, split):
    r, c = split(before, now)
    index = psi(r, c)
    return bool(index >= 0.2 and index > critical(r, c, psi))


def through_2012(reference_of, categories=()):
    findings, quiet, target = 0, 0, 0
    for month in pd.period_range("2012-01", "2012-12", freq="M"):
        before, now = months(*reference_of(month)), months(str(month), str(month))
        moved = sum(
            drifted(before[column], now[column], by_category if column in categories else by_bin) for column in WEATHER
        )
        findings, quiet = findings + moved, quiet + (moved == 0)
        target += drifted(before["cnt"], now["cnt"], by_bin)
    return {"findings": findings, "quiet": quiet, "target": target}


def half_year(month):
    return str(month - 6), str(month - 1)


def year_ago(month):
    return str(month - 12), str(month - 12)


def case(name):
    folder = ROOT / "test/cases/inputs/drift" / name
    # With `skip_blank_lines`, missing values of a single column would be left out.
    before, now = (pd.read_csv(folder / f"{side}.csv", skip_blank_lines=False)["v"] for side in ("reference", "window"))
    split, distance = (by_category, pooled_psi) if before.dtype == object else (by_bin, psi)
    r, c = split(before, now)
    return {"psi": distance(r, c), "critical": critical(r, c, distance, 2000)}


CASES = [
    "more-zeros",
    "same-zeros-larger-amounts",
    "constant-moves-up",
    "constant-moves-down",
    "same-80-categories",
    "same-700-categories",
    "same-4000-categories",
    "category-replaced",
]

print(
    json.dumps(
        {
            "made_with": {"scipy": scipy.__version__, "numpy": np.__version__, "pandas": pd.__version__},
            "drift": scenarios,
            "through_2012": {
                "half_year": through_2012(half_year),
                "year_ago": through_2012(year_ago),
                "year_ago_weather_as_category": through_2012(year_ago, ("weathersit",)),
            },
            "cases": {name: case(name) for name in CASES},
        },
        indent=1,
    )
)
