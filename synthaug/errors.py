"""The errors and warnings that synthaug raises.

::

    SynthaugError
    ├── ConfigError    (ValueError)    a setting that cannot be
    ├── ShapeError     (ValueError)    rows of the wrong shape, layout, range or kind
    │   └── CellError  (TypeError)     a cell of a table that holds neither a number nor a word
    ├── LabelError     (ValueError)    labels missing, unknown, or too few to learn from
    ├── FileError      (OSError)       a file that is damaged, foreign, newer, or cannot be written
    ├── DivergedError  (RuntimeError)  training met a value that is not finite
    └── ConstraintError  (ValueError)  training rows break a rule, or no rows that keep it can be drawn

    SynthaugWarning (UserWarning)
    ├── NoRowsAddedWarning    a transformer cannot add rows
    ├── SmallClassWarning     a class too small to learn from gets no synthetic row
    ├── ShortfallWarning      selection could not fill what was asked
    ├── KeyColumnWarning      a column numbers or names the rows, so that its values are made anew
    ├── UnseenValueWarning    rows of a table hold what no training row held
    ├── BudgetWarning         a time limit or a full disk cut something short
    ├── LeakWarning           rows are scored that were learned from, or that are all but the same
    ├── IdentityWarning       a file may tell who somebody is, in its header or burnt into its pixels
    ├── SkippedFilesWarning   files that cannot be read were left out, and are listed
    ├── SyntheticFilesWarning files that are read are marked as synthetic, not as a patient's
    ├── TrainingWarning       training collapsed or diverged, and what was learned before is kept
    └── TrackingWarning       a tracker is away, and what it misses is kept to be sent later

A message reads *name must rule; got value (meaning). Remedy.*
"""

import difflib
from collections.abc import Iterable


class SynthaugError(Exception):
    """The root of every error that synthaug raises on purpose.

    Examples
    --------
    >>> from synthaug.errors import ConfigError, SynthaugError
    >>> issubclass(ConfigError, SynthaugError) and issubclass(ConfigError, ValueError)
    True
    """


class ConfigError(SynthaugError, ValueError):
    """A setting that cannot be: an unknown name, an impossible value, a missing device."""


class ShapeError(SynthaugError, ValueError):
    """Rows whose shape, layout, range or kind does not fit."""


class CellError(ShapeError, TypeError):
    """A cell of a table that holds a list, a dictionary or another object, in the place of a number or a word."""


class LabelError(SynthaugError, ValueError):
    """Labels that are missing, unknown, or too few to learn from."""


class FileError(SynthaugError, OSError):
    """A file or folder that is damaged, foreign, newer than this version, or cannot be written."""


class DivergedError(SynthaugError, RuntimeError):
    """Training met a value that is not finite."""


class ConstraintError(SynthaugError, ValueError):
    """Training rows break a constraint, or too few of the rows drawn keep it."""


class SynthaugWarning(UserWarning):
    """The root of every warning of synthaug.

    Examples
    --------
    >>> import warnings
    >>> from synthaug import SynthaugWarning
    >>> warnings.simplefilter("error", SynthaugWarning)  # whatever synthaug warns of shall stop the script
    """


class NoRowsAddedWarning(SynthaugWarning):
    """A transformer inside a plain pipeline cannot add rows."""


class SmallClassWarning(SynthaugWarning):
    """A class has too few rows: it gets no synthetic row, or a split of a study holds none of it."""


class ShortfallWarning(SynthaugWarning):
    """Selection accepted fewer rows than were asked for and filled up with the best of the rest."""


class KeyColumnWarning(SynthaugWarning):
    """A column of a table tells rows apart (names, patients' numbers): nothing is learned of it, new keys are made.

    Or its type can hold no new ones, and those of the training rows are drawn again.
    """


class UnseenValueWarning(SynthaugWarning):
    """Rows of a table hold a category, or lack a value, as no training row did."""


class BudgetWarning(SynthaugWarning):
    """A limit of time or of disk cut something short."""


class LeakWarning(SynthaugWarning):
    """Rows that are scored are rows that were learned from, so that the score flatters."""


class IdentityWarning(SynthaugWarning):
    """A file's header, or an area of its pixels, may tell who a patient is. Tags are named, their values never."""


class SkippedFilesWarning(SynthaugWarning):
    """Files that cannot be read were left out of a data set; a list says which and why."""


class SyntheticFilesWarning(SynthaugWarning):
    """Files that are read as real are marked as synthetic: what is learned from or tested on them shows no patient."""


class TrainingWarning(SynthaugWarning):
    """Training collapsed or diverged; the best weights of before are kept."""


class TrackingWarning(SynthaugWarning):
    """A tracker is away or refuses; what it misses is kept, to be sent later."""


def unknown_word(name: str, got: object, known: Iterable[str]) -> ConfigError:
    """Return the error for a word that is not in a list, with the nearest one that is.

    Parameters
    ----------
    name
        What the word is for, such as ``"generator"``.
    got
        The word that came.
    known
        The words that are accepted.

    Examples
    --------
    >>> print(unknown_word("generator", "cgn", ["auto", "cgan"]))
    generator must be one of auto, cgan; got 'cgn'. Did you mean 'cgan'?
    """
    words = list(known)
    near = difflib.get_close_matches(str(got), words, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ConfigError(f"{name} must be one of {', '.join(words)}; got {got!r}.{hint}")
