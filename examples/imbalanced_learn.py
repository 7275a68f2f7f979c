"""The augmenter as an over-sampler: ``python examples/imbalanced_learn.py`` (5 s).

``SyntheticSampler`` stands where SMOTE would stand in an imbalanced-learn pipeline. It adds rows while the pipeline is
fitted and none while it predicts, so it can be cross-validated and searched like any other step.
"""

from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from synthaug import CGAN, SyntheticAugmenter, SyntheticSampler


def main() -> None:
    X, y = make_classification(300, 8, n_informative=5, weights=[0.9], class_sep=0.8, random_state=0)
    augmenter = SyntheticAugmenter(CGAN(n_steps=300, width=32))
    samplers = {
        "nothing": "passthrough",
        "SMOTE": SMOTE(random_state=0),
        "synthaug": SyntheticSampler(augmenter, random_state=0),
    }
    for name, sampler in samplers.items():
        pipeline = make_pipeline(StandardScaler(), sampler, LogisticRegression())
        scores = cross_val_score(pipeline, X, y, cv=3, scoring="balanced_accuracy")
        print(f"{name:10} balanced accuracy {scores.mean():.3f}")
    print("Three folds prove nothing: synthaug.compare takes many and says whether one of them helped.")


if __name__ == "__main__":
    main()
