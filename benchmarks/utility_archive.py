"""Every draw of the utility study in one file of the repository: the tables can be made again without a measurement,
another rule can be judged by them, and the study goes on from them on any machine.
"""

import json
import lzma
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from utility_run import SCORING, Plan

from synthaug.experiment.results import CurvePoint, SplitResult
from synthaug.experiment.storage import SplitStore

ARCHIVE = Path(__file__).with_name("utility_results.jsonl.xz")
_AS_THEY_ARE = ("index", "repeat", "fold", "n_train", "n_test", "skipped", "n_added", "explanation")
_OF_THE_GATE = ["candidate", "score", "gain", "low", "high", "chosen"]
_DIGITS = 6
_DIGITS_OF_A_BLOCK = 4  # there are 40 to 50 of them for every score


def pack(plan: Plan, tasks: Sequence[str], path: Path = ARCHIVE) -> int:
    """Write the draws of some tasks, both halves, into the archive, beside those of others there; return how many."""
    kept = {_key(line): line for line in _read(path)}
    for half in ("dev", "report"):
        for task in tasks:
            for estimator in plan.estimators_of(task):
                store = _store(plan, half, task, estimator)
                for index in store.finished():
                    line = {"half": half, "task": task, "estimator": estimator, **_facts(store.load(index))}
                    kept[_key(line)] = line
    text = "".join(json.dumps(kept[key], separators=(",", ":")) + "\n" for key in sorted(kept))
    path.write_bytes(lzma.compress(text.encode(), preset=9))
    return len(kept)


def unpack(plan: Plan, path: Path = ARCHIVE) -> int:
    """Put the archive's draws where the study keeps its own, unless it has them already; return how many were put."""
    finished = cache(lambda *pair: _store(plan, *pair).finished())
    missing = [line for line in _read(path) if line["index"] not in finished(*_pair(line))]
    for line in missing:
        _store(plan, *_pair(line)).save(_result(line))
    return len(missing)


def forget(plan: Plan, tasks: Sequence[str], arms: Sequence[str]) -> None:
    """Drop arms from the draws that are kept, so that they are measured anew: after a change of the gate, say."""
    for task in tasks:
        for estimator in plan.estimators_of(task):
            store = plan.store(task, estimator)
            for index in store.finished():
                store.save(_without(store.load(index), arms))


def _without(found: SplitResult, arms: Sequence[str]) -> SplitResult:
    by_arm = ("scores", "blocks", "recalls", "skipped", "n_added", "seconds")
    left = {name: {arm: value for arm, value in getattr(found, name).items() if arm not in arms} for name in by_arm}
    gate = {"decision": pd.DataFrame(), "explanation": ""} if "gated" in arms else {}
    return replace(found, **left, **gate)


def _store(plan: Plan, half: str, task: str, estimator: str) -> SplitStore:
    return replace(plan, half=half).store(task, estimator)


def _read(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in lzma.decompress(path.read_bytes()).decode().splitlines()]


def _pair(line: dict[str, Any]) -> tuple[str, str, str]:
    return line["half"], line["task"], line["estimator"]


def _key(line: dict[str, Any]) -> tuple[str, str, str, int]:
    return *_pair(line), line["index"]


def _facts(found: SplitResult) -> dict[str, Any]:
    gate = found.decision.reindex(columns=_OF_THE_GATE) if len(found.decision) else found.decision
    return {
        **{name: getattr(found, name) for name in _AS_THEY_ARE},
        "scores": {arm: _rounded(scores[SCORING]) for arm, scores in found.scores.items()},
        "blocks": {arm: _rounded(values, _DIGITS_OF_A_BLOCK) for arm, values in found.blocks.items()},
        "decision": gate.round(_DIGITS).to_dict("list"),
        "curve": [
            {"arm": point.arm, "fraction": point.fraction, "n_rows": point.n_rows}
            | {"value": _rounded(point.value), "blocks": _rounded(point.blocks, _DIGITS_OF_A_BLOCK)}
            for point in found.curve
        ],
    }


def _result(line: dict[str, Any]) -> SplitResult:
    return SplitResult(
        **{name: line[name] for name in _AS_THEY_ARE},
        scores={arm: {SCORING: score} for arm, score in line["scores"].items()},
        blocks={arm: np.array(values) for arm, values in line["blocks"].items()},
        seconds={},
        decision=pd.DataFrame(line["decision"]),
        curve=tuple(CurvePoint(**{**point, "blocks": np.array(point["blocks"])}) for point in line["curve"]),
    )


def _rounded(values: Any, digits: int = _DIGITS) -> Any:
    return np.round(values, digits).tolist()
