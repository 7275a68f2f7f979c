"""Pipelines: every mistake is named with its place, and no file runs code."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthaug.augment.arms import ARMS
from synthaug.augment.metrics import specificity_of
from synthaug.errors import ConfigError, FileError
from synthaug.experiment.config import SCORINGS, PipelineConfig, load_config, make_config, save_config
from synthaug.experiment.estimators import ESTIMATORS, build_estimator, estimator_class, parameter_names, why_refused
from synthaug.experiment.yaml_file import read_yaml

PIPELINES = sorted((Path(__file__).parents[2] / "pipelines").glob("*.yaml"))
GOOD = """\
name: digits
data: {name: digits}
design: {kind: draws, n_draws: 3, rows_per_class: {0: 60, 9: 4}, test_rows: 797}
estimator: {name: SVC, params: {C: 10}}
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(folder: Path, text: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(written(folder, text))
    return str(caught.value)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_shipped_pipelines_are_valid(path: Path):
    """Every pipeline in the folder loads, and compares with the arm that adds nothing."""
    assert load_config(path).arms[0] == "none"


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_only_the_digits_show_real_rows(path: Path):
    """What may be a patient's stays where it is: of the shipped pipelines only those of the digits show real rows."""
    assert load_config(path).include_real_rows == path.stem.startswith("digits")


def test_short_pipeline_has_documented_defaults(tmp_path: Path):
    """Name, data and estimator are enough."""
    config = load_config(written(tmp_path, "name: a b\ndata: {name: wine}\nestimator: {name: SVC}\n"))
    assert config.design.model_dump() == {"kind": "folds", "n_splits": 5, "n_repeats": 5, "groups": None}
    assert set(config.arms) <= set(ARMS)
    assert (config.scoring, config.folder) == ("balanced_accuracy", Path("runs/a_b"))
    assert not config.include_real_rows


def test_numbers_are_read_as_yaml_1_2_reads_them(tmp_path: Path):
    """An exponent without a point is a number, not text."""
    assert load_config(written(tmp_path, GOOD.replace("C: 10", "C: 2e-1"))).estimator.params == {"C": 0.2}


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_saved_pipeline_reads_back_the_same(path: Path, tmp_path: Path):
    """The copy in a study's folder is the pipeline."""
    config = load_config(path)
    assert load_config(save_config(config, tmp_path / "copy.yaml")) == config


def test_saving_where_nothing_can_be_written_is_said_in_words(tmp_path: Path):
    """A folder that is not there is a FileError."""
    with pytest.raises(FileError, match="cannot be written"):
        save_config(load_config(written(tmp_path, GOOD)), tmp_path / "no" / "copy.yaml")


def test_config_cannot_be_changed(tmp_path: Path):
    """A pipeline that was checked stays as it was checked."""
    config = load_config(written(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3  # type: ignore[misc]


CASES = [
    ("outputt: x", r"study.yaml:5:1: outputt is no key here; .* Did you mean 'output'\?"),
    ("seed: -1", r":5:1: seed must be at least 0; got -1\."),
    ("seed: true", r"seed must be a whole number; got true\."),
    ("seed: 1.5", r"seed must be a whole number; got 1\.5\."),
    ("n_jobs: 0", "n_jobs must be -1 .one job a core. or at least 1; got 0"),
    ("arms: []", "arms must be a list of at least 2; got a list that is empty"),
    ("arms: [none]", "arms must be a list of at least 2"),
    ("arms: [none, clasic]", r":5:14: arms\[1\] must be one of .*; got 'clasic'. Did you mean 'classic'\?"),
    ("arms: [none, smote, smote]", r":5:21: arms\[2\] must come once; got 'smote' twice"),
    ("arms: [none, null]", r"arms\[1\] must be text; got null"),
    ("arms: none", "arms must be a list; got 'none'"),
    ("scoring: balanced_acuracy", r"scoring must be one of .*Did you mean 'balanced_accuracy'\?"),
    ("metrics: [acuracy]", r"metrics\[0\] must be one of .*Did you mean 'accuracy'\?"),
    ("scoring: neg_log_loss", "estimator must give probabilities for neg_log_loss; SVC gives none"),
    ("include_real_rows: 1", "include_real_rows must be true or false; got 1"),
    ("tracking: {uri: 'file:runs'}", "tracking.uri must be a database or a server"),
    ("tracking: {enabled: yess}", "tracking.enabled must be true or false; got 'yess'"),
    ("tracking: 5", "tracking must be a mapping of keys to values; got 5"),
    ("generator: {name: cgna}", r":5:13: generator.name must be one of auto, cgan.*Did you mean 'cgan'\?"),
    ("generator: {name: cgan, params: {n_step: 5}}", r":5:34: generator.params.n_step .*Did you mean 'n_steps'\?"),
    ("generator: {name: auto, params: {n_steps: 5}}", "generator.params must be left out"),
    ("generator: {name: cgan, params: {width: [[1]]}}", "params.width must be a plain value or a list of them"),
    ("generator: {name: cgan, params: {regularisers: {r1: [[1]]}}}", "must be a plain value or a list of them"),
    ("generator: {name: cgan, params: {lr: .nan}}", "params.lr must be a plain value"),
    ("augmenter: {sampling_strategy: autos}", r"augmenter.sampling_strategy must be one of .*Did you mean 'auto'\?"),
    ("augmenter: {sampling_strategy: {0: -5}}", r"sampling_strategy\[0\] must be a whole number, at least 1; got -5"),
    ("augmenter: {n_synthetic: 2x}", "augmenter.n_synthetic must be 'auto', a whole number a class"),
    ("augmenter: {n_synthetic: -1}", "augmenter.n_synthetic must be .*got -1"),
    ("augmenter: {constraints: {left: a, right: b}}", "augmenter.constraints must be a list of rules; got a mapping"),
    ("augmenter: {constraints: [{left: a}]}", r"constraints\[0\] must be \{left, right\}.*; got the keys left"),
    ("augmenter: {constraints: [a <= b]}", r"constraints\[0\] must be \{left, right\}.*; got 'a <= b'"),
    ("augmenter: {constraints: [{left: 1, right: 2}]}", r"constraints\[0\] must name a column, as text; got 1 and 2"),
    ("augmenter: {constraints: [{column: a, value: [1]}]}", r"constraints\[0\] must hold names of columns"),
    ("augmenter: {constraints: [{left: a, right: b, strict: 1}]}", "must have strict true or false; got 1"),
    ("image_transform: affin", r"image_transform must be one of shift, .*, tuned; got 'affin'.* Did you mean 'affine'"),
    ("rope: -0.1", r"rope must be at least 0.*; got -0\.1"),
    ("label_equivalence: [1.0]", r"label_equivalence\[0\] must be above 1.*; got 1.0"),
    ("label_equivalence: [2, 2]", r"label_equivalence\[1\] must come once; got 2.0 twice"),
    ("augmenter: {selection: agrement}", r"augmenter.selection must be one of .*Did you mean 'agreement'\?"),
]


@pytest.mark.parametrize(("line", "message"), CASES, ids=[line for line, _ in CASES])
def test_mistake_is_named_with_its_place(tmp_path: Path, line: str, message: str):
    """The message holds file, line, column, key, what came and the nearest word."""
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, GOOD + line + "\n"))


CHANGED = [
    ("n_draws: 3", "n_draws: 1", r":3:23: design.n_draws must be at least 2; got 1"),
    ("0: 60", "0: -60", r"design.rows_per_class\[0\] must be a whole number, at least 1; got -60"),
    (
        "{0: 60, 9: 4}",
        "'5'",
        "design.rows_per_class must be a whole number, at least 1; got '5', or one number a class",
    ),
    ("test_rows: 797", "test_rows: 0", "design.test_rows must be at least 2; got 0"),
    (", test_rows: 797", "", ":3:1: design.test_rows must be given"),
    ("test_rows", "test_row", r"design.test_row is no key here; .*Did you mean 'test_rows'\?"),
    (
        "kind: draws",
        "kind: draw",
        r":3:10: design.kind must be one of draws, folds; got 'draw'. Did you mean 'draws'\?",
    ),
    ("kind: draws, ", "", "design.kind must be given: draws or folds"),
    ("kind: draws", "kind: folds", "design.n_draws is no key here; the keys are kind, n_splits, n_repeats, groups"),
    ("name: digits}", "name: digit}", r":2:8: data.name must be one of .*Did you mean 'digits'\?"),
    ("{name: digits}", "{}", "data must have exactly one of the keys name, path, folder"),
    ("{name: digits}", "{name: digits, path: a.npz}", "data must have exactly one of the keys name, path, folder"),
    ("{name: digits}", "{path: a.csv}", "data.label must name the column of the labels"),
    ("{name: digits}", "{path: a.pkl}", "data.path must be a .npz, .csv or .parquet file; got 'a.pkl'"),
    ("{name: digits}", "{name: digits, finding: [3]}", r":2:22: data.finding must be a label: .*; got a list\.$"),
    ("{name: digits}", "{name: digits, finding: .nan}", "data.finding must be a label: a number, text, .*; got nan"),
    ("{name: digits}", "{name: digits, image_shape: [8]}", "data.image_shape must be a list of at least 2"),
    ("{name: digits}", "{name: digits, image_format: hwc}", "data.image_format must be one of auto, channels_first"),
    ("name: digits\n", "name: ../x\n", "name must be letters, digits"),
    ("name: digits\n", "", "study.yaml:1:1: name must be given"),
    ("C: 10", "c: 10", r":4:33: estimator.params.c SVC has no such parameter"),
    ("C: 10", "C: -1", r"estimator.params must fit SVC. The 'C' parameter of SVC must be a float"),
    ("C: 10", "kernel: [a]", "estimator.params must fit SVC"),
    ("{C: 10}", "[C]", "estimator.params must be a mapping of parameter to value; got a list"),
    (
        "{name: SVC, params: {C: 10}}",
        "{name: ConvNetClassifier, standardise: true}",
        "standardise must be false for Conv",
    ),
    ("{name: SVC, params: {C: 10}}", "{name: ConvNetClassifier, params: {width: 0}}", "params must fit ConvNetClassif"),
    ("name: SVC", "name: SVCC", r"estimator.name must be one of .*; got 'SVCC'. Did you mean 'SVC'\?"),
    ("name: SVC", "name: os.system", "estimator.name must be one of .*; got 'os.system'"),
    ("name: SVC", "name: sklearn.datasets.fetch_openml", "estimator.name must be one of"),
    ("name: SVC", "name: 'sklearn.svm:SVC'", "estimator.name must be one of"),
]


@pytest.mark.parametrize(("good", "bad", "message"), CHANGED, ids=[bad or f"no {good}" for good, bad, _ in CHANGED])
def test_impossible_value_is_named_with_its_place(tmp_path: Path, good: str, bad: str, message: str):
    """Wrong types and impossible values in nested parts are named by their whole path."""
    assert good in GOOD
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, GOOD.replace(good, bad, 1)))


def test_all_problems_come_at_once_in_order(tmp_path: Path):
    """A file with several mistakes is refused once, one line a mistake, from top to bottom."""
    text = problems(
        tmp_path, GOOD.replace("n_draws: 3", "n_draws: 1").replace("SVC", "SVCC") + "seed: -1\narm: [none]\n"
    )
    lines = text.splitlines()
    assert lines[0].endswith("study.yaml has 4 problems.")
    assert [line.split(":")[1] for line in lines[1:]] == ["3", "4", "5", "6"]


def test_misspelt_key_is_not_also_missing(tmp_path: Path):
    """One mistake gives one line."""
    assert "problems" not in problems(tmp_path, GOOD.replace("test_rows", "test_row"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must hold a pipeline; got an empty file"),
        ("# nothing\n", "must hold a pipeline; got an empty file"),
        ("- a\n", "study.yaml:1:1: the file must be a mapping"),
        ("a: [1, 2\nb: 3\n", r"study.yaml:2:2: this is not YAML"),
        ("\tname: x\n", "Indent with spaces, not tabs"),
        ("a: *x\n", "this is not YAML .found undefined alias 'x'"),
        ("a: 1\nb: 2\na: 3\n", "study.yaml:3:1: the key 'a' is there twice, first on line 1"),
        ("a: b\n---\nc: d\n", "this is not YAML .but found another document"),
        ("a: !!int x\n", "study.yaml:1:4: 'x' does not fit its tag !!int"),
        ("? {a: b}\n: c\n", "a key must be a plain word or number"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "merge keys .* are not read"),
        (b"a: \xff\n", "must be UTF-8 text; got a byte that is not at place 3"),
        ("x: \x01\n", "this is not YAML"),
        ("a: " + "[" * 100_000, "must not be nested deeper than 20 levels"),
        ("a: &x [*x]\n", "more than 10000 values or 20 levels"),
        ("a: b\n" * 100_000, "must be at most 256 KiB"),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, str | bytes) else None,
)
def test_files_that_are_no_pipeline_are_refused_in_words(tmp_path: Path, content: str | bytes, message: str):
    """Syntax errors, empty files and files that are not text are named with their place."""
    with pytest.raises(ConfigError, match=message):
        read_yaml(written(tmp_path, content))


def test_aliases_cannot_grow_a_file(tmp_path: Path):
    """A few lines that would unfold to a hundred million values are refused at once."""
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(ConfigError, match="more than 10000 values"):
        read_yaml(written(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system", "!!python/name:os.system", "!!python/object:object", "!!timestamp", "!mine"],
)
def test_tags_that_build_objects_are_refused(tmp_path: Path, tag: str):
    """A file names plain data only; nothing it asks for is imported or called."""
    marker = tmp_path / "ran"
    content = f"name: {tag} ['touch {marker}']\n" if "apply" in tag else f"name: {tag} x\n"
    with pytest.raises(ConfigError, match=r"study.yaml:1:7: the tag .* is not allowed"):
        read_yaml(written(tmp_path, content))
    assert not marker.exists()


def test_missing_file_names_its_neighbours(tmp_path: Path):
    """A wrong path is answered with the pipelines that are there."""
    written(tmp_path, GOOD)
    with pytest.raises(
        FileError, match=r"must be a file that is there; got '.*nope.yaml'. There are in .*: study.yaml"
    ):
        load_config(tmp_path / "nope.yaml")


def test_folder_is_no_pipeline(tmp_path: Path):
    """A folder in the place of a file is a FileError."""
    with pytest.raises(FileError, match="cannot be read"):
        load_config(tmp_path)


def test_learner_takes_a_mapping(tmp_path: Path):
    """A learner's parameter may be a mapping of plain values, as its regularisers are."""
    config = load_config(written(tmp_path, GOOD + "generator: {name: cgan, params: {regularisers: {r1: 0.1}}}\n"))
    assert config.generator.params == {"regularisers": {"r1": 0.1}}


def test_values_from_elsewhere_name_their_source():
    """What comes from no file is checked alike, with its source in the place of line and column."""
    with pytest.raises(ConfigError, match=r"^command line: estimator.name must be one of"):
        make_config({"name": "a", "data": {"name": "wine"}, "estimator": {"name": "x"}}, source="command line")


def test_changes_take_the_place_of_the_file(tmp_path: Path):
    """Values of the command line win over the file's, and are checked like them."""
    path = written(tmp_path, GOOD)
    config = load_config(path, changes={"design.n_draws": 7, "tracking.enabled": False, "seed": 3})
    assert (config.design.n_draws, config.tracking.enabled, config.seed) == (7, False, 3)
    with pytest.raises(ConfigError, match=r"^set on the command line: design.n_draws must be at least 2; got 1"):
        load_config(path, changes={"design.n_draws": 1})


KEYS = st.sampled_from([*PipelineConfig.model_fields, "kind", "params", "path", "n_draws", "x"]) | st.integers()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


def test_a_misspelt_arm_is_one_problem(tmp_path: Path):
    """A list is not called too short for an entry that is wrong."""
    path = written(tmp_path, "name: x\ndata: {name: wine}\nestimator: {name: SVC}\narms: [none, clasic]\n")
    with pytest.raises(ConfigError) as told:
        load_config(path)
    assert "clasic" in str(told.value)
    assert "at least 2" not in str(told.value)


@given(values=VALUES)
def test_no_value_escapes_as_another_error(values: object, tmp_path_factory: pytest.TempPathFactory):
    """Whatever a file holds, it is a pipeline or a ConfigError."""
    import yaml

    path = written(tmp_path_factory.mktemp("any"), yaml.safe_dump({"name": "x", "data": values, "estimator": values}))
    with pytest.raises(ConfigError):
        load_config(path)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_is_a_classifier_of_that_name(name: str):
    """The list holds exact classes, never modules or functions; each takes its defaults, or says what it needs."""
    from sklearn.base import is_classifier

    assert estimator_class(name).__name__ == name
    assert is_classifier(build_estimator(name, {}))
    needs = why_refused(name, {})
    assert needs is None or (name == "PretrainedClassifier" and needs.startswith("weights must name a file"))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("GaussianNB", {"priors": [0.2, 0.3, 0.5]}),
        ("LinearDiscriminantAnalysis", {"n_components": 2}),
        ("HistGradientBoostingClassifier", {"categorical_features": [5], "monotonic_cst": [0] * 10}),
        ("RandomForestClassifier", {"class_weight": {0: 1.0, 7: 3.0}}),
    ],
)
def test_parameters_that_go_by_the_data_are_not_refused_without_it(name: str, params: dict):
    """How many classes and columns there are is known when the rows are read."""
    assert why_refused(name, params) is None


def test_standardised_estimator_scales_first():
    """``standardise`` puts a scaler before the classifier, and the seed reaches it."""
    model = build_estimator("SVC", {"C": 2}, standardise=True, seed=5)
    assert [name for name, _ in model.steps] == ["standardscaler", "svc"]
    assert model[-1].get_params()["random_state"] == 5


def test_estimator_of_another_name_is_refused():
    """A name outside the list is an error even where the pipeline's check was not asked."""
    with pytest.raises(ConfigError, match=r"estimator must be one of .*Did you mean 'SVC'\?"):
        estimator_class("SVCC")
    with pytest.raises(ConfigError, match="params must fit SVC; got"):
        build_estimator("SVC", {"c": 1})
    assert "C" in parameter_names(estimator_class("SVC"))


@pytest.mark.parametrize("scoring", SCORINGS)
def test_every_scoring_is_a_scorer_of_scikit_learn(scoring: str):
    """The closed list holds names that scikit-learn knows, and a sensitivity at a specificity."""
    from sklearn.metrics import get_scorer_names

    assert scoring in get_scorer_names() or specificity_of(scoring)


def test_what_a_pipeline_says_reaches_the_study():
    """The transform, the region of practical equivalence and the learning curve are those of the file."""
    from synthaug.experiment.study import Study

    said = {"image_transform": "affine", "rope": 0.01, "label_equivalence": [1.5, 2], "n_jobs": 1}
    design = {"kind": "draws", "n_draws": 2, "rows_per_class": 10, "test_rows": 500}
    network = {"name": "ConvNetClassifier", "params": {"n_steps": 5, "width": 2}}
    values = {"name": "x", "data": {"name": "digits"}, "design": design, "estimator": network, **said}
    study = Study.from_config(make_config(values, source="a test")).arms
    assert (study.work.transform, study.settings["rope"], study.factors) == ("affine", 0.01, (1.5, 2.0))
    assert type(study.work.estimator).__name__ == "ConvNetClassifier"
