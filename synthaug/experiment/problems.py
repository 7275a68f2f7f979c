"""The checks of a pipeline's values, and every problem of a file worded in one error.

A check returns the value, or calls ``refuse`` with the keys (below its own) and the words of what is wrong.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from synthaug.errors import ConfigError
from synthaug.experiment.estimators import estimator_class, parameter_names, why_refused
from synthaug.experiment.yaml_file import KeyPath, YamlFile

Problem = tuple[KeyPath, str]
_KEYS_OF_RULES = ({"left", "right"}, {"left", "right", "strict"}, {"column", "value"})
_MISSING, _TOO_SHORT = "must be given", "a list of at least"
_KINDS = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "null"}


def refuse(keys: KeyPath, text: str) -> NoReturn:
    """Refuse the value that is being checked, or the one at ``keys`` below it."""
    refuse_all([(keys, text)])


def refuse_all(problems: list[Problem]) -> NoReturn:
    """Refuse a value for several reasons at once."""
    raise PydanticCustomError("synthaug", "several problems", {"problems": problems})


def check_known(value: str, known: Iterable[str]) -> str:
    """Return a word that is in ``known``; else name the nearest."""
    words = list(known)
    return value if value in words else refuse((), _one_of(words, value))


def _one_of(words: list[str], got: Any, most: int = 8) -> str:
    more = f", ... ({len(words)} in all: 'synthaug list')" if len(words) > most else ""
    return f"must be one of {', '.join(words[:most])}{more}; got {_shown(got)}.{nearest(got, words)}"


def check_scoring(value: str, known: Iterable[str]) -> str:
    """Return a metric's word: one of ``known``, or a sensitivity at a specificity of one's own."""
    from synthaug.augment.metrics import specificity_of

    return check_known(value, known) if specificity_of(value) is None else value


def check_each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values if none comes twice."""
    twice = [i for i, value in enumerate(values) if value in values[:i]]
    if twice:
        refuse_all([((i,), f"must come once; got {values[i]!r} twice") for i in twice])
    return values


def check_label(value: Any) -> Any:
    """Return a label: a number, text, true or false; or None for none."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return refuse((), f"must be a label: a number, text, true or false; got {_shown(value)}")


def check_rows_per_class(value: Any) -> int | dict[Any, int]:
    """Return how many rows of each class: a whole number, or a mapping of label to whole number, each at least 1."""
    if isinstance(value, Mapping) and value:
        wrong = [((label,), _not_count(n)) for label, n in value.items() if not _is_count(n)]
        return dict(value) if not wrong else refuse_all(wrong)
    return value if _is_count(value) else refuse((), _not_count(value) + ", or one number a class ({label: rows})")


def _is_count(value: Any) -> bool:
    return type(value) is int and 1 <= value <= 10_000_000


def _not_count(value: Any) -> str:
    return f"must be a whole number, at least 1; got {_shown(value)}"


def check_strategy(value: Any, known: tuple[str, ...]) -> Any:
    """Return a sampling strategy in imbalanced-learn's grammar: a word, a fraction or a count a class."""
    if isinstance(value, str):
        return check_known(value, known)
    if isinstance(value, Mapping) and value:
        return check_rows_per_class(value)
    if type(value) in (int, float) and 0 < value <= 1:
        return float(value)
    return refuse((), f"must be one of {', '.join(known)}, a fraction up to 1 or a count a class; got {_shown(value)}")


def check_n_synthetic(value: Any) -> int | str:
    """Return how many synthetic rows on top: ``auto``, a number a class, or a factor such as ``x0.5``."""
    from synthaug.augment.plan import plan_counts

    try:
        plan_counts({0: 2, 1: 2}, "auto", value)
    except ConfigError as error:
        refuse((), str(error).removeprefix("n_synthetic "))
    return value


def check_selection(value: str) -> str:
    """Return how synthetic rows are selected: ``auto``, one of ``SELECTIONS``, or several joined by ``+``."""
    from synthaug.quality import selection

    try:
        return selection.check_selection(value)
    except ConfigError as error:
        refuse((), str(error).removeprefix("selection "))


def check_constraints(value: Any) -> tuple[dict[str, Any], ...]:
    """Return rules for drawn rows: of each the parameters of ``LessOrEqual``, or those of ``Fixed``."""
    if not isinstance(value, list | tuple):
        return refuse((), f"must be a list of rules; got {_shown(value)}")
    wrong = [((number,), text) for number, rule in enumerate(value) if (text := _why_no_rule(rule))]
    return tuple(value) if not wrong else refuse_all(wrong)


def _why_no_rule(rule: Any) -> str:
    """Return what is wrong with a rule for drawn rows; "" for nothing."""
    keys = set(rule) if isinstance(rule, Mapping) else set()
    if keys not in _KEYS_OF_RULES:
        got = f"the keys {', '.join(map(str, keys))}" if keys else _shown(rule)
        return f"must be {{left, right}}, if wished with strict, or {{column, value}}; got {got}"
    if not isinstance(rule.get("strict", False), bool):
        return f"must have strict true or false; got {_shown(rule['strict'])}"
    sides = [rule["column"]] if "column" in rule else [rule["left"], rule["right"]]
    if not any(isinstance(side, str) for side in sides):
        return f"must name a column, as text; got {' and '.join(map(_shown, sides))}"
    if not _is_plain(list(rule.values())) or None in rule.values():
        return "must hold names of columns, numbers and words alone"
    return ""


def check_tracking_uri(value: str) -> str:
    """Return the address of an MLflow store: SQLite or another database, or a server."""
    if re.match(r"(sqlite|https?|postgresql|mysql|mssql)[+\w]*://", value):
        return value
    return refuse((), f"must be a database or a server, such as sqlite:///runs/mlflow.db; got {value!r}")


def check_plain_params(value: Any) -> dict[str, Any]:
    """Return parameters whose values are numbers, words, true, false, null, or lists of them."""
    if not isinstance(value, Mapping):
        return refuse((), f"must be a mapping of parameter to value; got {_shown(value)}")
    rule = "must be a plain value or a list of them"
    wrong = [((key,), f"{rule}; got {_shown(inner)}") for key, inner in value.items() if not _is_plain(inner)]
    return {str(key): inner for key, inner in value.items()} if not wrong else refuse_all(wrong)


def check_learner_params(value: Any) -> dict[str, Any]:
    """Return parameters as ``check_plain_params`` does; a value may also be a mapping of words to plain values."""
    if isinstance(value, Mapping):
        for inner in value.values():
            if isinstance(inner, Mapping):
                check_plain_params(inner)
        check_plain_params({key: inner for key, inner in value.items() if not isinstance(inner, Mapping)})
        return dict(value)
    return check_plain_params(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(inner) and not isinstance(inner, list | tuple) for inner in value)
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def check_generator(name: str) -> str:
    """Return the name of a learner, or ``auto``."""
    from synthaug.generators import known_generators

    return check_known(name, ["auto", *known_generators()])


def check_generator_params(name: str | None, params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that the named learner takes."""
    from synthaug.generators import find_generator

    if name == "auto" and params:
        refuse((), "must be left out where the generator's name is auto; name one")
    return params if name is None or name == "auto" else _check_names(find_generator(name), params)


def check_estimator_params(name: str | None, params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters that the named classifier takes, in name and in value."""
    if name is None:
        return params
    _check_names(estimator_class(name), params)
    why = why_refused(name, params)
    return params if why is None else refuse((), f"must fit {name}. {why}")


def check_standardise(name: str | None, standardise: bool) -> bool:
    """Return whether columns are standardised, which a classifier of images does not take."""
    if name is not None and standardise and "image_shape" in parameter_names(estimator_class(name)):
        return refuse((), f"must be false for {name}, which reads images, not columns; got true")
    return standardise


def _check_names(cls: type, params: dict[str, Any]) -> dict[str, Any]:
    known = parameter_names(cls)
    wrong = [
        ((key,), f"{cls.__name__} has no such parameter.{nearest(key, known)}") for key in params if key not in known
    ]
    return params if not wrong else refuse_all(wrong)


def check_scorable(name: str, params: Mapping[str, Any], metrics: Iterable[str]) -> None:
    """Refuse metrics that need probabilities where the classifier gives none."""
    from synthaug.experiment.metrics import NEEDS_PROBABILITIES

    needing = [metric for metric in metrics if metric in NEEDS_PROBABILITIES]
    if needing and not hasattr(estimator_class(name)(**params), "predict_proba"):
        what = ", ".join(needing)
        refuse(("estimator",), f"must give probabilities for {what}; {name} gives none. Choose another metric")


def nearest(word: Any, known: Iterable[str]) -> str:
    """Return " Did you mean ...?" for the nearest word, or "" where none is near."""
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def describe(
    error: ValidationError, file: YamlFile, keys_of: Callable[[KeyPath, Mapping[Any, Any]], list[str]]
) -> ConfigError:
    """Return one ConfigError with every problem of a file, one a line, each with its place.

    Parameters
    ----------
    error
        What pydantic found.
    file
        The file.
    keys_of
        ``keys_of(section, values)``: the keys that a section may have.
    """
    found = [problem for detail in error.errors() for problem in _problems(detail, file.values, keys_of)]
    found = sorted(_without_misspelt(_without_short(found)), key=lambda problem: file.place(problem[0]))
    lines = dict.fromkeys(f"{file.where(keys)}: {_spoken(keys)}{_ended(text)}" for keys, text in found)
    head = [] if len(lines) == 1 else [f"{file.path} has {len(lines)} problems."]
    return ConfigError("\n".join([*head, *lines]))


def _without_short(found: list[Problem]) -> list[Problem]:
    """Leave out that a list is too short where only its wrong entries make it so."""
    with_wrong_entries = {keys[:-1] for keys, _ in found}
    return [(keys, text) for keys, text in found if keys not in with_wrong_entries or _TOO_SHORT not in text]


def _without_misspelt(found: list[Problem]) -> list[Problem]:
    """Leave out that a key is missing where the file has it misspelt."""
    meant = {(*keys[:-1], near) for keys, text in found for near in re.findall(r"no key here.*mean '(.*)'", text)}
    return [(keys, text) for keys, text in found if keys not in meant or text != _MISSING]


def _ended(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _problems(detail: ErrorDetails, values: dict[Any, Any], keys_of: Any) -> list[Problem]:
    keys, value = _in_file(detail["loc"], values), detail["input"]
    kind, limits = detail["type"], detail.get("ctx", {})
    if kind == "synthaug":
        return [((*keys, *below), text) for below, text in limits["problems"]]
    if kind == "missing":
        return [(keys, _MISSING)]
    if kind == "extra_forbidden":
        known = keys_of(keys[:-1], values)
        return [(keys, f"is no key here; the keys are {', '.join(known)}.{nearest(keys[-1], known)}")]
    if kind.startswith("union_tag"):
        return [_kind_problem(keys, value)]
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(limits["expected"]))
        return [(keys, _one_of(known, value))]
    return [(keys, f"must be {_rule(kind, limits, detail['msg'])}; got {_shown(value)}")]


def _kind_problem(keys: KeyPath, value: Any) -> Problem:
    got = value.get("kind") if isinstance(value, Mapping) else value
    if got is None:
        return (*keys, "kind"), "must be given: draws or folds"
    return (*keys, "kind"), _one_of(["draws", "folds"], got)


def _rule(kind: str, limits: Mapping[str, Any], otherwise: str) -> str:
    rules = {
        "greater_than_equal": "at least {ge}",
        "greater_than": "above {gt}",
        "less_than_equal": "at most {le}",
        "too_short": f"{_TOO_SHORT} {{min_length}}",
        "too_long": "a list of at most {max_length}",
        "string_pattern_mismatch": "letters, digits, '-', '_', '.' and spaces, at most 100, and begin with a letter",
        "string_too_short": "at least {min_length} character long",
        "string_too_long": "at most {max_length} characters long",
        "finite_number": "a finite number",
    }
    if kind in rules:
        return rules[kind].format(**limits)
    types = {"int": "a whole number", "float": "a number", "string": "text", "bool": "true or false", "path": "a path"}
    types |= {"tuple": "a list", "model": "a mapping of keys to values", "dict": "a mapping of keys to values"}
    return types.get(kind.split("_")[0], f"otherwise ({otherwise})")


def _in_file(location: tuple[Any, ...], values: Any) -> KeyPath:
    """Return pydantic's location without the parts that are in no file (the kind of a union)."""
    keys: list[Any] = []
    for i, part in enumerate(location):
        if _holds(values, part):
            keys, values = [*keys, part], values[part]
        elif i == len(location) - 1:
            keys.append(part)
    return tuple(keys)


def _holds(values: Any, part: Any) -> bool:
    if isinstance(values, list):
        return isinstance(part, int) and part < len(values)
    return isinstance(values, Mapping) and part in values


def _spoken(keys: KeyPath) -> str:
    """Return keys as a person writes them: ``design.n_draws``, ``arms[2]``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".")
    return f"{text} " if text else "the pipeline "


def _shown(value: Any, most: int = 60) -> str:
    if isinstance(value, dict | list | tuple):
        return _KINDS[dict if isinstance(value, dict) else list] + (" that is empty" if not value else "")
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."
