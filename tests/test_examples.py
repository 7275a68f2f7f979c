"""The examples, and the code in the README, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
README = ROOT / "README.md"
FENCE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Deprecations of what synthaug itself offers are errors; those inside other packages are theirs.
STRICT = """
import runpy, sys, warnings
for category in (DeprecationWarning, FutureWarning):
    warnings.filterwarnings("error", category=category, module=r"synthaug(\\.|$)|__main__")
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def run(script, folder):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", STRICT, str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.name)
def test_an_example_runs(script, tmp_path):
    """An example runs from anywhere, says a little, complains of nothing and leaves nothing behind."""
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert 0 < len(done.stdout.splitlines()) <= 15
    assert "Warning" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.name)
def test_an_example_is_listed(script):
    """The list of examples names every script, and each says what it shows."""
    assert f"`{script.name}`" in (ROOT / "examples" / "README.md").read_text()
    assert script.read_text().startswith('"""')


@pytest.mark.slow
@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.name)
def test_an_example_says_the_same_again(script, tmp_path):
    """The seeds of an example decide what it prints."""
    assert run(script, tmp_path).stdout == run(script, tmp_path).stdout


@pytest.mark.slow
def test_the_readmes_code_runs(tmp_path):
    """The README's Python blocks run in their order, each with what those before it made."""
    if not README.exists():
        pytest.skip("there is no README.md")
    blocks = FENCE.findall(README.read_text())
    assert blocks, "README.md shows no Python code"
    (tmp_path / "readme.py").write_text("\n".join(blocks))
    (tmp_path / "elsewhere").mkdir()
    done = run(tmp_path / "readme.py", tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
