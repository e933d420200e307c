"""Trains the model of bike demand: gradient boosted trees over weather and calendar, written as ONNX."""

import json
import os
from pathlib import Path

# Sums of floating point numbers depend on their order; one thread makes the same rows the same bytes.
# Set before numpy and scikit-learn are imported, which read it then.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

OUTPUT = Path(os.environ["PERENNIAL_OUTPUT"])
FEATURES = json.loads(os.environ["PERENNIAL_FEATURES"])
TARGET = os.environ["PERENNIAL_TARGET"]
SEED = int(os.environ["PERENNIAL_SEED"])
PARAMS = json.loads(Path(os.environ["PERENNIAL_PARAMS"]).read_text())


def main() -> None:
    rows = pd.read_parquet(os.environ["PERENNIAL_TRAIN"], columns=[*FEATURES, TARGET])
    # float32, because that is what the model will be given when it serves: both then see the same numbers.
    features = rows[FEATURES].to_numpy(np.float32)
    target = rows[TARGET].to_numpy(np.float64)
    print(f"{len(rows)} rows, {len(FEATURES)} features, {PARAMS}")

    print("::progress 0.2 fitting", flush=True)
    model = HistGradientBoostingRegressor(random_state=SEED, **PARAMS)
    model.fit(features, target)

    print("::progress 0.7 writing ONNX", flush=True)
    # Without a name of its own the graph gets a random one, and the same training would give other bytes.
    onnx_model = to_onnx(model, features[:1], name="bike-demand")
    (OUTPUT / "model.onnx").write_bytes(onnx_model.SerializeToString(deterministic=True))

    fitted = model.predict(features)
    metrics = {
        "training_rows": len(rows),
        "training_rmse": root_mean_squared_error(target, fitted),
        "training_mae": mean_absolute_error(target, fitted),
    }
    (OUTPUT / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(f"rmse on the training rows {metrics['training_rmse']:.1f}; what counts is measured on rows held out")


if __name__ == "__main__":
    main()
