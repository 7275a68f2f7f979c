"""The house has floors: imports go down, never up."""

import ast
from pathlib import Path

import pytest

import synthaug

ROOT = Path(synthaug.__file__).parent
FLOORS = [
    ["errors", "_version"],
    ["_card", "_check", "_seed", "_files", "statistics"],
    ["data"],
    ["models"],
    ["quality", "training"],
    ["generators"],
    ["augment"],
    ["experiment"],
    ["cli"],
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def _room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("synthaug."):
            found.add(node.module.split(".")[1])
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("synthaug.")}
    return found


def _run_nodes(tree: ast.AST) -> list[ast.AST]:
    """Return the nodes of a file that run: not those that only a type checker sees."""
    if isinstance(tree, ast.If) and isinstance(tree.test, ast.Name) and tree.test.id == "TYPE_CHECKING":
        return []
    return [tree, *(node for child in ast.iter_child_nodes(tree) for node in _run_nodes(child))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path):
    """A file imports from its own room, or from rooms below it."""
    room = _room(path)
    assert room in FLOOR, f"{room} has no floor"
    upward = {other for other in _imports(path) if other != room and FLOOR[other] > FLOOR[room]}
    assert not upward, f"{path} imports upward: {upward}"


def test_quality_does_not_import_training():
    """Quality stands below training: it is measured without knowing how rows were made."""
    assert not any("training" in _imports(path) for path in FILES if _room(path) == "quality")


@pytest.mark.parametrize(
    ("package", "home"), [("mlflow", "experiment/tracking/client.py"), ("albumentations", "augment/classic.py")]
)
def test_one_file_imports_each_heavy_package(package, home):
    """MLflow and albumentations are each imported in one file, so that what they call home for is switched off
    there.
    """
    users = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in _run_nodes(ast.parse(path.read_text()))
        if (isinstance(node, ast.Import) and any(name.name.split(".")[0] == package for name in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package)
    }
    assert users <= {home, "experiment/learner_model.py"}
    assert home in users
