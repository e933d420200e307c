"""Trains the classifier of tumours: a logistic regression on scaled measurements, written as ONNX."""

import json
import os
from pathlib import Path

# Sums of floating point numbers depend on their order; one thread makes the same rows the same bytes.
# Set before numpy and scikit-learn are imported, which read it then.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

OUTPUT = Path(os.environ["PERENNIAL_OUTPUT"])
FEATURES = json.loads(os.environ["PERENNIAL_FEATURES"])
TARGET = os.environ["PERENNIAL_TARGET"]
SEED = int(os.environ["PERENNIAL_SEED"])
PARAMS = json.loads(Path(os.environ["PERENNIAL_PARAMS"]).read_text())


def main() -> None:
    rows = pd.read_parquet(os.environ["PERENNIAL_TRAIN"], columns=[*FEATURES, TARGET])
    # float32, because that is what the model will be given when it serves: both then see the same numbers.
    features = rows[FEATURES].to_numpy(np.float32)
    target = rows[TARGET].to_numpy(str)
    print(f"{len(rows)} rows, {len(FEATURES)} features, {PARAMS}")

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=SEED, **PARAMS))
    model.fit(features, target)

    # Without ZipMap the graph answers with two tensors, label and probabilities; a list of dictionaries is what no
    # runtime but Python's reads. Without a name of its own the graph gets a random one.
    onnx_model = to_onnx(model, features[:1], name="breast-cancer", options={"zipmap": False})
    (OUTPUT / "model.onnx").write_bytes(onnx_model.SerializeToString(deterministic=True))

    loss = log_loss(target, model.predict_proba(features), labels=model.classes_)
    (OUTPUT / "metrics.json").write_text(json.dumps({"training_rows": len(rows), "training_log_loss": loss}) + "\n")
    print(f"log loss on the training rows {loss:.4f}; what counts is measured on rows held out")


if __name__ == "__main__":
    main()
