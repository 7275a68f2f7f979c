"""Learn with ctgan and draw; runs in its environment (``tables_peers.py``), asked by JSON, answering by JSON."""

import json
import sys
import time

import pandas as pd
import torch
from ctgan import CTGAN

_ROUNDS = 30


def main() -> None:
    job = json.loads(sys.argv[1])
    torch.set_num_threads(job.get("threads", 1))
    table = pd.read_parquet(f"{job['place']}/train.parquet")
    before = _seconds_of(table, job, epochs=1)[1] if job.get("overhead", True) else 0.0
    model, seconds, wall = _seconds_of(table, job, epochs=job["epochs"])
    if job["counts"]:
        parts = [_drawn(model, label, n, job) for label, n in job["counts"].items()]
        pd.concat(parts, ignore_index=True).to_parquet(f"{job['place']}/drawn.parquet")
    print(json.dumps({"seconds": seconds, "wall": wall, "one_epoch_seconds": before, "epochs": job["epochs"]}))


def _seconds_of(table: pd.DataFrame, job: dict, *, epochs: int) -> tuple[CTGAN, float, float]:
    """Return a fitted model, seconds of one core and seconds by the clock."""
    model = CTGAN(epochs=epochs)
    model.set_random_state(job["seed"])
    core, wall = time.process_time(), time.perf_counter()
    model.fit(table, job["words"])
    return model, time.process_time() - core, time.perf_counter() - wall


def _drawn(model: CTGAN, label: str, n_rows: int, job: dict) -> pd.DataFrame:
    """Return rows of one class, as many as there come in 30 rounds."""
    parts, n_there = [], 0
    for _ in range(_ROUNDS):
        rows = model.sample(max(500, n_rows), condition_column=job["label"], condition_value=label)
        parts.append(rows[rows[job["label"]] == label])
        n_there += len(parts[-1])
        if n_there >= n_rows:
            break
    return pd.concat(parts).iloc[:n_rows]


if __name__ == "__main__":
    main()
