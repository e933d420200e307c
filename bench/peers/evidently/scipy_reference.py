"""The statistics of two Parquet files as SciPy computes them. python scipy_reference.py FOLDER prints them by column."""

import json
import sys
from pathlib import Path

import pandas as pd
from scipy.stats import ks_2samp, wasserstein_distance


def main(folder: Path) -> None:
    reference = pd.read_parquet(folder / "reference.parquet")
    current = pd.read_parquet(folder / "current.parquet")
    statistics = {}
    for name in reference.columns:
        before, now = reference[name].to_numpy(), current[name].to_numpy()
        ks = ks_2samp(before, now, method="asymp")
        distance = wasserstein_distance(before, now)
        statistics[name] = {"ks": ks.statistic, "ksPValue": ks.pvalue, "distance": distance, "deviation": before.std()}
    print(json.dumps(statistics))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
