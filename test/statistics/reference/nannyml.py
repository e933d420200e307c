"""NannyML's estimates of performance without labels, for synthetic classes and for three of its published examples.

Writes JSON: python -P nannyml.py nannyml.json
-P keeps this file from hiding the library. Standard output would mix LightGBM's messages with the JSON.

NannyML rounds the counts under its ROC curve to five decimal places and orders tied probabilities arbitrarily, by an
unstable quicksort. So `rocAuc` is computed a second time: without the rounding if there are no ties, and by
scikit-learn if there are many.
"""

import contextlib
import json
import os
import pathlib
import sys
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.filterwarnings("ignore")

import lightgbm
import nannyml
import numpy as np
import pandas
import sklearn
from nannyml.performance_estimation.confidence_based import cbpe
from sklearn import metrics

# This version of NannyML does not accept the string type of pandas 3.
pandas.set_option("future.infer_string", False)

NAMES = {"rocAuc": "roc_auc", "accuracy": "accuracy", "macroF1": "f1"}


@contextlib.contextmanager
def replaced(module, name, value):
    known = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, known)


def told(results, names):
    (row,) = results.filter(period="analysis").to_df().to_dict("records")
    return {
        what: {ours: float(row[(theirs, what_they_say)]) for ours, theirs in names.items()}
        for what, what_they_say in (("estimated", "value"), ("samplingError", "sampling_error"))
    }


def several(reference, window, columns):
    """Returns NannyML's estimates for one window, the classes that it calibrated, and the calibrated probabilities."""
    estimator = nannyml.CBPE(
        y_pred_proba=columns,
        y_pred="y_pred",
        y_true="y_true",
        problem_type="classification_multiclass",
        metrics=list(NAMES.values()),
        chunk_size=len(window),
    )
    estimator.fit(reference)
    calibrated = [type(estimator._calibrators[name]).__name__ != "NoopCalibrator" for name in sorted(columns)]
    believed = cbpe._calibrate_predicted_probabilities(window, "y_true", columns, estimator._calibrators)
    shares = believed[[columns[name] for name in sorted(columns)]].to_numpy()
    return told(estimator.estimate(window), NAMES), calibrated, shares


def as_weights(decision, probabilities, believed):
    """Returns the same by scikit-learn: each row appears once per class, weighted by the calibrated probability."""
    rows, classes = believed.shape
    truth, weight = np.tile(np.arange(classes), rows), believed.reshape(-1)
    said, given = np.repeat(decision, classes), np.repeat(probabilities, classes, axis=0)
    areas = [
        metrics.roc_auc_score(truth == place, given[:, place], sample_weight=weight) for place in range(classes)
    ]
    return {
        "rocAuc": float(np.mean(areas)),
        "accuracy": metrics.accuracy_score(truth, said, sample_weight=weight),
        "macroF1": metrics.f1_score(truth, said, sample_weight=weight, average="macro"),
        "weightedF1": metrics.f1_score(truth, said, sample_weight=weight, average="weighted"),
        "logLoss": metrics.log_loss(truth, given, sample_weight=weight, labels=list(range(classes))),
    }


def wanderings(truth, decision, probabilities, rows, random):
    """Returns the standard deviation of the metrics over resamples of this many rows."""
    labels, drawn = list(range(probabilities.shape[1])), []
    for _ in range(4000):
        those = random.integers(0, len(truth), rows)
        drawn.append(
            [
                metrics.f1_score(truth[those], decision[those], average="weighted", labels=labels, zero_division=0),
                metrics.log_loss(truth[those], probabilities[those], labels=labels),
            ]
        )
    return dict(zip(["weightedF1", "logLoss"], np.std(drawn, axis=0).tolist()))


def made_up():
    """Makes four classes, one of them rare, for an overconfident model whose inputs then shift."""
    random = np.random.default_rng(4)
    slopes = random.normal(size=(2, 4)) * 0.8

    def rows(count, moved):
        x = random.normal(size=(count, 2)) * (0.7 if moved else 1) + (0.3 if moved else 0)
        scores = x @ slopes + np.array([0.4, 0, 0, -1.5])
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        truth = np.array([random.choice(4, p=row) for row in chances])
        shown = chances**1.8
        shown = np.round(shown / shown.sum(axis=1, keepdims=True), 9)
        shown[:, 3] = np.round(1 - shown[:, :3].sum(axis=1), 9)
        return truth, shown

    columns = {str(place): f"p{place}" for place in range(4)}
    frames, given = [], []
    for count, moved in ((900, False), (400, True)):
        truth, shown = rows(count, moved)
        assert all(len(set(shown[:, place])) == count for place in range(4)), "tied"
        frame = pandas.DataFrame(shown, columns=list(columns.values()))
        frame["y_true"], frame["y_pred"] = truth.astype(str), shown.argmax(axis=1).astype(str)
        frames.append(frame)
        given.append({"truth": truth, "decision": shown.argmax(axis=1), "probabilities": shown})
    expected, calibrated, believed = several(*frames, columns)
    assert all(calibrated), calibrated
    with replaced(np, "round", lambda values, *_: values):
        expected["estimated"] = several(*frames, columns)[0]["estimated"]
    known, window = given
    return {
        "classes": sorted(columns),
        "reference": {name: values.reshape(-1).tolist() for name, values in known.items()},
        "analysis": {name: window[name].reshape(-1).tolist() for name in ("decision", "probabilities")},
        "believed": believed[:20].reshape(-1).tolist(),
        **expected,
        "asWeights": as_weights(window["decision"], window["probabilities"], believed),
        "wanders": wanderings(known["truth"], known["decision"], known["probabilities"], 400, random),
    }


def counted(frame, by):
    """Groups equal rows and counts them. Nothing here depends on the order of rows."""
    return [[*map(int, key), int(count)] for key, count in frame.groupby(by).size().items()]


def credit_cards():
    """Returns the whole reference and two of the ten windows: the first, and the first after the concept has changed.

    Equal rows are grouped: the first two probabilities in percent, the decision, and the number of rows, or for the
    reference the number of rows of each class. NannyML 0.13.1 calibrates two of the classes. Its tutorial of the
    example was written when it calibrated all three, and prints the values of `eachCalibrated`.
    """
    reference, analysis, truth = nannyml.load_synthetic_multiclass_classification_dataset()
    analysis = analysis.merge(truth, on="id")
    names = sorted(reference.y_true.unique())
    columns = {name: f"y_pred_proba_{name}" for name in names}
    place = {name: at for at, name in enumerate(names)}
    for frame in (reference, analysis):
        for at, name in enumerate(names):
            frame[f"percent{at}"] = (frame[columns[name]] * 100).round().astype(int)
            assert (frame[columns[name]] == frame[f"percent{at}"] / 100).all()
        assert (frame.percent0 + frame.percent1 + frame.percent2 == 100).all()
        frame["said"], frame["truth"] = frame.y_pred.map(place), frame.y_true.map(place)
    same, windows = ["percent0", "percent1", "said"], []
    for start in (0, 30_000):
        rows = analysis[start : start + 6000].reset_index(drop=True)
        expected, calibrated, believed = several(reference, rows, columns)
        with replaced(cbpe, "needs_calibration", lambda *_: True):
            each, _, believed_each = several(reference, rows, columns)
        shown = rows[[columns[name] for name in names]].to_numpy()
        realized = {
            "rocAuc": metrics.roc_auc_score(rows.truth, shown, multi_class="ovr"),
            "accuracy": metrics.accuracy_score(rows.truth, rows.said),
            "macroF1": metrics.f1_score(rows.truth, rows.said, average="macro"),
        }
        windows.append(
            {
                "from": start,
                "rows": counted(rows, same),
                "calibrated": calibrated,
                **expected,
                "asWeights": as_weights(rows.said.to_numpy(), shown, believed),
                "eachCalibrated": each["estimated"],
                "realized": realized,
            }
        )
    table = reference.groupby([*same, "truth"]).size().unstack(fill_value=0)
    known = [[*map(int, key), *map(int, counts)] for key, counts in zip(table.index, table.to_numpy())]
    return {"classes": names, "reference": known, "windows": windows}


def car_loan():
    """Returns the whole reference and two of the ten windows. The tutorial prints the values of `estimated`."""
    reference, analysis, _ = nannyml.load_synthetic_car_loan_dataset()
    names = {"rocAuc": "roc_auc", **{name: name for name in ("accuracy", "precision", "recall", "f1")}}
    for frame in (reference, analysis):
        frame["percent"] = (frame.y_pred_proba * 100).round().astype(int)
        assert (frame.y_pred_proba == frame.percent / 100).all()
    windows = []
    for start in (0, 25_000):
        estimator = nannyml.CBPE(
            y_pred_proba="y_pred_proba",
            y_pred="y_pred",
            y_true="repaid",
            problem_type="classification_binary",
            metrics=list(names.values()),
            chunk_size=5000,
        )
        estimator.fit(reference)
        assert estimator.needs_calibration
        rows = analysis[start : start + 5000].reset_index(drop=True)
        windows.append(
            {"from": start, "rows": counted(rows, ["percent", "y_pred"]), **told(estimator.estimate(rows), names)}
        )
    return {"reference": counted(reference, ["percent", "y_pred", "repaid"]), "windows": windows}


def car_price():
    """Returns the first rows of the reference, and of one window before and one after the inputs have shifted."""
    reference, analysis, truth = nannyml.load_synthetic_car_price_dataset()
    analysis = analysis.merge(truth, on="id")
    features = ["car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission"]
    reference, names = reference[:1200], {"mae": "mae", "rmse": "rmse"}

    def whole(frame, columns):
        frame = frame.copy()
        for name in ("fuel", "transmission"):
            frame[name] = frame[name].map({value: at for at, value in enumerate(sorted(reference[name].unique()))})
        return {name: frame[name].astype(int).tolist() for name in columns}

    windows = []
    for start in (0, 30_000):
        rows = analysis[start : start + 400].reset_index(drop=True)
        estimator = nannyml.DLE(
            feature_column_names=features,
            y_pred="y_pred",
            y_true="y_true",
            metrics=list(names.values()),
            chunk_size=400,
            tune_hyperparameters=False,
        )
        estimator.fit(reference)
        realized = {
            "mae": metrics.mean_absolute_error(rows.y_true, rows.y_pred),
            "rmse": metrics.root_mean_squared_error(rows.y_true, rows.y_pred),
        }
        columns = whole(rows, [*features, "y_pred"])
        windows.append({"from": start, "columns": columns, **told(estimator.estimate(rows), names), "realized": realized})
    return {"features": features, "reference": whole(reference, [*features, "y_pred", "y_true"]), "windows": windows}


made = {
    "madeWith": {
        "nannyml": nannyml.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "lightgbm": lightgbm.__version__,
    },
    "madeUp": made_up(),
    "creditCards": credit_cards(),
    "carLoan": car_loan(),
    "carPrice": car_price(),
}
pathlib.Path(sys.argv[1]).write_text(json.dumps(made, separators=(",", ":")) + "\n")
