"""What a study ran on."""

import platform

from synthaug.experiment.environment import environment


def test_versions_name_no_machine():
    """Programs and the system's kind are named, the machine is not."""
    found = environment()
    assert {"python", "system", "synthaug", "torch", "numpy", "scikit-learn"} <= set(found)
    assert platform.node() not in found.values()
