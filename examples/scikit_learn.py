"""A classifier that looks for itself whether synthetic rows help: ``python examples/scikit_learn.py`` (10 s).

Ten classes of digits, a few rows of each and fewer of four of them. Inside each fold of the cross-validation the
augmenter learns from that fold's training rows and no others, so the scores are honest.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from synthaug import CGAN, AugmentedClassifier, SyntheticAugmenter

N_COMMON, N_RARE, RARE_CLASSES = 20, 6, (6, 7, 8, 9)


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return rows of 64 pixels and their labels, few of the last four classes."""
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    counts = [N_RARE if label in RARE_CLASSES else N_COMMON for label in range(10)]
    rows = np.concatenate([order[y[order] == label][:n] for label, n in enumerate(counts)])
    return X[rows], y[rows]


def main() -> None:
    X, y = load()
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    # The rows are flat 8 x 8 images: image_shape says so. 30 steps make a short example, not a good learner.
    augmenter = SyntheticAugmenter(CGAN(n_steps=30, width=8), image_shape=(8, 8), selection="none")
    model = AugmentedClassifier(classifier, augmenter, scoring="balanced_accuracy", random_state=0)

    for name, each in {"real rows alone": classifier, "with the gate": model}.items():
        scores = cross_val_score(each, X, y, cv=3, scoring="balanced_accuracy")
        print(f"{name:16} balanced accuracy {scores.mean():.3f}")
    print("Three folds prove nothing: synthaug.compare takes many and says whether the gate helped.")
    model.fit(X, y)
    print(model.explain_decision())
    print(model.decision_.round(3).to_string(index=False))


if __name__ == "__main__":
    main()
