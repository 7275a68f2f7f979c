"""Studies in MLflow: a run for the study, beneath it one for each arm, beneath those one for each learner.

============  ===========================================================
``study``     what a study logs and when: `track_study`, `TrackedStudy`
``records``   its records as plain names, numbers and pictures
``address``   where MLflow keeps runs and how to see them: `ui_command`
``client``    the calls to MLflow; the only file that imports it
============  ===========================================================
"""

from synthaug.experiment.tracking.address import ui_command
from synthaug.experiment.tracking.study import TrackedStudy, track_study

__all__ = ["TrackedStudy", "track_study", "ui_command"]
