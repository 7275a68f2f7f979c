"""Learners by name: our own, and those that other packages offer through an entry point."""

import textwrap

import numpy as np
import pytest

from synthaug import SyntheticAugmenter
from synthaug.errors import ConfigError
from synthaug.generators import GENERATORS, find_generator, known_generators

LEARNER = """
    import torch
    from sklearn.base import BaseEstimator

    class Bootstrap(BaseEstimator):
        '''Draws training rows again.'''

        def __init__(self, times=1):
            self.times = times

        def fit(self, x, y, *, schema, seed, on_step, limits):
            self.x_, self.y_, self.was_cut_ = x, y, False
            return self

        def draw(self, labels, seed):
            stream = torch.Generator().manual_seed(seed)
            rows = [torch.nonzero(self.y_ == label)[:, 0] for label in labels]
            return torch.stack([self.x_[r[torch.randint(len(r), (), generator=stream)]] for r in rows])

        def state(self):
            return {"x": self.x_, "y": self.y_}, {"was_cut": False}

        def from_state(self, tensors, facts, schema):
            self.x_, self.y_, self.was_cut_ = tensors["x"], tensors["y"], facts["was_cut"]
            return self

    class Half:
        def fit(self):
            pass
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that installs a package of its own name that offers learners."""

    def install(package, offers):
        folder = tmp_path / package
        (folder / f"{package}-1.0.dist-info").mkdir(parents=True)
        (folder / f"{package}-1.0.dist-info" / "METADATA").write_text(f"Name: {package}\nVersion: 1.0\n")
        lines = "\n".join(f"{name} = {target}" for name, target in offers.items())
        (folder / f"{package}-1.0.dist-info" / "entry_points.txt").write_text(f"[synthaug.generators]\n{lines}\n")
        (folder / f"{package}.py").write_text(textwrap.dedent(LEARNER))
        monkeypatch.syspath_prepend(folder)

    return install


@pytest.mark.parametrize("name", GENERATORS)
def test_own_learners_are_found_by_name(name):
    """Every name leads to its class, and all names are listed."""
    assert find_generator(name) is GENERATORS[name]
    assert name in known_generators()


def test_a_third_partys_learner_is_used_by_name(install, table):
    """A package's learner is found, learned with, drawn from, saved and loaded like our own."""
    install("acme_learners", {"bootstrap": "acme_learners:Bootstrap"})
    X, y = table
    assert known_generators() == [*GENERATORS, "bootstrap"]
    augmenter = SyntheticAugmenter("bootstrap", selection="none", random_state=0).fit(X, y)
    assert type(augmenter.generator_) is find_generator("bootstrap")
    X_new, y_new = augmenter.sample({1: 15})
    assert y_new.tolist() == [1] * 15
    distances = np.abs(X_new[:, None] - X[y == 1][None]).max(-1).min(1)
    assert distances.max() < 1e-5


def test_a_third_partys_learner_is_saved_and_loaded(install, table, tmp_path):
    """A model of a third party's learner comes back where its package is installed."""
    install("acme_saved", {"bootstrap": "acme_saved:Bootstrap"})
    augmenter = SyntheticAugmenter("bootstrap", selection="none", random_state=0).fit(*table)
    augmenter.save(tmp_path / "model")
    loaded = SyntheticAugmenter.load(tmp_path / "model")
    for ours, theirs in zip(loaded.sample(3, random_state=1), augmenter.sample(3, random_state=1), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_name_of_ours_cannot_be_taken(install):
    """A package that offers a learner under the name of one of ours does not replace it."""
    install("acme_taker", {"cgan": "acme_taker:Bootstrap"})
    assert find_generator("cgan") is GENERATORS["cgan"]
    assert known_generators().count("cgan") == 1


def test_unknown_names_get_the_nearest_word(install):
    """Third parties' names are among the words."""
    install("acme_words", {"bootstrap": "acme_words:Bootstrap"})
    with pytest.raises(ConfigError, match=r"generator must be one of auto, cgan, .*; got 'cgn'. Did you mean 'cgan'\?"):
        find_generator("cgn")
    with pytest.raises(ConfigError, match=r"got 'bootstrp'. Did you mean 'bootstrap'\?"):
        SyntheticAugmenter("bootstrp").fit(np.eye(4), [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("acme_broken:Half", "generator 'odd' must have fit, draw, state, from_state and get_params; got <class"),
        ("acme_broken:Missing", "generator 'odd' must be importable; 'acme_broken:Missing' is not"),
        ("acme_absent:Learner", "generator 'odd' must be importable; 'acme_absent:Learner' is not"),
    ],
)
def test_what_is_no_learner_is_named(install, target, message):
    """A package that offers something else, or what it does not have, is named with what it offers."""
    install("acme_broken", {"odd": target})
    with pytest.raises(ConfigError, match=message):
        find_generator("odd")


def test_two_packages_cannot_offer_one_name(install):
    """Which one is meant is not guessed: both are named."""
    install("acme_one", {"twin": "acme_one:Bootstrap"})
    install("acme_two", {"twin": "acme_two:Bootstrap"})
    with pytest.raises(ConfigError, match="offered by one package; got acme_one:Bootstrap and acme_two:Bootstrap"):
        find_generator("twin")
