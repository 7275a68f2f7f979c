"""A clinical table of mixed columns: ``python examples/clinical_table.py`` (10 s).

Numbers, some of them missing, categories, dates and a rule that every patient keeps: the augmenter learns them as they
are and draws rows of the same columns, types and ranges. Whether such rows help a booster with native categories is
then asked of the gate. The patients are made up here.
"""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from synthaug import CGAN, AugmentedClassifier, LessOrEqual, SyntheticAugmenter


def patients(n: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return made-up patients, of whom one in five or so is readmitted."""
    rng = np.random.default_rng(0)
    age, diastolic = rng.integers(30, 91, n), rng.normal(80, 10, n).round()
    ward = rng.choice(["medicine", "surgery", "cardiology"], n, p=[0.5, 0.3, 0.2])
    creatinine = rng.lognormal(0, 0.3, n).round(2)
    risk = 0.05 * (age - 60) + 2.0 * (creatinine - 1) + (ward == "cardiology") + rng.normal(0, 1, n)
    table = pd.DataFrame(
        {
            "age": age,
            "ward": pd.Categorical(ward),
            "diastolic": diastolic,
            "systolic": diastolic + rng.integers(20, 70, n),
            "creatinine": np.where(rng.random(n) < 0.15, np.nan, creatinine),  # not measured in everyone
            "admitted": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, n), unit="D"),
        }
    )
    return table, pd.Series(np.where(risk > 1.2, "readmitted", "well"), name="outcome")


def plausible(rows: pd.DataFrame) -> pd.Series:
    """Return which rows may be: nobody of this hospital has a pulse pressure of more than 90."""
    return rows["systolic"] - rows["diastolic"] <= 90


def main() -> None:
    X, y = patients(240)
    rules = [LessOrEqual("diastolic", "systolic"), plausible]
    augmenter = SyntheticAugmenter(CGAN(n_steps=200, width=64), constraints=rules, random_state=0).fit(X, y)
    drawn, _ = augmenter.sample({"readmitted": 200}, random_state=0)
    print(drawn.head(3).to_string(index=False))
    print(f"types kept: {(drawn.dtypes == X.dtypes).all()}, rules kept: {(drawn.diastolic <= drawn.systolic).all()}")
    missing = [f"{rows['creatinine'].isna().mean():.0%}" for rows in (X, drawn)]
    print(f"creatinine is missing in {missing[0]} of the patients and {missing[1]} of the drawn rows")

    columns = ("passthrough", ["age", "ward", "diastolic", "systolic", "creatinine"])  # the booster reads no dates
    native = make_column_transformer(columns, verbose_feature_names_out=False).set_output(transform="pandas")
    booster = HistGradientBoostingClassifier(max_iter=20, categorical_features="from_dtype", random_state=0)
    unfitted = SyntheticAugmenter(CGAN(n_steps=200, width=64), constraints=rules)
    model = AugmentedClassifier(make_pipeline(native, booster), unfitted, scoring="balanced_accuracy", random_state=0)
    print(model.fit(X, y).explain_decision())


if __name__ == "__main__":
    main()
