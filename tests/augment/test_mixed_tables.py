"""Mixed tables where people use them: classifiers, pipelines, boosters with native categories, over-samplers."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.pipeline import make_pipeline as make_imb_pipeline
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from synthaug import CGAN, AugmentedClassifier, LessOrEqual, Mix, SyntheticAugmenter, SyntheticSampler
from synthaug.augment.encoding import needs_encoding, with_encoding
from synthaug.errors import KeyColumnWarning


@pytest.fixture(scope="module")
def rows():
    """Patients of two classes, one of them rarer: numbers, some missing, categories, words, dates."""
    rng, n = np.random.default_rng(0), 60
    low = rng.normal(80, 10, n).round()
    X = pd.DataFrame(
        {
            "diastolic": low,
            "systolic": low + rng.integers(0, 60, n),
            "dose": np.where(rng.random(n) < 0.2, np.nan, rng.gamma(2, 2, n).round(1)),
            "stage": pd.Categorical(rng.choice(["I", "II", "III"], n)),
            "sex": rng.choice(["f", "m"], n),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
        },
        index=rng.permutation(n),
    )
    return X, pd.Series(np.where(np.arange(n) % 3 == 0, "ill", "well"), index=X.index, name="finding")


def augmenter(**settings):
    return SyntheticAugmenter(CGAN(n_steps=3, width=8, batch_size=16), selection="none", **settings)


def encoded():
    """Return the columns of numbers scaled, and words one-hot: what people put before a linear classifier."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("words", words, make_column_selector(dtype_include=["category", "str"])),
        ]
    )


def booster():
    """Return a booster that knows categories by their type; it reads no words and no dates."""
    native = ColumnTransformer(
        [("kept", "passthrough", ["diastolic", "systolic", "dose", "stage"])], verbose_feature_names_out=False
    ).set_output(transform="pandas")
    return make_pipeline(native, HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype"))


CLASSIFIERS = {
    "the default": lambda: None,
    "columns encoded": lambda: make_pipeline(encoded(), LogisticRegression()),
    "native categories": booster,
}


@pytest.mark.parametrize("estimator", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_a_classifier_learns_from_a_mixed_table(rows, estimator):
    """Rows reach the classifier in their own types, and so do those to predict."""
    X, y = rows
    model = AugmentedClassifier(estimator(), augmenter(), gate=False, random_state=0).fit(X, y)
    assert set(model.predict(X)) <= {"ill", "well"}
    assert model.predict_proba(X).shape == (60, 2)
    assert list(model.feature_names_in_) == list(X.columns)
    assert model.n_added_ == 20


def test_categories_that_tell_rows_apart_are_warned_of():
    """Patients' names, made a category, are drawn again as they are: said, unless they are named as categories."""
    y, names = np.repeat(["ill", "well"], 20), pd.Categorical([f"name {number}" for number in range(40)])
    X = pd.DataFrame({"who": names, "age": np.arange(40) % 7, "ward": pd.Categorical(["a", "b"] * 20)})
    with pytest.warns(KeyColumnWarning, match=r"drawn again as they are; got \['who'\]\. Drop them"):
        SyntheticAugmenter("copula", random_state=0).fit(X, y)
    SyntheticAugmenter("copula", categorical_features=["who"], random_state=0).fit(X, y)


def test_the_gate_tries_mixed_rows(rows):
    """The gate's folds learn from frames and score on frames, under soft labels too."""
    candidates = {"gan": Mix(), "soft": Mix(labels="soft")}
    model = AugmentedClassifier(booster(), augmenter(), candidates=candidates, n_splits=2, random_state=0).fit(*rows)
    assert set(model.decision_["candidate"]) == {"nothing", "gan", "soft"}


def test_scores_come_from_cross_validation_of_frames(rows):
    """The classifier clones and is cross-validated on a frame as on an array."""
    model = AugmentedClassifier(CLASSIFIERS["columns encoded"](), augmenter(), gate=False, random_state=0)
    assert np.isfinite(cross_val_score(model, *rows, cv=2)).all()


def test_after_encoding_the_augmenter_learns_what_the_encoder_made(rows):
    """Behind a ColumnTransformer with set_output("pandas") the augmenter's columns are the encoder's."""
    inner = AugmentedClassifier(LogisticRegression(), augmenter(), gate=False, random_state=0)
    model = make_pipeline(encoded().set_output(transform="pandas"), inner).fit(*rows)
    assert set(model.predict(rows[0])) <= {"ill", "well"}
    assert "words__sex_f" in inner.augmenter_.feature_names_in_
    drawn, _ = inner.augmenter_.sample(20, random_state=0)
    assert set(drawn["words__sex_f"]) <= {0.0, 1.0}


def test_an_augmenter_gives_frames_where_it_is_told_to(rows):
    """With set_output("pandas") what transform returns is the frame that came, with its names and types."""
    fitted = augmenter(random_state=0).set_output(transform="pandas").fit(*rows)
    pd.testing.assert_frame_equal(fitted.transform(rows[0]), rows[0])
    assert list(fitted.get_feature_names_out()) == list(rows[0].columns)


def test_a_sampler_resamples_a_mixed_table(rows):
    """Real rows come first and untouched, then drawn ones in the frame's own types; constraints hold."""
    X, y = rows
    sampler = SyntheticSampler(augmenter(constraints=[LessOrEqual("diastolic", "systolic")]), random_state=0)
    X_all, y_all = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(X_all.iloc[:60], X.reset_index(drop=True))
    assert X_all.dtypes.to_dict() == X.dtypes.to_dict()
    assert y_all.value_counts().to_dict() == {"ill": 40, "well": 40}
    assert (X_all["diastolic"] <= X_all["systolic"]).all()


def test_a_sampler_stands_before_an_encoder(rows):
    """In imbalanced-learn's pipeline the sampler sees the mixed table, and the encoder what it drew."""
    sampler = SyntheticSampler(augmenter(), random_state=0)
    model = make_imb_pipeline(sampler, encoded(), LogisticRegression()).fit(*rows)
    assert set(model.predict(rows[0])) <= {"ill", "well"}


def test_gaps_in_arrays_are_the_classifiers_to_judge(rows):
    """A classifier that takes NaN learns from an array with gaps; one that doesn't says so itself."""
    X, y = rows[0][["diastolic", "dose"]].to_numpy(), rows[1].to_numpy()
    settings = {"gate": False, "random_state": 0}
    model = AugmentedClassifier(HistGradientBoostingClassifier(max_iter=3), augmenter(), **settings).fit(X, y)
    assert model.predict(X).shape == (60,)
    with pytest.raises(ValueError, match="LogisticRegression does not accept missing values"):
        AugmentedClassifier(LogisticRegression(), augmenter(), **settings).fit(X, y)


def test_only_a_table_that_needs_it_is_encoded(rows):
    """Frames of whole numbers and arrays reach the default classifier as before."""
    X = rows[0]
    assert needs_encoding(X, augmenter())
    assert needs_encoding(X[["dose"]], augmenter())
    assert not needs_encoding(X[["diastolic", "systolic"]], augmenter())
    assert not needs_encoding(X.to_numpy(), augmenter())


def test_numbers_that_are_named_categories_are_encoded(rows):
    """Whether another column holds words does not decide what becomes of a category that is written as numbers."""
    X = rows[0][["diastolic", "systolic"]].assign(ward=np.arange(60) % 4)
    assert needs_encoding(X, augmenter(categorical_features=["ward"]))
    assert not needs_encoding(X, augmenter(categorical_features=[]))


def test_equal_numbers_are_one_category(rows):
    """A category of whole numbers is the same one when a missing cell makes its column one of floats."""
    ward = np.arange(60) % 4
    X, y = rows[0][["diastolic"]].assign(ward=ward, open=ward > 1), np.where(ward == 2, "ill", "well")
    named = augmenter(categorical_features=["ward", "open"])
    model = AugmentedClassifier(augmenter=named, gate=False, random_state=0).fit(X, y)
    as_floats = X.astype({"ward": float, "open": int})
    np.testing.assert_array_equal(model.predict_proba(as_floats), model.predict_proba(X))
    as_floats.iloc[0, 1] = np.nan
    np.testing.assert_array_equal(model.predict_proba(as_floats)[1:], model.predict_proba(X)[1:])


def test_the_encoding_stands_where_steps_give_frames(rows):
    """With scikit-learn's output set to pandas, rows in any order are encoded as without."""
    X, y = rows
    plain = with_encoding(LogisticRegression(), X, augmenter()).fit(X[20:], y[20:]).predict_proba(X[:20])
    with sklearn.config_context(transform_output="pandas"):
        framed = with_encoding(LogisticRegression(), X, augmenter()).fit(X[20:], y[20:])
        np.testing.assert_array_equal(framed.predict_proba(X[:20]), plain)


def test_the_encoding_gives_a_classifier_numbers(rows):
    """Numbers scaled, with a column for gaps; dates as days; a category a column; unknown ones are none of them."""
    X, y = rows
    model = with_encoding(LogisticRegression(), X, augmenter()).fit(X, y)
    columns = model[0].transform(X)
    assert columns.shape == (60, 3 + 1 + 1 + 3 + 2)
    np.testing.assert_allclose(columns[:, [0, 1, 2, 4]].mean(axis=0), 0, atol=1e-9)
    strange = X.assign(sex="x", seen=pd.NaT)
    assert (model[0].transform(strange)[:, -2:] == 0).all()
    assert np.isfinite(model.predict_proba(strange)).all()
