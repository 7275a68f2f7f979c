"""What is shipped, and what stands where in the repository."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import synthaug

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in the wheel that the repository builds, and its metadata."""
    folder = tmp_path_factory.mktemp("wheel")
    has_setuptools = subprocess.run([sys.executable, "-c", "import setuptools"], check=False, capture_output=True)
    isolation = ["--no-isolation"] if has_setuptools.returncode == 0 else []
    command = [sys.executable, "-m", "build", "--wheel", *isolation, "--outdir", str(folder), str(clean_copy(folder))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.namelist(), archive.read(metadata).decode()


def clean_copy(folder):
    """Return a copy of what git would carry, so that building leaves nothing in the repository."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: what belongs to the repository is not known")
    copy = folder / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    return copy


@pytest.mark.slow
def test_the_wheel_holds_the_package_only(wheel):
    """Nothing but synthaug and its metadata is installed: no tests, no studies, and no folder that shadows mlflow."""
    names, _ = wheel
    assert {name.split("/")[0] for name in names} == {"synthaug", f"synthaug-{synthaug.__version__}.dist-info"}


@pytest.mark.slow
def test_the_wheel_holds_all_of_the_package(wheel):
    """Every module, the mark of a typed package and the report's page are in the wheel."""
    names, _ = wheel
    for path in (ROOT / "synthaug").rglob("*"):
        if path.suffix in (".py", ".html") or path.name == "py.typed":
            assert path.relative_to(ROOT).as_posix() in names
    assert any(name.startswith("synthaug/experiment/") and name.endswith(".html") for name in names)
    assert "synthaug/py.typed" in names


@pytest.mark.slow
def test_the_wheel_says_what_it_is(wheel):
    """Licence, Python versions, dependencies and the command are in the metadata."""
    names, metadata = wheel
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: <3.14,>=3.11" in metadata
    assert "Requires-Dist: albumentations<2.1" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("entry_points.txt") for name in names)


def test_the_version_is_one():
    """The package says the version that the project file says."""
    assert synthaug.__version__ == PROJECT["project"]["version"]


def test_albumentations_stays_below_its_last_free_version():
    """Albumentations 2.0 is the last under MIT: its successor's licence would bind the users of this package."""
    (requirement,) = [each for each in PROJECT["project"]["dependencies"] if each.startswith("albumentations")]
    assert "<2.1" in requirement


@pytest.mark.parametrize("folder", ["mlflow", "pipelines"])
def test_folders_of_settings_hold_no_python(folder):
    """A Python file in mlflow/ would shadow the package of that name; a study is a file of settings, not code."""
    assert (ROOT / folder).is_dir()
    assert not list((ROOT / folder).rglob("*.py"))
    assert (ROOT / folder / "README.md").is_file()


def test_mlflow_is_the_package_and_not_the_folder():
    """With the repository's folder beside it, ``import mlflow`` still finds the installed package."""
    done = subprocess.run(
        [sys.executable, "-c", "import importlib.util as u; print(u.find_spec('mlflow').origin)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip().endswith("__init__.py")
    assert not Path(done.stdout.strip()).is_relative_to(ROOT / "mlflow")


@pytest.mark.parametrize(
    "name",
    [
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        ".ci/run",
        "synthaug/py.typed",
        "pipelines/digits.yaml",
        "pipelines/digits_balanced.yaml",
        "examples/README.md",
        "mlflow/MLproject",
        "benchmarks/README.md",
    ],
)
def test_what_is_promised_is_there(name):
    """The files that the documentation sends people to are there."""
    assert (ROOT / name).is_file()
    assert (ROOT / name).stat().st_size > 0 or name.endswith("py.typed")


def test_what_a_benchmark_measured_is_on_a_page():
    """Each script that says how it is run is named on a page of the benchmarks, beside its figures."""
    pages = "".join(page.read_text() for page in (ROOT / "benchmarks").glob("*.md"))
    scripts = [
        path for path in (ROOT / "benchmarks").glob("*.py") if f"python benchmarks/{path.name}" in path.read_text()
    ]
    assert len(scripts) > 10
    assert [path.name for path in scripts if path.name not in pages] == []


def test_continuous_integration_runs_what_developers_run():
    """CI calls make test, and make test runs lint, types and tests."""
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for command in ("ruff check", "ruff format --check", "mypy", "pytest"):
        assert command in makefile
