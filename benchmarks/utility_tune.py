"""What is chosen on the dev halves: settings of each estimator on the real rows alone, then, with those, what
*classic* does and how many rows are added. A GAN row is never looked at.
"""

import json
from dataclasses import asdict, replace

import numpy as np
from utility_run import Plan, as_study, mean_score, run_arms
from utility_tasks import STUDY, StudyRows, study_rows
from utility_ways import ESTIMATORS, SETTINGS, Chosen, amounts, default_transform


def tune(plan: Plan, task: str, estimator: str) -> Chosen:
    """Return the settings that score best on the dev half; the first of several equals."""
    rows, way = study_rows(task, "dev", n_draws=plan.n_draws), ESTIMATORS[estimator]
    first = Chosen({}, default_transform(STUDY[task]), "auto")
    alone = [replace(first, params=params) for params in way.choices()]
    best = alone[_best([_score(plan, task, estimator, rows, chosen, "none") for chosen in alone])]
    if STUDY[task].kind == "table":
        return best
    n_added = amounts(rows.y[rows.splits[0].train])
    more = [replace(best, transform=name, n_synthetic=n) for name in STUDY[task].transforms for n in n_added]
    return more[_best([_score(plan, task, estimator, rows, chosen, "classic") for chosen in more])]


def _score(plan: Plan, task: str, estimator: str, rows: StudyRows, chosen: Chosen, arm: str) -> float:
    study = as_study(plan, task, estimator, rows, chosen)
    return mean_score([run_arms(study, index, [arm]) for index in range(len(rows.splits))], arm)


def _best(scores: list[float]) -> int:
    return int(np.argmax(scores))


def write(task: str, estimator: str, chosen: Chosen) -> None:
    """Put the settings of one estimator on a task into the file of all."""
    found = json.loads(SETTINGS.read_text()) if SETTINGS.exists() else {}
    found.setdefault(task, {})[estimator] = asdict(chosen)
    ordered = {name: found[name] for name in STUDY if name in found}
    SETTINGS.write_text(json.dumps(ordered, indent=1) + "\n")
