"""Studies in MLflow: a run for the study, beneath it one for each arm, beneath those one for each learner.

A study's folder is its record; MLflow holds a copy, which is brought up to date whenever it can be reached.

===============  ==============================================================================
``mirror``       a study's folder, copied to MLflow as it grows and afterwards: `Mirror`
``callback``     a learner's steps, or those of any loop: `MlflowCallback`
``opening``      a study tracked by hand: `track_study`; a finished one: `log_comparison`
``study``        what a study logs and when: `TrackedStudy`
``destination``  where a study's folder is sent, written into the folder first
``about``        what a study says of itself, and where
``origin``       versions and git commit, as tags
``records``      its records as plain names, numbers and pictures
``verdicts``     what a finished study shows: words, tables, the page of its arms
``address``      where MLflow keeps runs and how to see them: `ui_command`
``quiet``        MLflow's noise, telemetry and patience
``client``       the calls to MLflow; the only file that imports it
===============  ==============================================================================
"""

from synthaug.experiment.tracking.address import ui_command
from synthaug.experiment.tracking.callback import MlflowCallback
from synthaug.experiment.tracking.destination import (
    begin_tracking,
    describe_rows,
    note_untracked,
    read_destination,
)
from synthaug.experiment.tracking.mirror import Mirror, locked, mirrored
from synthaug.experiment.tracking.opening import log_comparison, track_study
from synthaug.experiment.tracking.study import TrackedStudy

__all__ = [
    "MlflowCallback",
    "Mirror",
    "TrackedStudy",
    "begin_tracking",
    "describe_rows",
    "locked",
    "log_comparison",
    "mirrored",
    "note_untracked",
    "read_destination",
    "track_study",
    "ui_command",
]
