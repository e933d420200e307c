"""Makes one drift report with Evidently, from two Parquet files to its JSON.

python drift_report.py FOLDER METHOD prints {"seconds", "version", "scores"}; METHOD is default, psi, ks or wasserstein.
"""

import json
import sys
import time
from pathlib import Path

import evidently
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main(folder: Path, method: str) -> None:
    begun = time.perf_counter()
    reference = pd.read_parquet(folder / "reference.parquet")
    current = pd.read_parquet(folder / "current.parquet")
    definition = DataDefinition(numerical_columns=list(reference.columns))
    preset = DataDriftPreset() if method == "default" else DataDriftPreset(num_method=method)
    snapshot = Report([preset]).run(
        Dataset.from_pandas(current, data_definition=definition),
        Dataset.from_pandas(reference, data_definition=definition),
    )
    text = snapshot.json()
    seconds = time.perf_counter() - begun
    scores = {}
    for metric in json.loads(text)["metrics"]:
        column = (metric.get("config") or {}).get("column")
        if column is not None:
            scores[column] = metric["value"]
    print(json.dumps({"seconds": seconds, "version": evidently.__version__, "scores": scores}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
