"""Finished splits on disk: each is a folder that appears whole or not at all, so an interrupted study loses only what
ran.
"""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthaug._files import make_folder, write_atomically
from synthaug.errors import ConfigError, FileError
from synthaug.experiment.column_figures import ColumnFigures
from synthaug.experiment.results import CurvePoint, LearnerRecord, SplitResult

_OF_A_SPLIT = (
    "index",
    "repeat",
    "fold",
    "n_train",
    "gated_arm",
    "answers",
    "n_test",
    "scores",
    "skipped",
    "n_added",
    "seconds",
    "explanation",
    "learned",
)
_OF_A_POINT = ("arm", "fraction", "n_rows", "value")
REPORT, DOSSIER, CARD = "report.html", "dossier.html", "model_card.json"
SUMMARY, FRAME, INTERVALS = "summary.csv", "frame.csv", "intervals.csv"
_FACTS, _ARRAYS, _STUDY, _LOCK = "result.json", "arrays.npz", "study.json", ".run.lock"


class SplitStore:
    """The finished splits of one study.

    Parameters
    ----------
    folder
        The study's folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._key: str | None = None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one run, which may hold it twice; the system lets go of it when the process dies.

        Raises
        ------
        ConfigError
            If another run holds it.
        FileError
            If it cannot be written to.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(make_folder(self.folder).resolve() / _LOCK, is_singleton=True)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigError(
                f"output must be written by one run at a time; got '{self.folder}' (another run writes to it). "
                "Wait until that has ended, or choose another folder."
            ) from error
        except OSError as error:
            raise FileError(f"'{self.folder}' cannot be locked ({error.strerror}). Choose another folder.") from error
        try:
            yield
        finally:
            lock.release()

    def open(self, key: str, facts: dict[str, Any], *, resume: bool) -> None:
        """Make the folder ready for a study with this key: keep its finished splits to resume, else remove all of it.

        Parameters
        ----------
        key
            A fingerprint of data and settings.
        facts
            What to read the splits by later: see ``facts``.
        resume
            Whether finished splits are kept.

        Raises
        ------
        ConfigError
            If it is to be resumed and its splits come from other data or settings.
        FileError
            If it cannot be written to.
        """
        make_folder(self.folder)
        self._key = key
        if resume:
            self._check_key(key)
        else:
            for name in ("splits", "learners", "checkpoints"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            for name in (REPORT, CARD, SUMMARY, FRAME, INTERVALS):  # a dossier that was asked for is written anew
                (self.folder / name).unlink(missing_ok=True)
        make_folder(self.folder / "splits")
        text = json.dumps({"key": key, "facts": facts}, default=_plain, indent=1)
        write_atomically(self.folder / _STUDY, text.encode())

    def facts(self) -> dict[str, Any]:
        """Return what the study's folder says of it.

        Raises
        ------
        FileError
            If the folder holds no study, or a damaged one.
        """
        path = self.folder / _STUDY
        try:
            return dict(json.loads(path.read_text())["facts"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileError(
                f"'{self.folder}' must be the folder of a study; '{path.name}' is missing or damaged."
            ) from error

    def save(self, result: SplitResult) -> None:
        """Write one finished split.

        Raises
        ------
        FileError
            If there is no room or no right to write.
        """
        final, part = self._place(result.index), self.folder / "splits" / f".{result.index:04d}.{os.getpid()}.part"
        arrays: dict[str, np.ndarray] = {f"blocks/{arm}": values for arm, values in result.blocks.items()}
        arrays |= {f"recalls/{arm}": values for arm, values in result.recalls.items()}
        arrays |= {
            f"replicates/{metric}/{arm}": values
            for arm, found in result.replicates.items()
            for metric, values in found.items()
        }
        arrays |= {f"curve/{number}": point.blocks for number, point in enumerate(result.curve)}
        for number, learner in enumerate(result.learners):
            arrays |= {f"real/{number}": learner.real, f"synthetic/{number}": learner.synthetic}
        shutil.rmtree(part, ignore_errors=True)
        make_folder(part)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        write_atomically(part / _ARRAYS, buffer.getvalue())
        facts = _facts(result) | ({} if self._key is None else {"key": self._key})
        write_atomically(part / _FACTS, json.dumps(facts, default=_plain).encode())
        shutil.rmtree(final, ignore_errors=True)
        os.replace(part, final)

    def finished(self) -> list[int]:
        """Return the numbers of the finished splits, sorted."""
        return sorted(int(path.name) for path in (self.folder / "splits").glob("[0-9]*") if (path / _FACTS).exists())

    def load(self, index: int) -> SplitResult:
        """Return one finished split.

        Raises
        ------
        FileError
            If it is not there, damaged, or a split of another study.
        """
        place = self._place(index)
        try:
            facts = json.loads((place / _FACTS).read_text())
            self._check_owner(facts.pop("key", None))  # studies of before have none
            with np.load(place / _ARRAYS, allow_pickle=False) as file:
                return _result(facts, {name: file[name] for name in file.files})
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise FileError(
                f"'{place}' must be a finished split; it is damaged ({error}). Delete it and resume."
            ) from error

    def _place(self, index: int) -> Path:
        return self.folder / "splits" / f"{index:04d}"

    def _check_owner(self, key: str | None) -> None:
        if key is not None and key != json.loads((self.folder / _STUDY).read_text())["key"]:
            raise ValueError("of another study: two runs wrote here")

    def _check_key(self, key: str) -> None:
        path = self.folder / _STUDY
        if not path.exists():
            return
        try:
            found = json.loads(path.read_text())["key"]
        except (ValueError, KeyError, TypeError) as error:
            raise FileError(f"'{path}' is damaged. Delete the folder, or choose another one.") from error
        if found != key:
            raise ConfigError(
                f"a study must be resumed with the data and settings it began with; those of '{self.folder}' differ. "
                "Run it without resuming to start anew, or choose another folder."
            )


def _facts(result: SplitResult) -> dict[str, Any]:
    facts = {name: getattr(result, name) for name in _OF_A_SPLIT}
    facts["decision"] = result.decision.to_dict("list")
    facts["curve"] = [{name: getattr(point, name) for name in _OF_A_POINT} for point in result.curve]
    facts["learners"] = [
        {
            **{name: getattr(learner, name) for name in ("name", "n_rows", "seconds", "parameters", "folder")},
            "history": learner.history.to_dict("list"),
            "quality": learner.quality.to_dict("list"),
            "columns": learner.columns,
        }
        for learner in result.learners
    ]
    return facts


def _result(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> SplitResult:
    learners = tuple(
        LearnerRecord(
            **{name: learner[name] for name in ("name", "n_rows", "seconds", "parameters", "folder")},
            history=pd.DataFrame(learner["history"]),
            quality=pd.DataFrame(learner["quality"]),
            real=arrays[f"real/{number}"],
            synthetic=arrays[f"synthetic/{number}"],
            columns=_columns(learner.get("columns")),
        )
        for number, learner in enumerate(facts.pop("learners"))
    )
    points = enumerate(facts.pop("curve", []))  # studies of before have none
    curve = tuple(CurvePoint(**point, blocks=arrays[f"curve/{number}"]) for number, point in points)
    found: dict[str, Any] = {"blocks": _under("blocks/", arrays), "recalls": _under("recalls/", arrays), "curve": curve}
    learned = facts.pop("learned", None)
    found["learned"] = None if learned is None else tuple(learned)
    found["replicates"] = _by_arm(_under("replicates/", arrays))
    return SplitResult(**{**facts, "decision": pd.DataFrame(facts["decision"])}, **found, learners=learners)


def _columns(facts: dict[str, Any] | None) -> ColumnFigures | None:
    return None if facts is None else ColumnFigures.from_facts(facts)


def _under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _by_arm(replicates: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Return replicates, named ``metric/arm``, by arm and metric; an arm's name may have a stroke, no metric's has."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, values in replicates.items():
        metric, _, arm = name.partition("/")
        found.setdefault(arm, {})[metric] = values
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    return asdict(value) if hasattr(value, "__dataclass_fields__") else str(value)
