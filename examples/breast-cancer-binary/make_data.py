"""Writes tumours.csv out of what scikit-learn ships: python make_data.py > tumours.csv"""

import csv
import sys

from sklearn.datasets import load_breast_cancer


def main() -> None:
    data = load_breast_cancer()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["id", *(name.replace(" ", "_") for name in data.feature_names), "diagnosis"])
    for number, (row, target) in enumerate(zip(data.data, data.target), start=1):
        writer.writerow([number, *row.tolist(), data.target_names[target]])


if __name__ == "__main__":
    main()
