"""The public names: documented with examples that run, cheap to import, and silent towards the network."""

import doctest
import importlib
import inspect
import json
import pkgutil
import shutil
import subprocess
import sys
import warnings

import pytest

import synthaug
from synthaug.errors import ShortfallWarning, SynthaugError, SynthaugWarning

HEAVY = ("mlflow", "matplotlib", "albumentations", "imblearn", "torchvision", "typer", "jinja2", "pydantic")
SLOW = ("sklearn.model_selection", "sklearn.metrics", "sklearn.linear_model", "rich")
NAMES = [name for name in synthaug.__all__ if name != "__version__"]
MODULES = ["synthaug", *(module.name for module in pkgutil.walk_packages(synthaug.__path__, "synthaug."))]


def run(code, cwd=None):
    words = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, cwd=cwd)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_documented_with_an_example(name):
    """A public class or function says what it is, and shows it in an example."""
    documentation = inspect.getdoc(getattr(synthaug, name)) or ""
    assert documentation.splitlines()[0].endswith((".", "?"))
    assert ">>> " in documentation.partition("\nExamples\n--------\n")[2]


def family(root):
    return [root, *(each for child in root.__subclasses__() for each in family(child))]


@pytest.mark.parametrize("error", [*family(SynthaugError), *family(SynthaugWarning)], ids=lambda error: error.__name__)
def test_every_error_and_warning_is_documented(error):
    """An error that a user may meet or catch says when it is raised."""
    assert error.__doc__
    if error.__module__ == "synthaug.errors":
        assert error.__name__ in importlib.import_module("synthaug.errors").__doc__


@pytest.mark.parametrize("name", [name for name in NAMES if inspect.isclass(getattr(synthaug, name))])
def test_every_public_method_is_documented(name):
    """What can be called on a public class says what it gives."""
    for method, function in vars(getattr(synthaug, name)).items():
        if not method.startswith("_") and inspect.isfunction(function):
            assert inspect.getdoc(function), f"{name}.{method}"


@pytest.mark.parametrize("module", MODULES)
def test_examples_do_what_they_show(module, tmp_path, monkeypatch, request):
    """Every example in a docstring runs and prints what stands there."""
    monkeypatch.chdir(tmp_path)
    if "tracking" in module:  # MLflow takes seconds to make the tables of a new store
        shutil.copy(request.getfixturevalue("migrated"), "mlflow.db")
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said: list[str] = []
    for example in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ShortfallWarning)  # an example learns for a few steps
            runner.run(example, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_the_doors_have_examples():
    """The functions and classes by which people come in from other rooms show an example as well."""
    doors = [
        "synthaug.data.readers.read_rows_file",
        "synthaug.data.torch_rows.read_rows",
        "synthaug.generators.cgan.CGAN",
        "synthaug.models.features.RandomFeatures",
        "synthaug.quality.agreement.cross_fit",
        "synthaug.statistics.corrected_resampled_t_test",
        "synthaug.statistics.crossed_t_test",
    ]
    for door in doors:
        module, _, name = door.rpartition(".")
        assert ">>> " in (inspect.getdoc(getattr(importlib.import_module(module), name)) or ""), door


def test_importing_synthaug_imports_next_to_nothing():
    """The bare import loads no torch and no scikit-learn: names are loaded when they are asked for."""
    done = run("import sys, synthaug; print(*[name for name in ('torch', 'sklearn', 'pandas') if name in sys.modules])")
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_names_can_be_looked_up():
    """dir() lists the public names, each can be imported, and a wrong one is answered with those there are."""
    assert dir(synthaug) == sorted(synthaug.__all__)
    namespace: dict = {}
    exec("from synthaug import *", namespace)
    assert set(synthaug.__all__) <= set(namespace)
    with pytest.raises(
        AttributeError, match="module 'synthaug' has no attribute 'Augmenter'; it has AugmentedClassifier"
    ):
        _ = synthaug.Augmenter
    with pytest.raises(ImportError, match="Augmenter"):
        exec("from synthaug import Augmenter")


def test_type_checkers_see_the_same_names():
    """The names for type checkers and those loaded on demand are one list."""
    source = inspect.getsource(synthaug)
    typed = source.partition("if TYPE_CHECKING:")[2].partition("_HOMES")[0]
    for name, home in synthaug._HOMES.items():
        assert name in synthaug.__all__
        assert f"from {home} import" in typed
        assert name in typed
    assert set(synthaug._HOMES) == set(synthaug.__all__)


NO_NETWORK = """
import os
os.environ.pop("NO_ALBUMENTATIONS_UPDATE", None)
import socket

def refuse(*arguments, **settings):
    raise AssertionError(f"a socket was asked for: {arguments}")

class Local(socket.socket):
    def connect(self, address):
        if self.family != socket.AF_UNIX:
            refuse(address)
        super().connect(address)
    connect_ex = connect
    def sendto(self, *arguments):
        refuse(*arguments)

socket.socket = Local
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse

import json, sys
from synthaug import SyntheticAugmenter
found = {"imported": sorted(sys.modules)}

import numpy as np
from synthaug import CGAN, AugmentedClassifier, Folds, assess_quality, compare

X = np.random.default_rng(0).integers(0, 256, size=(36, 8, 8), dtype=np.uint8)
y = np.array([0, 1, 1] * 12)
augmenter = SyntheticAugmenter(CGAN(n_steps=2, batch_size=8, width=4), selection="none", random_state=0)
augmenter.fit(X, y).sample(2)
AugmentedClassifier(augmenter=augmenter, random_state=0).fit(X, y).predict(X)
result = compare(X, y, augmenter=augmenter, cv=Folds(2, 1), random_state=0)
result.to_html("report.html")
assess_quality((X, y), augmenter.sample(12), (X, y))
found |= {"albumentations": "albumentations" in sys.modules, "arms": sorted(result.arms)}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """What a process that may open no socket found after its first import, and after everything else."""
    done = run(NO_NETWORK, cwd=tmp_path_factory.mktemp("offline"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_the_augmenter_imports_nothing_heavy(offline):
    """What most users import does not load what only studies and reports need."""
    assert "synthaug.augment.augmenter" in offline["imported"]
    assert not {*HEAVY, *SLOW} & {*offline["imported"]}


def test_nothing_phones_home(offline):
    """Learning, the gate, a comparison of all arms and its report run through where no socket can be opened."""
    assert offline["albumentations"]
    assert offline["arms"] == ["classic", "classic twice", "classic+gan", "gan", "gated", "none", "smote"]
