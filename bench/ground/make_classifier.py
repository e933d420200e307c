"""Trains the classifier that the serving measures use, and writes it beside the rows it was trained on.

python make_classifier.py FOLDER writes model.onnx, model.joblib, rows.csv and sample.json.
"""

import csv
import json
import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import joblib
import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier

FEATURES = [f"f{number:02d}" for number in range(30)]


def main(folder: Path) -> None:
    values, target = make_classification(
        n_samples=4000, n_features=len(FEATURES), n_informative=15, class_sep=1.5, random_state=0
    )
    # Four decimals, as measurements have: the length of a request's text depends on it.
    values = values.round(4).astype(np.float32)
    # scikit-learn's defaults: 100 trees of depth 3.
    model = GradientBoostingClassifier(random_state=0).fit(values, target)
    graph = to_onnx(model, values[:1], name="boosted", options={"zipmap": False})
    (folder / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    joblib.dump(model, folder / "model.joblib")
    plain = [[float(f"{value:.4f}") for value in row] for row in values]
    with (folder / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", *FEATURES, "label"])
        for number, (row, label) in enumerate(zip(plain, target), start=1):
            writer.writerow([number, *row, int(label)])
    (folder / "sample.json").write_text(json.dumps({"features": FEATURES, "rows": plain[:1000]}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
