"""Reference values of the classification metrics and of the pinball loss, by scikit-learn.

Prints JSON: python classification.py > classification.json
"""

import json
import warnings

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.calibration import calibration_curve

warnings.filterwarnings("ignore")


def binary(name, truth, probability, threshold=0.5, weights=None):
    truth, probability = np.asarray(truth), np.asarray(probability, dtype=float)
    decision = (probability >= threshold).astype(int)
    both = len(set(truth)) == 2
    rates, means = calibration_curve(truth, probability, n_bins=10)
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], probability)
    rows = [int((bins == b).sum()) for b in sorted(set(bins))]
    given = {"sample_weight": weights}
    expected = {
        "rocAuc": metrics.roc_auc_score(truth, probability, **given) if both else None,
        "averagePrecision": metrics.average_precision_score(truth, probability, **given) if truth.any() else None,
        "logLoss": metrics.log_loss(truth, y_proba=probability, labels=[0, 1], **given),
        "brier": metrics.brier_score_loss(truth, probability, labels=[0, 1], **given),
        "accuracy": metrics.accuracy_score(truth, decision, **given),
        "precision": metrics.precision_score(truth, decision, **given) if truth.any() or decision.any() else None,
        "recall": metrics.recall_score(truth, decision, **given) if truth.any() else None,
        "f1": metrics.f1_score(truth, decision, **given) if truth.any() or decision.any() else None,
        "mcc": metrics.matthews_corrcoef(truth, decision, **given) if both else None,
        "ece": float(np.average(np.abs(rates - means), weights=rows)) if weights is None else None,
    }
    return {
        "name": name,
        "threshold": threshold,
        "truth": truth.tolist(),
        "probability": probability.tolist(),
        "weights": weights,
        "expected": expected,
        "calibration": [
            {"predicted": p, "observed": o, "rows": n} for p, o, n in zip(means.tolist(), rates.tolist(), rows)
        ],
    }


def multiclass(name, truth, probabilities, weights=None):
    truth, probabilities = np.asarray(truth), np.asarray(probabilities, dtype=float)
    labels = list(range(probabilities.shape[1]))
    decision = probabilities.argmax(axis=1)
    given = {"sample_weight": weights}
    every = set(truth) == set(labels)
    return {
        "name": name,
        "truth": truth.tolist(),
        "decision": decision.tolist(),
        "probabilities": probabilities.tolist(),
        "weights": weights,
        "expected": {
            "accuracy": metrics.accuracy_score(truth, decision, **given),
            "macroF1": metrics.f1_score(truth, decision, average="macro", **given),
            "weightedF1": metrics.f1_score(truth, decision, average="weighted", **given),
            "logLoss": metrics.log_loss(truth, y_proba=probabilities, labels=labels, **given),
            "rocAuc": metrics.roc_auc_score(truth, probabilities, multi_class="ovr", labels=labels, **given)
            if every
            else None,
        },
        "confusion": metrics.confusion_matrix(truth, decision, labels=labels).tolist(),
    }


def main():
    random = np.random.default_rng(4)
    truth = random.integers(0, 2, 300)
    score = np.clip(0.3 * truth + random.random(300) * 0.7, 0, 1)
    rare = (random.random(400) < 0.03).astype(int)
    many = random.integers(0, 5, 400)
    shares = random.dirichlet(np.ones(5), 400)
    shares[np.arange(400), many] += 0.4
    shares /= shares.sum(axis=1, keepdims=True)
    counts = random.integers(0, 4, 300).tolist()
    hard = np.eye(3)[random.integers(0, 3, 60)]
    quantity, answer = random.normal(100, 30, 200), random.normal(100, 30, 200)
    print(
        json.dumps(
            {
                "versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
                "binary": [
                    binary("a score that says something", truth, score),
                    binary("a threshold of its own", truth, score, 0.7),
                    binary("ties, on the edges of bins", truth, np.round(score, 1)),
                    binary("all the same score", truth, np.full(300, 0.5)),
                    binary("probabilities of 0 and 1, some wrong", truth, np.where(random.random(300) < 0.9, truth, 1 - truth)),
                    binary("probabilities beside 0 and 1", truth, np.where(score > 0.5, 1 - 1e-17, 1e-300)),
                    binary("rows that count several times", truth, score, weights=counts),
                    binary("ties that count several times", truth, np.round(score, 1), weights=counts),
                    binary("a rare class", rare, np.clip(random.random(400) * 0.4 + rare * 0.2, 0, 1)),
                    binary("never the positive class", truth, score / 4),
                    binary("always the positive class", truth, 0.5 + score / 2),
                    binary("only the positive class", np.ones(20, int), random.random(20)),
                    binary("only the other class", np.zeros(20, int), random.random(20)),
                    binary("only the other class, and never said", np.zeros(20, int), random.random(20) / 3),
                ],
                "multiclass": [
                    multiclass("five classes", many, shares),
                    multiclass("ties", many, np.round(shares * 4 + 1) / np.round(shares * 4 + 1).sum(axis=1, keepdims=True)),
                    multiclass("probabilities of 0 and 1", random.integers(0, 3, 60), hard),
                    multiclass("a class without rows", np.minimum(many, 3), shares),
                    multiclass("one class only", np.zeros(20, int), shares[:20]),
                    multiclass("rows that count several times", many[:300], shares[:300], counts),
                ],
                "pinball": [
                    {
                        "quantile": q,
                        "truth": quantity.tolist(),
                        "prediction": answer.tolist(),
                        "expected": metrics.mean_pinball_loss(quantity, answer, alpha=q),
                    }
                    for q in (0.1, 0.5, 0.9)
                ],
            }
        )
    )


if __name__ == "__main__":
    main()
