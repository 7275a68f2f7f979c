"""What tests of pages share: a made study, and a real browser (Debian's chromium, spoken to over two pipes in its own
protocol).
"""

import base64
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthaug.experiment.column_figures import describe_columns
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.results import CurvePoint, LearnerRecord, SplitResult

GAINS = {"none": 0.0, "smote": 0.03, "gan": -0.05, "classic+gan": 0.07, "gated": 0.031}
ATTACKS = {"all": 0.58, "a": 0.72, "b": 0.44}
NO_IMAGES = np.empty((0, 0, 0, 0, 1), np.uint8)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
)
_TO_BROWSER, _FROM_BROWSER = 3, 4  # where the protocol expects them
COMPLAINTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")


class Browser:
    """One page of a browser without a window, and everything that it complained of or asked the network for."""

    def __init__(self, profile: Path) -> None:
        ours_in, theirs_out = _high_pipe()
        theirs_in, ours_out = _high_pipe()
        self.process = subprocess.Popen(
            ["chromium", *FLAGS.split(), f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(_TO_BROWSER, _FROM_BROWSER),
            preexec_fn=lambda: (os.dup2(theirs_in, _TO_BROWSER), os.dup2(theirs_out, _FROM_BROWSER)),
        )
        os.close(theirs_in), os.close(theirs_out)
        self._in, self._out, self._number, self._rest = ours_in, ours_out, 0, b""
        self.complaints: list[Any] = []
        self.asked_for: list[str] = []
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return what the browser answers to one command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, page: Path, *, width: int, height: int = 900, dark: bool = False, media: str = "screen") -> None:
        """Show a file in a window of that many pixels, in a light or dark scheme, on a screen or on paper."""
        self.complaints, self.asked_for = [], []
        sides = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **sides)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=page.as_uri())
        self.run("new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))")

    def run(self, script: str) -> Any:
        """Return the value of a script in the page, waited for."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def picture(self) -> bytes:
        """Return the whole page as a PNG file."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def paper(self) -> bytes:
        """Return the page as a PDF file, A4, whatever it was shown as before."""
        self.call("Emulation.setEmulatedMedia", media="print")
        sides = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
        return base64.b64decode(self.call("Page.printToPDF", **sides)["data"])

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self.call("Browser.close")
        self.process.wait(timeout=20)
        os.close(self._in), os.close(self._out)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._in, 1 << 20)
            assert more, "the browser has ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") in COMPLAINTS:
            self.complaints.append(event["params"])
        if event.get("method") == "Network.requestWillBeSent":
            self.asked_for.append(event["params"]["request"]["url"])


def _high_pipe() -> tuple[int, int]:
    """Return a pipe whose ends are out of the way of the numbers that the browser expects."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return high


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that stays open for all pages; the test is skipped where there is none."""
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium")
    shown = Browser(tmp_path_factory.mktemp("browser"))
    yield shown
    shown.close()


@pytest.fixture(scope="session")
def a_study() -> Callable[..., Comparison]:
    """Make a study of six splits whose gains are known, with everything that a report can show."""
    return _a_study


@pytest.fixture(scope="session")
def a_table() -> Callable[..., tuple[pd.DataFrame, np.ndarray]]:
    """Make a table of mixed columns, of which *slope* follows *first* as strongly as is asked for, and its labels."""
    return _a_table


@pytest.fixture(scope="session")
def table_study(study: Comparison) -> Comparison:
    """The made study as one of a table: no pictures, but columns; the synthetic *slope* follows nothing."""
    sets = [_a_table(n, seed=seed, slope=slope) for seed, (n, slope) in enumerate([(150, 1.0), (150, 0.0), (150, 1.0)])]
    figures = [describe_columns(*sets, include_real_rows=False, with_shares=first, seed=0) for first in (True, False)]
    splits = [
        replace(split, learners=(replace(split.learners[0], real=NO_IMAGES, synthetic=NO_IMAGES, columns=found),))
        for split, found in zip(study.splits, [figures[0], *figures[1:] * 5], strict=True)
    ]
    return replace(study, splits=tuple(splits))


@pytest.fixture(scope="session")
def study() -> Comparison:
    """The made study of draws on images."""
    return _a_study()


def _a_table(n: int, *, seed: int, slope: float = 1.0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < 0.5, "a", "b")
    first = rng.normal(size=n) + (labels == "b")
    table = pd.DataFrame({"first": first, "slope": slope * first + 0.3 * rng.normal(size=n)})
    table["holes"] = np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n))
    table["word"] = pd.Categorical(np.where(first > 0, "high", "a word " * 9))
    table["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    table["few"] = rng.integers(0, 4, n)
    return table.assign(key=[f"key {seed} {i}" for i in range(n)]), labels


def _a_learner(rng: np.random.Generator, *, images: bool = True) -> LearnerRecord:
    steps = np.arange(0, 100, 10)
    history = pd.DataFrame({"step": steps, "images_seen": steps * 8, "seconds": steps * 0.1})
    history = history.assign(hinge=rng.normal(size=10), r1=rng.random(10))
    figures = [
        (label, metric, rng.random(), 0.9, np.nan, np.nan)
        for label in ("all", "a", "b")
        for metric in ("kid", "recall", "diversity", "copy_rate", "distance_ratio")
    ]
    attacks = [(label, "membership_auc", auc, 0.5, auc - 0.1, auc + 0.1) for label, auc in ATTACKS.items()]
    quality = pd.DataFrame([*figures, *attacks], columns=["class", "metric", "value", "floor", "low", "high"])
    pictures = rng.integers(1, 255, (2, 2, 4, 8, 8, 1), np.uint8)
    real, synthetic = pictures if images else (NO_IMAGES, NO_IMAGES)
    return LearnerRecord("full", 60, 1.5, {"n_steps": 100}, history, quality, real, synthetic)


def _a_split(
    index: int, rng: np.random.Generator, *, scoring: str, images: bool, gains: dict[str, float], noise: float
) -> SplitResult:
    base = 0.7 + rng.normal(0, 0.02)
    values = {arm: base + gain + rng.normal(0, noise) for arm, gain in gains.items()}
    luck = rng.normal(0, 4 * noise, (len(values), 20))
    blocks = {arm: value + row - row.mean() for (arm, value), row in zip(values.items(), luck, strict=True)}
    decision = pd.DataFrame({"candidate": ["nothing", "x1"], "gain": [0.0, 0.02], "low": [np.nan, 0.01]})
    decision = decision.assign(score=[0.7, 0.72], high=[np.nan, 0.03], chosen=[False, True], why=["", "best"])
    more_rows = [(arm, k) for arm in ("smote",) if arm in values for k in (1, 2, 3)]
    curve = [CurvePoint(a, 1 + k / 2, 60 + 30 * k, values[a] + 0.03 * k, blocks[a] + 0.03 * k) for a, k in more_rows]
    return SplitResult(
        index=index,
        repeat=index,
        fold=0,
        n_train=60,
        n_test=400,
        scores={arm: {scoring: value, "f1_macro": value - 0.01} for arm, value in values.items()},
        blocks=blocks,
        skipped={"classic": "the rows are no images"},
        n_added=dict.fromkeys(values, 40),
        seconds=dict.fromkeys(values, 0.1),
        decision=decision,
        explanation="Augmented: the best mix gained 2.0 points.",
        learners=(_a_learner(rng, images=images),),
        recalls={arm: np.array([value, 2 * base - value]) for arm, value in values.items()},
        curve=tuple(curve),
        answers={arm: f"{arm} on {index}" for arm in values},
    )


def _a_study(
    *,
    design: str = "draws",
    scoring: str = "balanced_accuracy",
    images: bool = True,
    gains: dict[str, float] = GAINS,
    noise: float = 0.005,
) -> Comparison:
    rng = np.random.default_rng(0)
    splits = tuple(_a_split(i, rng, scoring=scoring, images=images, gains=gains, noise=noise) for i in range(6))
    settings = {"data": {"name": "toy"}, "estimator": "SVC()", "seed": 0, "versions": {"synthaug": "0.1.0"}}
    return Comparison("toy", design, scoring, "none", splits, settings, ("a", "b"))
