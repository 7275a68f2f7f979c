"""AugmentedClassifier: a classifier like any other, whose training rows may have company."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from synthaug import CGAN, AugmentedClassifier, Mix, SyntheticAugmenter
from synthaug.augment import classifier
from synthaug.augment.mix import REPEAT, adds_synthetic
from synthaug.errors import ConfigError, NoRowsAddedWarning, SmallClassWarning
from synthaug.statistics.units import unit_of


def augmenter(**settings):
    return SyntheticAugmenter(CGAN(n_steps=3, batch_size=8, width=4), selection="none", **settings)


def model(estimator=None, **settings):
    learner = settings.pop("augmenter", augmenter())
    return AugmentedClassifier(estimator, learner, **{"random_state": 0, **settings})


def make_table():
    """Forty-five rows of three numbers, 30 of class no and 15 of class yes."""
    y = np.repeat(["no", "yes"], [30, 15])
    return np.random.default_rng(0).normal(size=(45, 3)) + (y == "yes")[:, None], y


def make_images():
    X = np.random.default_rng(0).integers(0, 256, size=(45, 8, 8), dtype=np.uint8)
    return X, make_table()[1]


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that remembers what it was fitted with and predicts the first class."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.weight_, self.classes_ = X, y, sample_weight, np.unique(y)
        return self

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


class Whole(Recorder):
    """A recorder that takes images as they are."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def test_without_the_gate_the_whole_plan_is_added():
    """gate=False adds what the augmenter's strategy asks for, real rows first, and says that nobody checked."""
    X, y = make_table()
    fitted = model(Recorder(), gate=False).fit(X, y)
    assert fitted.n_added_ == 15
    np.testing.assert_array_equal(fitted.estimator_.X_[:45], X)
    assert np.unique(fitted.estimator_.y_, return_counts=True)[1].tolist() == [30, 30]
    assert fitted.estimator_.weight_ is None
    assert fitted.decision_.empty
    assert fitted.gate_ is None
    assert fitted.explain_decision().startswith("Augmented with 15 rows: the gate was off")
    np.testing.assert_array_equal(fitted.augmenter_.sample(2, random_state=0)[1], ["no", "no", "yes", "yes"])


def test_without_the_gate_one_mix_is_taken_as_it_is():
    """gate=False with one candidate uses it: transformed rows on top, or no synthetic row and then no learner."""
    X, y = make_images()

    def darken(image):
        return image / 2

    half = {"half": Mix(amount=2.0, synthetic_fraction=0.5, classic=True)}
    fitted = model(Recorder(), gate=False, candidates=half, image_transform=darken).fit(X, y)
    assert fitted.n_added_ == 30
    assert fitted.estimator_.X_[45:].max() <= 128
    alone = model(Recorder(), gate=False, candidates={"repeat": Mix(synthetic_fraction=0.0)}).fit(X, y)
    assert alone.n_added_ == 15
    assert alone.augmenter_ is None
    with pytest.raises(
        ConfigError, match=r"candidates must be one mix where the gate is off; got 2 \(nobody chooses\)"
    ):
        model(Recorder(), gate=False, candidates={"a": Mix(), "b": Mix(amount=0.5)}).fit(X, y)


@pytest.mark.parametrize("scoring", [None, "balanced_accuracy", "neg_log_loss"])
@pytest.mark.parametrize("rows", [make_table, make_images])
def test_sentence_and_table_and_rows_agree(rows, scoring):
    """What explain_decision says is what decision_ shows and what the classifier was fitted with."""
    X, y = rows()
    fitted = model(LogisticRegression(max_iter=200, tol=0.1), scoring=scoring).fit(X, y)
    (chosen,) = fitted.decision_[fitted.decision_["chosen"]].to_dict("records")
    sentence, said = fitted.explain_decision(), unit_of(scoring or "accuracy").difference
    if chosen["candidate"] == "nothing":
        mixes = fitted.decision_[1:]
        best = mixes[mixes["gain"] > mixes["gain"].max() - 1e-9]  # equals differ in the last digit
        words = [f"the best mix, {name}, gained {said(best['gain'].max())} " for name in best["candidate"]]
        assert sentence.removeprefix("Not augmented: ").startswith(tuple(words))
        assert fitted.n_added_ == 0
    else:
        assert sentence.startswith(f"Augmented with {chosen['candidate']}: it gained {said(chosen['gain'])} ")
        assert fitted.n_added_ > 0


def test_candidates_may_be_the_users_own():
    """A dict of mixes replaces the gate's own candidates, in its order."""
    X, y = make_table()
    fitted = model(Recorder(), candidates={"a": Mix(amount=0.5), "b": Mix(synthetic_weight=0.1)}).fit(X, y)
    assert fitted.decision_["candidate"].tolist() == ["nothing", "a", "b"]


def test_noise_is_mostly_left_alone():
    """Where labels are drawn by lot and rows of the small class cost accuracy, synthetic ones are seldom added."""
    augmented = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(45, 3)), rng.permutation(np.repeat([0, 1], [30, 15]))
        fitted = model(LogisticRegression(), scoring="accuracy", random_state=seed).fit(X, y)
        augmented += adds_synthetic(fitted.gate_.mix)
    assert augmented < 5


def test_the_same_seed_fits_the_same():
    """One seed, one classifier, whether the inner folds run in one process or two."""
    X, y = make_table()
    first, again, parallel = (model(n_jobs=n_jobs).fit(X, y) for n_jobs in (None, None, 2))
    assert first.decision_.equals(again.decision_)
    assert first.decision_.equals(parallel.decision_)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    np.testing.assert_array_equal(first.predict_proba(X), parallel.predict_proba(X))


def test_synthetic_rows_weigh_what_was_asked():
    """synthetic_weight reaches the classifier as row weights, 1 for real rows, through a pipeline as well."""
    X, y = make_table()
    fitted = model(make_pipeline(StandardScaler(), Recorder()), gate=False, synthetic_weight=0.25).fit(X, y)
    assert fitted.estimator_[-1].weight_.tolist() == [1.0] * 45 + [0.25] * 15


@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize(("settings", "weight"), [({"synthetic_weight": 0.5}, None), ({}, np.ones(45))])
def test_weights_need_a_classifier_that_takes_them(settings, weight, gate, monkeypatch):
    """A weight for a classifier that takes none is refused, not ignored, and before anything is learned."""
    monkeypatch.setattr(SyntheticAugmenter, "fit", lambda *rows, **more: pytest.fail("it learned"))
    with pytest.raises(ConfigError, match="takes sample_weight; got KNeighborsClassifier, which does not"):
        model(KNeighborsClassifier(), gate=gate, **settings).fit(*make_table(), sample_weight=weight)


@pytest.mark.parametrize("weight", [np.full(45, np.nan), -np.ones(45), np.zeros(45)])
def test_weights_that_cannot_be_are_refused(weight):
    """Added rows weigh as much as the real ones do on average, so an average below or of nothing is refused."""
    with pytest.raises(ConfigError, match="sample_weight must be finite, nowhere negative and not zero everywhere"):
        model().fit(*make_table(), sample_weight=weight)


def test_the_gate_tries_a_low_weight_only_where_it_can():
    """Without a word about weights, a classifier that takes none is simply fitted without."""
    fitted = model(KNeighborsClassifier()).fit(*make_table())
    assert fitted.decision_["candidate"].tolist() == ["nothing", "repeat", "gan x0.5", "gan"]
    weighted = model(LogisticRegression()).fit(*make_table())
    assert "gan, low weight" in weighted.decision_["candidate"].tolist()


def test_sample_weights_are_passed_on():
    """Weights of real rows reach the classifier; a synthetic row weighs its share of their mean."""
    X, y = make_table()
    weight = np.linspace(1, 3, 45)
    fitted = model(Recorder(), gate=False, synthetic_weight=0.5).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(fitted.estimator_.weight_, [*weight, *[0.5 * 2.0] * 15])
    with pytest.raises(ValueError, match=r"sample_weight must hold one weight for each row; got shape \(3,\) for 45"):
        model(Recorder(), gate=False).fit(X, y, sample_weight=[1, 2, 3])


def test_a_row_that_weighs_nothing_is_left_out():
    """What is learned, added and decided is what it is without the row, and so are the classes."""
    X, y = make_table()
    wrong = np.append(y, ["yes"] * 10 + ["maybe"])
    weight = np.repeat([2.0, 0.0], [45, 11])
    settings = {"gate": True, "scoring": "balanced_accuracy"}
    with_them = model(LogisticRegression(), **settings).fit(np.vstack([X, X[:11]]), wrong, sample_weight=weight)
    without = model(LogisticRegression(), **settings).fit(X, y, sample_weight=weight[:45])
    assert with_them.classes_.tolist() == ["no", "yes"]
    pd.testing.assert_frame_equal(with_them.decision_, without.decision_)
    np.testing.assert_array_equal(with_them.predict_proba(X), without.predict_proba(X))


def test_a_repeated_row_weighs_what_it_weighs():
    """A real row that comes twice has its own weight both times, not the mean."""
    X, y = make_table()
    weight = np.linspace(1, 3, 45)
    fitted = model(Recorder(), gate=False, candidates={"repeat": Mix(synthetic_fraction=0.0)})
    mixed = fitted.fit(X, y, sample_weight=weight).estimator_
    weight_of = dict(zip(map(tuple, X), weight, strict=True))
    np.testing.assert_allclose(mixed.weight_[45:], [weight_of[tuple(row)] for row in mixed.X_[45:]])
    assert len(mixed.X_) == 60


def test_images_reach_a_two_dimensional_classifier_flat():
    """Images go in whole and reach the classifier as rows of numbers, in fit and predict alike."""
    X, y = make_images()
    fitted = model(Recorder(), gate=False).fit(X, y)
    assert fitted.estimator_.X_.shape == (60, 64)
    np.testing.assert_array_equal(fitted.estimator_.X_[:45], X.reshape(45, 64))
    assert fitted.predict(X).shape == (45,)
    assert fitted.n_features_in_ == 64


def test_images_reach_a_classifier_that_wants_them_whole():
    """A classifier whose tags ask for arrays of three dimensions gets the images as they are."""
    X, y = make_images()
    fitted = model(Whole(), gate=False).fit(X, y)
    assert fitted.estimator_.X_.shape == (60, 8, 8)
    assert fitted.estimator_.X_.dtype == np.uint8


@pytest.mark.parametrize(
    ("estimator", "methods"),
    [
        (LogisticRegression(), {"predict", "predict_proba", "predict_log_proba", "decision_function"}),
        (Perceptron(), {"predict", "decision_function"}),
        (KNeighborsClassifier(), {"predict", "predict_proba"}),
        (None, {"predict", "predict_proba", "predict_log_proba", "decision_function"}),
    ],
)
def test_it_can_what_its_classifier_can(estimator, methods):
    """Methods are there where the classifier has them, before fit as after, and answer as it does."""
    X, y = make_table()
    unfitted, fitted = model(estimator, gate=False), model(estimator, gate=False).fit(X, y)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        assert hasattr(unfitted, method) == hasattr(fitted, method) == (method in methods)
        if method in methods:
            answers = getattr(fitted, method)(X)
            np.testing.assert_array_equal(answers, getattr(fitted.estimator_, method)(X))
            assert np.isfinite(answers).all() if method != "predict" else set(answers) <= {"no", "yes"}


@pytest.mark.parametrize("gate", [True, False])
def test_frames_keep_their_columns(gate):
    """A DataFrame reaches the classifier as one, real and synthetic rows together; other columns are refused."""
    X, y = make_table()
    frame = pd.DataFrame(X, columns=["age", "stage", "size"])
    fitted = model(make_pipeline(StandardScaler(), LogisticRegression()), gate=gate).fit(frame, pd.Series(y))
    assert fitted.feature_names_in_.tolist() == fitted.estimator_.feature_names_in_.tolist() == list(frame)
    assert fitted.predict(frame).shape == (45,)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame.rename(columns={"age": "weight"}))


def test_torch_tensors_are_taken():
    """Tensors of images and labels are learned from and predicted like arrays."""
    X, y = make_images()
    tensors = torch.from_numpy(X), torch.from_numpy((y == "yes").astype(np.int64))
    fitted = model(LogisticRegression(max_iter=50, tol=1.0), gate=False).fit(*tensors)
    assert set(fitted.predict(tensors[0])) <= {0, 1}


@pytest.mark.parametrize("gate", [True, False])
@pytest.mark.parametrize(
    "labels",
    [["no"] * 25 + ["yes"] * 19 + ["rare"], ["no"] * 44 + ["yes"], ["a", "b", "c"], ["a", "a", "b"]],
    ids=["three classes", "two classes", "rows of one", "three rows"],
)
def test_a_class_of_one_row_is_a_warning(labels, gate):
    """A class too small to learn from gets a warning and no synthetic row: the plain classifier would have worked."""
    X, y = make_table()[0][: len(labels)], np.array(labels)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = model(Recorder(), gate=gate).fit(X, y)
    assert {warning.category for warning in caught} == {SmallClassWarning}
    assert len(caught) == 1
    rare = [label for label in np.unique(y) if (y == label).sum() == 1]
    assert all((fitted.estimator_.y_ == label).sum() == 1 for label in rare)
    assert set(fitted.classes_) == set(labels)


def test_what_was_passed_in_stays_unfitted():
    """Estimator and augmenter are cloned, so one of each can serve in many places."""
    estimator, learner = LogisticRegression(), augmenter()
    fitted = model(estimator, augmenter=learner).fit(*make_table())
    assert not hasattr(estimator, "coef_")
    assert not hasattr(learner, "generator_")
    assert not hasattr(clone(fitted), "estimator_")


def test_groups_keep_together_in_the_gate():
    """The gate's folds tear no group apart; without groups of at least as many as folds nothing is added."""
    X, y = make_table()
    assert "too few for 3 inner folds" in model().fit(X, y, groups=np.arange(45) // 23).explain_decision()
    assert model().fit(X, y, groups=np.arange(45) // 5).decision_["candidate"].size > 1


def routed(**settings):
    inner = Recorder().set_fit_request(sample_weight=True)
    outer = model(inner, gate=False, **settings)
    return outer.set_fit_request(groups=True, sample_weight=True).set_score_request(sample_weight=True)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda each: each,
        lambda each: Pipeline([("scale", StandardScaler().set_fit_request(sample_weight=False)), ("model", each)]),
    ],
)
def test_groups_and_weights_are_routed(wrap):
    """With metadata routing on, cross_validate hands groups and weights to fit, through a pipeline as well."""
    X, y = make_table()
    groups, weight = np.arange(45) % 9, np.linspace(1, 3, 45)
    with sklearn.config_context(enable_metadata_routing=True):
        result = cross_validate(
            wrap(routed()),
            X,
            y,
            cv=GroupKFold(3),
            params={"groups": groups, "sample_weight": weight},
            return_estimator=True,
            return_indices=True,
        )
    for fitted, train, test in zip(result["estimator"], *result["indices"].values(), strict=True):
        last = fitted[-1] if isinstance(fitted, Pipeline) else fitted
        np.testing.assert_allclose(last.estimator_.weight_[: len(train)], weight[train])
        assert not set(groups[train]) & set(groups[test])


@pytest.mark.parametrize("estimator", [None, make_pipeline(StandardScaler(), LogisticRegression())])
def test_a_pipeline_needs_no_request_for_weights(estimator):
    """With metadata routing on a pipeline fits without weights, which the gate then does not try; nor has it any."""
    X, y = make_table()
    with sklearn.config_context(enable_metadata_routing=True):
        fitted = model(estimator).fit(X, y)
        with pytest.raises(ConfigError, match="a weight of rows needs an estimator that takes sample_weight"):
            model(estimator).fit(X, y, sample_weight=np.ones(45))
    assert "gan, low weight" not in fitted.decision_["candidate"][fitted.decision_["gain"].notna()].tolist()


def test_a_stack_is_a_classifier():
    """A stack that gets its final estimator only when it is fitted is taken, with its probabilities."""
    stack = StackingClassifier([("plain", LogisticRegression())], cv=2)
    fitted = model(make_pipeline(StandardScaler(), stack), scoring="neg_log_loss").fit(*make_table())
    assert fitted.predict_proba(make_table()[0]).shape == (45, 2)


def test_workers_get_the_configuration():
    """A setting of scikit-learn's that the classifier needs holds in the gate's workers as well."""
    X, y = make_table()
    by_name = make_column_transformer((StandardScaler(), ["x0", "x1"]))
    estimator = make_pipeline(StandardScaler(), by_name, LogisticRegression())
    with sklearn.config_context(transform_output="pandas"):
        X = pd.DataFrame(X, columns=["x0", "x1", "x2"])
        alone, together = (model(estimator, n_jobs=n_jobs).fit(X, y) for n_jobs in (None, 2))
    assert alone.decision_["gain"].notna().any()
    pd.testing.assert_frame_equal(together.decision_, alone.decision_)


def test_groups_are_routed_through_a_search():
    """GridSearchCV hands groups on to the gate, which finds that two groups cannot be cut in three."""
    X, y = make_table()
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            model(LogisticRegression()).set_fit_request(groups=True, sample_weight=False),
            {"augmenter__generator__lr": [1e-4, 1e-3]},
            cv=GroupKFold(2),
            error_score="raise",
        ).fit(X, y, groups=np.arange(45) % 2)
    assert "too few for 3 inner folds" in search.best_estimator_.explain_decision()


def test_it_is_scored_by_cross_validation():
    """In cross_val_score it is a classifier like any other."""
    X, y = make_table()
    scores = cross_val_score(
        model(make_pipeline(StandardScaler(), LogisticRegression())), X, y, cv=3, error_score="raise"
    )
    assert ((scores > 0) & (scores <= 1)).all()


def test_an_augmenter_as_a_step_of_the_inner_pipeline_warns():
    """Someone who puts the augmenter into a plain pipeline hears that it adds nothing there."""
    X, y = make_table()
    with pytest.warns(NoRowsAddedWarning, match="AugmentedClassifier"):
        make_pipeline(augmenter(), LogisticRegression()).fit(X, y)


def test_a_tuned_transform_is_chosen_once_and_kept():
    """image_transform="tuned" is settled on the training rows before anything is mixed, and shown."""
    X, y = make_images()
    fitted = model(KNeighborsClassifier(), image_transform="tuned").fit(X, y)
    assert fitted.transform_ in (None, "shift", "affine")
    assert model(KNeighborsClassifier(), image_transform="photo").fit(X, y).transform_ == "photo"


@pytest.mark.parametrize("estimator", [LinearRegression(), make_pipeline(StandardScaler(), LinearRegression())])
@pytest.mark.parametrize("gate", [True, False])
def test_regressors_are_refused_before_anything_is_learned(estimator, gate, monkeypatch):
    """What predicts numbers is no classifier, whatever the labels are."""
    monkeypatch.setattr(SyntheticAugmenter, "fit", lambda *rows, **more: pytest.fail("it learned"))
    X, y = make_table()
    with pytest.raises(
        ConfigError, match=r"(?s)estimator must be a classifier; got .*LinearRegression.*Choose its classifier"
    ):
        model(estimator, gate=gate).fit(X, (y == "yes").astype(int))


def test_classifiers_without_tags_are_taken():
    """A classifier that is not made from scikit-learn's parts need only be cloned, fitted and asked."""

    class Plain:
        """The first class, always."""

        get_params, set_params = BaseEstimator.get_params, BaseEstimator.set_params
        _get_param_names = classmethod(lambda cls: [])
        fit, predict = Recorder.fit, Recorder.predict

    assert set(model(Plain()).fit(*make_table()).predict(make_table()[0])) == {"no"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"candidates": Mix(amount=2.0)},
            r"got Mix\(amount=2\.0.*Name them: candidates=\{'half': Mix\(amount=0\.5\)\}",
        ),
        ({"candidates": [Mix()]}, "candidates must be 'auto' or a dict of Mix by name"),
        ({"candidates": None}, "candidates must be 'auto' or a dict of Mix by name; got None"),
        ({"candidates": {"half": 0.5}}, "candidates must be 'auto' or a dict of Mix by name; got .'half': 0.5"),
        ({"candidates": "all"}, "candidates must be 'auto' or a dict of Mix by name; got 'all'"),
        (
            {"augmenter": CGAN(n_steps=3)},
            r"got CGAN\(n_steps=3\)\. Wrap the learner: SyntheticAugmenter\(CGAN\(n_steps=3\)\)",
        ),
        ({"augmenter": "cgan"}, r"Wrap the learner: SyntheticAugmenter\('cgan'\)"),
        ({"augmenter": SyntheticAugmenter}, r"Make one: SyntheticAugmenter\(\)"),
        ({"estimator": LogisticRegression}, r"got the class LogisticRegression\. Make one: LogisticRegression\(\)"),
        ({"estimator": augmenter()}, r"(?s)estimator must be a classifier; got SyntheticAug.*\(augmenter=\.\.\.\)"),
        ({"estimator": "logistic"}, "estimator must be a classifier, with fit and predict; got 'logistic'"),
        ({"gate": "no"}, "gate must be True or False; got 'no'"),
    ],
)
@pytest.mark.parametrize("gate", [True, False])
def test_what_it_cannot_be_made_of_is_said_in_words(settings, message, gate):
    """Slips in the parts that it is made of are told at fit, with the remedy."""
    with pytest.raises(ConfigError, match=message):
        AugmentedClassifier(**{"gate": gate, **settings}).fit(*make_table())


def test_real_rows_again_are_added_without_a_learner(monkeypatch):
    """What the gate chooses among mixes of real rows is added by the classes' counts, though nothing was learned."""
    X, y = make_table()
    y = np.where(np.arange(45) == 7, "rare", y)
    repeat, decided = Mix(synthetic_fraction=0.0), classifier.decide
    monkeypatch.setattr(classifier, "decide", lambda trial: replace(decided(trial), chosen="repeat", mix=repeat))
    with pytest.warns(SmallClassWarning):
        fitted = model(Recorder(), candidates={"repeat": repeat}).fit(X, y)
    assert fitted.augmenter_ is None
    assert dict(zip(*np.unique(fitted.estimator_.y_, return_counts=True), strict=True)) == {
        "no": 29,
        "rare": 1,
        "yes": 29,
    }


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        (Mix(), "Augmented with 15 rows: the gate was off, so nobody checked whether they help."),
        (Mix(synthetic_fraction=0.0), "Augmented with 15 repeated real rows: the gate was off"),
        (Mix(synthetic_fraction=0.0, classic=True), "Augmented with 15 transformed real rows: the gate was off"),
        (Mix(amount=0.001), "Trained on the real rows alone: the gate was off"),
        (Mix(amount=0.0), "Trained on the real rows alone: the gate was off, so nobody checked whether that helps."),
        (Mix(amount=0.0, class_weight="balanced"), "Trained on the real rows alone, every class weighing the same: "),
    ],
)
def test_without_the_gate_it_says_what_was_done(mix, said):
    """Rows that are not synthetic are not called so, and none is not called augmented."""
    fitted = model(LogisticRegression(tol=1.0), gate=False, candidates={"it": mix}).fit(*make_images())
    assert fitted.explain_decision().startswith(said)


def test_a_seed_decides_a_classifier_without_one():
    """A forest that would seed itself answers alike for the same seed; one that has a seed keeps it."""
    X, y = make_classification(80, random_state=0)
    forests = [
        AugmentedClassifier(RandomForestClassifier(5), gate=False, candidates={"again": REPEAT}, random_state=3).fit(
            X, y
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*(forest.predict_proba(X) for forest in forests))
    own = AugmentedClassifier(RandomForestClassifier(5, random_state=7), gate=False, candidates={"again": REPEAT})
    assert own.fit(X, y).estimator_.random_state == 7
