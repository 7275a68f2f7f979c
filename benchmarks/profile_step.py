"""Where the time of a training step goes, by kind of operation, with torch's profiler."""

from collections import Counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from synthaug.data.schema import ImageSchema
from synthaug.generators import Limits
from synthaug.training.loop import StepRecord

_WARM_STEPS = 10
_MOST_OPERATIONS = 12


def profile_step(learner: Any, *, n_steps: int, shape: tuple[int, int, int] = (1, 32, 32)) -> str:
    """Return two tables, by kind and by operation: milliseconds of a step on the processor and share of the total.

    Parameters
    ----------
    learner
        What is trained, on noise images of 10 classes.
    n_steps
        How many steps are profiled, after ten to warm up.
    shape
        ``(c, h, w)``.
    """
    watch = _Watch(n_steps)
    x = torch.rand(500, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    learner.set_params(n_steps=min(100, _WARM_STEPS + n_steps + 1))
    schema, limits = ImageSchema(shape, 10), Limits()
    learner.fit(x, torch.arange(500) % 10, schema=schema, seed=0, on_step=watch, limits=limits)
    watch.finish()
    spent = {event.key: event.self_cpu_time_total / 1e3 / watch.n_seen for event in watch.profiler.key_averages()}
    kinds: Counter[str] = Counter()
    for name, milliseconds in spent.items():
        kinds[kind_of(name)] += milliseconds
    most = dict(Counter(spent).most_common(_MOST_OPERATIONS))
    return f"{_table('kind', dict(kinds))}\n\n{_table('operation', most, total=sum(spent.values()))}"


class _Watch:
    """Profiles from the eleventh step to the last wanted one, called after each step."""

    def __init__(self, n_steps: int) -> None:
        self.n_steps, self.n_seen, self.first = n_steps, 0, 0
        self.profiler = profile(activities=[ProfilerActivity.CPU])
        self.running = False

    def __call__(self, record: StepRecord) -> bool:
        if self.running:
            self.n_seen = record.step - self.first
        elif record.step >= _WARM_STEPS and not self.n_seen:
            self.first, self.running = record.step, True
            self.profiler.start()
        if self.n_seen >= self.n_steps:
            self.finish()
            return True
        return False

    def finish(self) -> None:
        if self.running:
            self.running = False
            self.profiler.stop()


def kind_of(operation: str) -> str:
    """Return the kind of an operation's name; the first pattern found decides."""
    return next((kind for pattern, kind in KINDS.items() if pattern in operation), "element by element, and the rest")


def _table(head: str, milliseconds: dict[str, float], *, total: float | None = None) -> str:
    whole = sum(milliseconds.values()) if total is None else total
    ordered = sorted(milliseconds.items(), key=lambda item: -item[1])
    lines = [f"| {head} | ms a step | share |", "|---|---|---|"]
    lines += [f"| {name} | {spent:.2f} | {spent / whole:.0%} |" for name, spent in ordered]
    return "\n".join([*lines, f"| all | {whole:.2f} | |"] if total is None else lines)


KINDS: dict[str, str] = {
    "convolution_backward": "convolution, backward",
    "conv": "convolution, forward",
    "mkldnn": "convolution, forward",
    "batch_norm": "batch norm",
    "_fused_adam": "optimiser",
    "Optimizer": "optimiser",
    "addcmul": "optimiser",
    "addcdiv": "optimiser",
    "_foreach": "optimiser and averages",
    "lerp": "optimiser and averages",
    "mm": "matrix products",
    "mv": "matrix products",
    "linear": "matrix products",
    "linalg": "spectral norm",
    "upsample": "resampling",
    "pixel_shuffle": "resampling",
    "grid_sampl": "resampling",
    "pool": "resampling",
    "copy": "copies and layout",
    "cat": "copies and layout",
    "clone": "copies and layout",
    "contiguous": "copies and layout",
    "index": "copies and layout",
    "fill": "copies and layout",
    "zero": "copies and layout",
    "empty": "copies and layout",
    "rand": "random numbers",
    "normal": "random numbers",
    "dropout": "random numbers",
    "bernoulli": "random numbers",
}
