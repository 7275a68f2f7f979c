"""The gate: on the training rows alone, would added rows help this classifier? It may answer no.

==============  =====================================================================
``candidates``  what it tries, the simplest first
``trying``      inner folds: one learner a fold, every candidate's answers to the rest
``experience``  what such rows gain elsewhere, and what a measured gain is worth beside it
``rules``       which candidate is chosen
``telling``     the same in words
``choosing``    the decision: its table and its sentence
``pooling``     the inner learners as one source of synthetic rows
``deciding``    all of it together
==============  =====================================================================
"""

from synthaug.augment.gate.candidates import NOTHING, Candidates, auto_candidates
from synthaug.augment.gate.choosing import Decision
from synthaug.augment.gate.deciding import decide
from synthaug.augment.gate.pooling import PooledSource, final_plan
from synthaug.augment.gate.telling import sentence_without_gate
from synthaug.augment.gate.trying import Trial

__all__ = [
    "NOTHING",
    "Candidates",
    "Decision",
    "PooledSource",
    "Trial",
    "auto_candidates",
    "decide",
    "final_plan",
    "sentence_without_gate",
]
