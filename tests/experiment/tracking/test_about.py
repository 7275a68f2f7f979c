import pytest
from pydantic import ValidationError

from synthaug.errors import ConfigError
from synthaug.experiment.sections import TrackingConfig
from synthaug.experiment.tracking.about import check_register_as

REFUSED = ["a/b", "a:b", "it's", 'say "x"', "a`b", "a\\b", ""]


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_mlflow_refuses_are_refused_before(name):
    """Such a name of a registered model is an error in a pipeline and in a call, before anything runs."""
    with pytest.raises(ConfigError, match="register_as must be a name without"):
        check_register_as(name)
    with pytest.raises(ValidationError, match="register_as"):
        TrackingConfig(register_as=name)


@pytest.mark.parametrize("name", ["digits", "digits learner", "digits-v2.1", "Ziffern ä", None])
def test_other_names_pass(name):
    """Any other name, or none, is kept as it is."""
    assert check_register_as(name) == name == TrackingConfig(register_as=name).register_as
