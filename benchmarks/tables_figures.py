"""What drawn rows of a mixed table are worth: as training rows, as columns and pairs of columns, and as nobody's rows.

Figures, 1 being best unless said:

*f1*: macro-F1 on test rows of a logistic regression, a forest and boosted trees trained on the drawn rows alone.
*shapes*: mean over columns of 1 - the Kolmogorov-Smirnov distance of numbers, 1 - the total variation of categories.
*pairs*: mean over pairs of columns, the label being one, of 1 - |difference of correlations| / 2 for two numbers, else
of 1 - the total variation of the pair's table, numbers in ten bins of equal width over the real ones.
*detection*: area under the ROC curve, cross-validated, of a forest that tells drawn from held-out rows, as many of each
class; .5 is best.
*copies*: share of drawn rows that lie nearer to a training row than 95 % of the test rows do; .05 of real rows.
*truth*, of made tables: mean true probability of the drawn labels over that of the real ones.
*broken*, of made tables: share of rows that break a rule; 0 is best.

References
----------
Patki, Wedge & Veeramachaneni, "The Synthetic Data Vault", 2016; the definitions of *shapes* and *pairs* are those that
DataCebo's sdmetrics documents (KSComplement, TVComplement, CorrelationSimilarity, ContingencySimilarity).
Lopez-Paz & Oquab, "Revisiting Classifier Two-Sample Tests", 2017 (*detection*).
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from scipy.stats import ks_2samp
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tables_made import STRUCTURES, label_truth

from synthaug.augment.fitting import answers_of
from synthaug.augment.metrics import score, score_blocks
from synthaug.quality.copying import copy_rate

N_BINS = 10
_LABEL = "label"

Labelled = tuple[pd.DataFrame, np.ndarray]


def table_estimators() -> dict[str, object]:
    """Return classifiers that take mixed frames with missing values."""
    return {
        "logistic": make_pipeline(_encoder(), LogisticRegression(max_iter=1000)),
        "forest": make_pipeline(_encoder(), RandomForestClassifier(100, random_state=0)),
        "boosting": HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=8, categorical_features="from_dtype", random_state=0
        ),
    }


def _encoder() -> object:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (words, make_column_selector(dtype_include="category"))
    )


def f1_scores(
    X: pd.DataFrame, y: np.ndarray, test: tuple[pd.DataFrame, np.ndarray], blocks: list[np.ndarray]
) -> dict[str, list[float]]:
    """Return each estimator's macro-F1 on the test rows: one number, or its pseudo-values over the blocks."""
    found = {}
    for name, estimator in table_estimators().items():
        answers = answers_of(estimator.fit(X, y), test[0])
        values = score_blocks("f1_macro", answers, test[1], blocks) if blocks else [score("f1_macro", answers, test[1])]
        found[name] = [float(value) for value in values]
    return found


def column_shapes(real: pd.DataFrame, drawn: pd.DataFrame) -> float:
    """Return how alike the columns' distributions are, 0 to 1; where values are missing their share is a column too."""
    alike = []
    for name in real:
        if isinstance(real[name].dtype, pd.CategoricalDtype):
            alike.append(1 - total_variation(real[name].astype(object), drawn[name].astype(object)))
            continue
        columns = real[name].dropna(), drawn[name].dropna()
        alike.append(1 - ks_2samp(*columns, method="asymp").statistic if min(map(len, columns)) else 0.0)
        if real[name].isna().any():
            alike.append(1 - abs(real[name].isna().mean() - drawn[name].isna().mean()))
    return float(np.mean(alike))


def total_variation(real: pd.Series, drawn: pd.Series) -> float:
    """Return half of the sum of the differences between the shares of values, 0 to 1; missing is a value."""
    shares = [column.value_counts(normalize=True, dropna=False) for column in (real, drawn)]
    return float(shares[0].subtract(shares[1], fill_value=0).abs().sum() / 2)


def pair_trends(real: pd.DataFrame, drawn: pd.DataFrame) -> float:
    """Return how alike the dependences between columns are, 0 to 1."""
    numbers = [name for name in real if not isinstance(real[name].dtype, pd.CategoricalDtype)]
    alike = list(_correlations_alike(real[numbers], drawn[numbers]))
    coded = [_in_bins(frame, real, numbers) for frame in (real, drawn)]
    for first, second in combinations(real.columns, 2):
        if first not in numbers or second not in numbers:
            both = [codes[first] * 10_000 + codes[second] for codes in coded]
            alike.append(1 - total_variation(*both))
    return float(np.mean(alike))


def _correlations_alike(real: pd.DataFrame, drawn: pd.DataFrame) -> np.ndarray:
    """Return 1 - |difference| / 2 for each pair; a column without spread has no correlation."""
    above = np.triu_indices(real.shape[1], k=1)
    r_real, r_drawn = (frame.corr().fillna(0).to_numpy()[above] for frame in (real, drawn))
    return 1 - np.abs(r_real - r_drawn) / 2


def _in_bins(frame: pd.DataFrame, real: pd.DataFrame, numbers: Sequence[str]) -> pd.DataFrame:
    """Return category numbers; those of numbers are bins over the real ones' range, the last two open; missing: -1."""
    codes = {name: frame[name].cat.codes.astype(int) for name in frame if name not in numbers}
    for name in numbers:
        edges = np.linspace(real[name].min(), real[name].max(), N_BINS + 1)[1:-1]
        codes[name] = pd.Series(np.digitize(frame[name], edges)).where(frame[name].notna(), -1)
    return pd.DataFrame(codes)


def detection_auc(real: pd.DataFrame, drawn: pd.DataFrame, *, seed: int) -> float:
    """Return how well a forest tells drawn from real rows: area under the ROC curve, 3-fold cross-validation."""
    rows = pd.concat([real, drawn], ignore_index=True)
    codes = {name: rows[name].cat.codes for name in rows.select_dtypes("category")}
    X, of_drawn = rows.assign(**codes).to_numpy(float), np.repeat([0, 1], [len(real), len(drawn)])
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    forest = RandomForestClassifier(100, min_samples_leaf=2, random_state=seed)
    shares = cross_val_predict(forest, X, of_drawn, cv=folds, method="predict_proba")
    return float(roc_auc_score(of_drawn, shares[:, 1]))


def as_many(first: pd.DataFrame, second: pd.DataFrame, *, seed: int) -> list[pd.DataFrame]:
    """Return the rows of two frames thinned, at random, to the same number of rows of each label."""
    counts = np.minimum(*(frame[_LABEL].value_counts(sort=False) for frame in (first, second)))
    parts = (frame.sample(frac=1, random_state=seed) for frame in (first, second))
    return [
        pd.concat([frame[frame[_LABEL] == label].iloc[:n] for label, n in counts.items()], ignore_index=True)
        for frame in parts
    ]


def copies(train: pd.DataFrame, drawn: pd.DataFrame, held_out: pd.DataFrame) -> float:
    """Return the share of drawn rows nearer to a training row than 95 % of held-out rows are."""
    as_points = points_of(train)
    return copy_rate(as_points(drawn), as_points(train), as_points(held_out))


def points_of(train: pd.DataFrame) -> Callable[[pd.DataFrame], torch.Tensor]:
    """Return what turns rows into points: numbers in standard deviations, medians for missing ones and where they were,
    categories as one-hot columns that are one apart.
    """
    numbers = train.select_dtypes("number")
    median, scale = numbers.median(), numbers.std(ddof=0).replace(0, 1)
    with_holes = numbers.columns[numbers.isna().any()]

    def points(frame: pd.DataFrame) -> torch.Tensor:
        some = frame[numbers.columns]
        parts = [((some.fillna(median) - median) / scale).to_numpy(float), some[with_holes].isna().to_numpy(float)]
        parts += [pd.get_dummies(frame[name]).to_numpy(float) / np.sqrt(2) for name in frame.select_dtypes("category")]
        return torch.from_numpy(np.hstack(parts)).float()

    return points


def judge_table(drawn: Labelled, train: Labelled, test: Labelled, *, fresh: Labelled, seed: int) -> dict[str, float]:
    """Return every figure of drawn rows but *f1*, and those of ``judge_structure``.

    Parameters
    ----------
    drawn, train, test
        Rows and labels: drawn ones, those that were learned from, and held-out ones.
    fresh
        Real rows that drawn ones were not made from, to be told from them.
    seed
        Decides the forest and its folds.
    """
    real_with, drawn_with, fresh_with = (_labelled(rows, train[1]) for rows in (train, drawn, fresh))
    return {
        "shapes": column_shapes(train[0], drawn[0]),
        "pairs": pair_trends(real_with, drawn_with),
        "detection": detection_auc(*as_many(fresh_with, drawn_with, seed=seed), seed=seed),
        "copies": copies(train[0], drawn[0], test[0]),
    }


def judge_structure(drawn: Labelled, test: Labelled, structure: str) -> dict[str, float]:
    """Return *truth* and *broken* of rows drawn of a made table."""
    truth = label_truth(structure, *drawn) / label_truth(structure, *test)
    return {"truth": truth, "broken": float(STRUCTURES[structure].broken(drawn[0]).mean())}


def _labelled(rows: Labelled, labels: np.ndarray) -> pd.DataFrame:
    return rows[0].assign(**{_LABEL: pd.Categorical(rows[1], np.unique(labels))})
