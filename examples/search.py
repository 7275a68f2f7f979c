"""A search over the learner's parameters: ``python examples/search.py`` (5 s).

Learners are scikit-learn estimators, so ``GridSearchCV`` reaches them by their nested names. Every setting is tried on
training rows only; the augmenter learns anew in each fold.
"""

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from synthaug import CGAN, AugmentedClassifier, SyntheticAugmenter


def main() -> None:
    X, y = load_wine(return_X_y=True)
    augmenter = SyntheticAugmenter(CGAN(n_steps=100, width=16), selection="none", n_synthetic="x1")
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    # Without the gate every setting adds its rows, so that settings are compared and not decisions.
    model = AugmentedClassifier(classifier, augmenter, gate=False, random_state=0)
    search = GridSearchCV(
        model,
        {"augmenter__generator__lr": [1e-4, 1e-3], "augmenter__n_synthetic": ["x0.5", "x2"]},
        scoring="balanced_accuracy",
        cv=StratifiedKFold(3, shuffle=True, random_state=0),
    )
    search.fit(X, y)
    for setting, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        lr, ratio = setting["augmenter__generator__lr"], setting["augmenter__n_synthetic"]
        print(f"lr {lr:<7g} {ratio:>4} synthetic rows: balanced accuracy {score:.3f}")
    print(f"best: {search.best_params_}")


if __name__ == "__main__":
    main()
