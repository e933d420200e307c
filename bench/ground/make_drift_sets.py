"""Writes two sets of rows with 20 features each, of which five have moved, and a model of them.

python make_drift_sets.py FOLDER ROWS writes reference.parquet, current.parquet, current.f32 and model.onnx.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

FEATURES = [f"f{number:02d}" for number in range(20)]
MOVED = 5
HELD_OUT = 2_000


def draw(rng: np.random.Generator, rows: int, moved: bool) -> np.ndarray:
    values = rng.normal(size=(rows, len(FEATURES)))
    if moved:
        values[:, :MOVED] += 0.3
    # Three decimals, as measurements have. float32 holds the nearest value, which both sides then see.
    return values.round(3).astype(np.float32)


def main(folder: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    reference, current = draw(rng, rows, False), draw(rng, rows, True)
    target = reference.sum(axis=1).round(3)
    model = LinearRegression().fit(reference[:10_000], target[:10_000])
    graph = to_onnx(model, reference[:1], name="drift")
    (folder / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    # The platform reads float32 of a Parquet file as the double of the same value, and so does the peer.
    table = pd.DataFrame(reference.astype(np.float64), columns=FEATURES)
    table.to_parquet(folder / "reference.parquet", index=False)
    # The rows of the last day are held out, so that the model's reference is exactly the rows of reference.parquet.
    held_out = table.head(HELD_OUT).copy()
    table = pd.concat([table, held_out], ignore_index=True)
    table.insert(0, "id", np.arange(len(table)))
    trained = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(rows), unit="s")
    table.insert(1, "at", list(trained) + [pd.Timestamp("2020-02-01 12:00")] * HELD_OUT)
    table["target"] = np.concatenate([target, target[:HELD_OUT]])
    table.to_parquet(folder / "training.parquet", index=False)
    pd.DataFrame(current.astype(np.float64), columns=FEATURES).to_parquet(folder / "current.parquet", index=False)
    current.tofile(folder / "current.f32")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
