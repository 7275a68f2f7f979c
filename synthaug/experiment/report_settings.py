"""What a study was and how to run it again: facts, settings, versions, commands."""

import inspect
import re
import shlex
from ast import literal_eval
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from synthaug.augment.augmenter import SyntheticAugmenter
from synthaug.experiment.axis import count_range, metric_text
from synthaug.experiment.results import shown_learners

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison

Part = dict[str, Any]

_NO_PACKAGES = ("python", "system")
_SAID_APART = ("versions", "config")


def facts_part(comparison: "Comparison") -> list[tuple[str, str]]:
    """Return what the study was, in pairs of a word and a value."""
    splits = comparison.splits
    kind = "draw" if comparison.design == "draws" else "fold"
    facts = [("metric", metric_text(comparison.scoring)), ("compared with", comparison.baseline)]
    facts.append((f"{kind}s", str(len(splits))))
    if splits:
        facts.append(("training rows", count_range([split.n_train for split in splits])))
        facts.append(("test rows", count_range([split.n_test for split in splits])))
    n_unlabelled = comparison.settings.get("n_unlabelled")
    facts += [] if n_unlabelled is None else [("rows without labels", f"{n_unlabelled:,}")]
    for key, label in (("estimator", "classifier"), ("data", "data")):
        facts += [(label, short_name(comparison.settings[key]))] if key in comparison.settings else []
    learners = {str(learner.parameters.get("learner", "")) for learner in shown_learners(splits)} - {""}
    return facts + ([("learner", ", ".join(sorted(learners)))] if learners else [])


def short_name(value: Any) -> str:
    """Return a part of the settings in a few words: its name or path, or the names of what it calls."""
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("path") or ", ".join(f"{k}: {v}" for k, v in value.items())
    called = [name for name in re.findall(r"\b[A-Z]\w+(?=\()", str(value)) if name != "Pipeline"]
    text = ", ".join(dict.fromkeys(called)) or " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def settings_part(settings: Mapping[str, Any]) -> Part:
    """Return the settings as YAML text, the versions as pairs, and what to type to run the study again."""
    plain = _as_text({key: value for key, value in settings.items() if key not in _SAID_APART})
    text = yaml.safe_dump(plain, sort_keys=False, default_flow_style=None, allow_unicode=True, width=78)
    versions = {str(name): str(version) for name, version in (settings.get("versions") or {}).items()}
    again = _again(settings)
    return {"yaml": text if plain else "", "versions": list(versions.items()), "install": _install(versions), **again}


def _as_text(value: Any) -> Any:
    """Return a value as YAML can hold it; what it cannot hold as text."""
    if isinstance(value, Mapping):
        return {_as_text(key): _as_text(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_text(inner) for inner in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _install(versions: Mapping[str, str]) -> str:
    """Return the command that installs the versions; a local build's mark, such as ``+cpu``, is no package's, and of
    several that splits ran with the newest is taken.
    """
    plain = {name: re.split(r"[+ ]", version)[0] for name, version in versions.items() if name not in _NO_PACKAGES}
    wanted = [f"'{name}=={version}'" for name, version in plain.items()]
    return f"python -m pip install {' '.join(wanted)}" if wanted else ""


def _again(settings: Mapping[str, Any]) -> Part:
    """Return the command of a study that came from a pipeline, or the call of one that came from Python."""
    if "data" in settings:
        config = settings.get("config", "STUDY/config.yaml")  # studies of before did not note it
        return {"command": f"synthaug run {shlex.quote(config)} --output again", "call": ""}
    return {"command": "", "call": _call(settings) if "arms" in settings else ""}


def _call(settings: Mapping[str, Any]) -> str:
    """Return the call of ``compare`` that the settings describe; the rows, labels and groups are the reader's."""
    said = {
        **({} if settings.get("n_unlabelled") is None else {"X_unlabeled": "X_unlabeled"}),
        "estimator": str(settings.get("estimator", "None")),
        "arms": repr(settings["arms"]),
        "augmenter": _augmenter(settings.get("augmenter") or {}),
        **({"groups": "groups"} if "n_groups" in settings else {}),
        "scoring": repr(settings.get("scoring")),
        "metrics": repr(settings.get("metrics")),
        "cv": _design(settings.get("design")),
        "image_transform": _code(str(settings.get("image_transform", "shift"))),
        "random_state": repr(settings.get("seed")),
        **{
            name: repr(settings[name])
            for name in ("rope", "label_equivalence", "bootstrap")
            if settings.get(name) is not None
        },
    }
    lines = [f"    {name}={value}," for name, value in said.items()]
    rules = [name for name in ("Fixed", "LessOrEqual") if f"{name}(" in said["augmenter"]]
    head = f"from synthaug import {', '.join(sorted(['Draws', 'Folds', 'SyntheticAugmenter', *rules]))}, compare"
    return "\n".join([head, "", "result = compare(", "    X,", "    y,", *lines, ")"])


def _augmenter(parameters: Mapping[str, str]) -> str:
    """Return the augmenter as code, without what is as by default."""
    defaults = {name: one.default for name, one in inspect.signature(SyntheticAugmenter).parameters.items()}
    changed = [
        f"{name}={_code(text)}" for name, text in parameters.items() if text != str(defaults.get(name, inspect._empty))
    ]
    return f"SyntheticAugmenter({', '.join(changed)})"


def _design(design: Any) -> str:
    if isinstance(design, Mapping):
        return f"Draws({', '.join(f'{name}={value!r}' for name, value in design.items())})"
    return str(design)


def _code(text: str) -> str:
    """Return a value that was kept as text as code again: a word gets quotes, a number, a call, a function and a list
    of these none.
    """
    named = re.sub(r"<function (?:[\w.<>]*\.)?(\w+)>", r"\1", text)
    if named != text or re.fullmatch(r"[A-Za-z_][\w.]*\(.*\)|\[[A-Za-z_][\w.]*\(.*\)\]", text, flags=re.DOTALL):
        return named
    try:
        return repr(literal_eval(text))
    except (ValueError, SyntaxError):
        return repr(text)
