"""Trains the example's model and measures it on the example's holdout with scikit-learn alone, and prints JSON.

python breast_cancer_reference.py tumours.csv
"""

import hashlib
import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def is_held_out(key):
    return int(hashlib.sha256(str(key).encode()).hexdigest()[:13], 16) / 2**52 < 0.2


def main():
    rows = pd.read_csv(sys.argv[1])
    held = rows["id"].map(is_held_out)
    features = rows.drop(columns=["id", "diagnosis"]).to_numpy(np.float32)
    target = rows["diagnosis"].to_numpy(str)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=0, C=1.0))
    model.fit(features[~held], target[~held])
    truth = target[held] == "malignant"
    probability = model.predict_proba(features[held])[:, list(model.classes_).index("malignant")]
    decision = probability >= 0.3
    print(
        json.dumps(
            {
                "rows": int(held.sum()),
                "positives": int(truth.sum()),
                "ids": rows["id"][held].tolist(),
                "probability": probability.tolist(),
                "metrics": {
                    "rocAuc": metrics.roc_auc_score(truth, probability),
                    "averagePrecision": metrics.average_precision_score(truth, probability),
                    "logLoss": metrics.log_loss(truth, y_proba=probability),
                    "brier": metrics.brier_score_loss(truth, probability),
                    "accuracy": metrics.accuracy_score(truth, decision),
                    "precision": metrics.precision_score(truth, decision),
                    "recall": metrics.recall_score(truth, decision),
                    "f1": metrics.f1_score(truth, decision),
                    "mcc": metrics.matthews_corrcoef(truth, decision),
                },
            }
        )
    )


if __name__ == "__main__":
    main()
