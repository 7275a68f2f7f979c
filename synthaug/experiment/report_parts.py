"""The parts of a report as plain values: numbers as text, places in percent. The template only lays them out."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from synthaug.experiment.axis import NOT_THERE, Axis, count_range, fit_axis, metric_text, p_text, tick_text, unit_of
from synthaug.experiment.figures import full_learners

if TYPE_CHECKING:
    from synthaug.experiment.comparison import Comparison, Verdict

Part = dict[str, Any]
_CLASS_OF_WORD = {"helps": "helps", "hurts": "hurts", "no evidence": "flat", "baseline": "base"}


def differences_part(comparison: "Comparison") -> Part:
    """Return the table of paired differences and the places of its forest plot."""
    table, unit = comparison.summary(), unit_of(comparison.scoring)
    learned = _beside_reference(comparison)
    shown = table[["low", "high", "difference", "detectable"]].to_numpy(dtype=float)
    axis = fit_axis([0.0, *shown.ravel(), *[edge for verdict in learned for edge in (verdict.low, verdict.high)]])
    rows = [_difference_row(str(arm), entry, axis, comparison.scoring) for arm, entry in table.iterrows()]
    return {
        "rows": rows,
        "ticks": tick_text(axis, unit.factor, sign=True),
        "zero": axis.place(0.0),
        "unit": unit.points or "own unit",
        "points": unit.points,
        "metric": metric_text(comparison.scoring),
        "skipped": [(str(arm), reason) for arm, reason in comparison.skipped.items()],
        "unseen": [(row["arm"], row["detectable"]) for row in rows if row["word"] == "no evidence"],
        "reference": comparison.reference,
        "beside": [_verdict_row(verdict, axis, comparison.scoring) for verdict in learned],
    }


def _beside_reference(comparison: "Comparison") -> list["Verdict"]:
    """Return the verdicts of the arms with learned rows over the best arm without one; none if that is the baseline."""
    if comparison.reference == comparison.baseline:
        return []
    return [comparison.verdict(arm, comparison.reference) for arm in _learned(comparison)]


def _learned(comparison: "Comparison") -> list[str]:
    return [arm for arm in comparison.arms if "gan" in arm or arm == "gated"]


def verdicts_part(comparison: "Comparison") -> list[Part]:
    """Return the study's answer, a sentence an arm: those with learned rows over the best way without one."""
    reference = comparison.reference
    asked = [arm for arm in _learned(comparison) or comparison.arms if arm != reference]
    found = [comparison.verdict(arm, reference) for arm in asked]
    return [{"word": one.word, "style": _CLASS_OF_WORD[one.word], "text": _true_minus(str(one))} for one in found]


def _true_minus(text: str) -> str:
    return re.sub(r"(?<![\w])-(?=\d)", "−", text)


def _verdict_row(verdict: "Verdict", axis: Axis, scoring: str) -> Part:
    entry = {name: getattr(verdict, name) for name in ("difference", "low", "high", "detectable")}
    unit = {"score": np.nan, "n_added": np.nan, "p_adjusted": verdict.p_value, "verdict": verdict.word}
    return _difference_row(verdict.arm, pd.Series(entry | unit), axis, scoring)


def _difference_row(arm: str, entry: pd.Series, axis: Axis, scoring: str) -> Part:
    unit = unit_of(scoring)
    low, high = unit.difference(entry["low"]), unit.difference(entry["high"])
    return {
        "arm": arm,
        "word": entry["verdict"],
        "style": _CLASS_OF_WORD.get(entry["verdict"], "flat"),
        "score": unit.value(entry["score"]),
        "n_added": f"{round(entry['n_added']):,}" if np.isfinite(entry["n_added"]) else NOT_THERE,
        "difference": unit.difference(entry["difference"]),
        "interval": f"{low} to {high}" if NOT_THERE not in (low, high) else NOT_THERE,
        "p_adjusted": p_text(entry["p_adjusted"]),
        "detectable": unit.size(entry["detectable"]),
        "at": {name: axis.place(entry[name]) for name in ("low", "high", "difference", "detectable")},
    }


def scores_part(comparison: "Comparison") -> Part:
    """Return every split's scores, as dots on one line an arm and as a table, and the other metrics' means."""
    frame, unit = comparison.frame, unit_of(comparison.scoring)
    primary = frame[frame["metric"] == comparison.scoring]
    wide = primary.pivot_table(index=["repeat", "fold"], columns="arm", values="value", sort=False)
    axis = fit_axis(wide.to_numpy().ravel())
    strips = [
        {"arm": str(arm), "dots": [axis.place(v) for v in wide[arm]], "mean": axis.place(wide[arm].mean()),
         "text": unit.value(wide[arm].mean())}
        for arm in wide
    ]  # fmt: skip
    rows = [(_split_name(comparison.design, key), [unit.value(v) for v in wide.loc[key]]) for key in wide.index]
    return {"strips": strips, "ticks": tick_text(axis, unit.factor), "arms": list(map(str, wide)), "rows": rows,
            "percent": unit.percent.strip(), "others": _other_metrics(frame, comparison.scoring)}  # fmt: skip


def _split_name(design: str, key: Any) -> str:
    repeat, fold = key
    return f"draw {repeat + 1}" if design == "draws" else f"repeat {repeat + 1}, fold {fold + 1}"


def _other_metrics(frame: pd.DataFrame, scoring: str) -> Part:
    others = frame[frame["metric"] != scoring]
    means = others.pivot_table(index="arm", columns="metric", values="value", sort=False)
    metrics = [str(metric) for metric in means]
    rows = [(str(arm), [unit_of(m).value(v) for m, v in zip(metrics, row, strict=True)])
            for arm, row in zip(means.index, means.to_numpy(dtype=float), strict=True)]  # fmt: skip
    return {"metrics": [metric_text(metric) for metric in metrics], "rows": rows}


def gate_part(comparison: "Comparison") -> Part:
    """Return what the gate decided: each candidate over all splits, then every split's table and sentence."""
    unit = unit_of(comparison.scoring)
    decided = [split for split in comparison.splits if len(split.decision) or split.explanation]
    tables = [split.decision for split in decided if len(split.decision)]
    splits = [
        {"name": _split_name(comparison.design, (split.repeat, split.fold)), "sentence": split.explanation,
         "rows": [_candidate_row(row, unit_of(comparison.scoring)) for _, row in split.decision.iterrows()]}
        for split in decided
    ]  # fmt: skip
    rows = []
    if tables:
        for name, group in pd.concat(tables).groupby("candidate", sort=False):
            chosen = int(group["chosen"].astype(bool).sum())
            rows.append({"name": str(name), "gain": unit.difference(float(group["gain"].mean())), "chosen": chosen})
    return {"rows": rows, "splits": splits, "n": len(decided), "unit": unit.points}


def _candidate_row(row: pd.Series, unit: Any) -> Part:
    interval = [unit.difference(float(row[side])) for side in ("low", "high")]
    text = NOT_THERE if NOT_THERE in interval else " to ".join(interval)
    gain = unit.difference(float(row["gain"]))
    return {
        "name": str(row["candidate"]),
        "gain": gain,
        "interval": text,
        "chosen": bool(row["chosen"]),
        "why": str(row["why"]),
    }


def settings_part(settings: Mapping[str, Any]) -> Part:
    """Return the settings as YAML text and the versions as pairs."""
    plain = _as_text({key: value for key, value in settings.items() if key != "versions"})
    text = yaml.safe_dump(plain, sort_keys=False, default_flow_style=None, allow_unicode=True, width=78)
    versions = settings.get("versions") or {}
    return {"yaml": text, "versions": [(str(name), str(version)) for name, version in versions.items()]}


def _as_text(value: Any) -> Any:
    """Return a value as YAML can hold it; what it cannot hold as text."""
    if isinstance(value, Mapping):
        return {_as_text(key): _as_text(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_text(inner) for inner in value]
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


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
        facts += [(label, _named(comparison.settings[key]))] if key in comparison.settings else []
    learners = {str(learner.parameters.get("learner", "")) for learner in full_learners(splits)} - {""}
    return facts + ([("learner", ", ".join(sorted(learners)))] if learners else [])


def _named(value: Any) -> str:
    """Return a part of the settings in a few words: its name or path where it has one."""
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("path") or ", ".join(f"{k}: {v}" for k, v in value.items())
    return str(value) if len(str(value)) <= 60 else f"{str(value)[:59]}…"
