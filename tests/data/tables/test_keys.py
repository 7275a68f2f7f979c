"""Columns that tell rows apart are found, and new keys are none of the old."""

import numpy as np
import pandas as pd
import pytest
import torch

from synthaug.data.container import unwrap
from synthaug.data.tables import fit_table_codec

N = 40
WORDS = [f"name {number}" for number in range(N)]
KEYS = {
    "patient_id": np.arange(N),
    "ID": np.arange(N)[::-1] * 17,
    "recordId": np.arange(N, dtype=np.int32),
    "visit_id": np.where(np.arange(N) == 3, np.nan, np.arange(N)),
    "sparse_id": pd.arrays.SparseArray(np.arange(N)),
    "uuid": WORDS,
    "surname": [*WORDS[:-2], WORDS[0], "Müller"],
    "note": pd.Series([None, *WORDS[1:]], dtype=object),
}
NO_KEYS = {
    "age": np.arange(N),
    "paid": np.arange(N),
    "valid": np.arange(N),
    "ward_id": np.arange(N) % 7,
    "weight_id": np.arange(N) / 7,
    "small_id": np.arange(N, dtype=np.int8),
    "narrow_id": np.arange(N, dtype=np.float16),
    "word": ["a", "b"] * 20,
    "half": [*WORDS[:30], *WORDS[:10]],
    "grade": pd.Categorical(WORDS),
}


def codec_of(frame):
    return fit_table_codec(*unwrap(frame))


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_found_and_none_comes_again(name):
    """Names, numbers that are named as keys: drawn ones are new, all different, and of the column's type."""
    frame = pd.DataFrame({"age": np.arange(N) % 9, name: KEYS[name]})
    codec = codec_of(frame)
    assert codec.key_columns == [name]
    drawn = pd.concat([codec.decode(codec.encode(frame), first_row=first) for first in (0, N, 2**62)])[name]
    assert drawn.dtype == frame[name].dtype
    assert not set(drawn.dropna()) & set(frame[name].dropna())
    assert drawn.dropna().is_unique
    assert drawn.isna().sum() == 3 * frame[name].isna().sum()


@pytest.mark.parametrize("name", NO_KEYS)
def test_other_columns_are_learned(name):
    """Ages, grades and numbers that repeat, fractions, types too small to hold new keys."""
    assert codec_of(pd.DataFrame({name: NO_KEYS[name]})).key_columns == []


def test_few_rows_have_no_keys():
    """Of less than twenty rows nobody knows whether words merely happen to differ."""
    assert codec_of(pd.DataFrame({"name": WORDS[:19]})).key_columns == []
    assert codec_of(pd.DataFrame({"name": WORDS[:20]})).key_columns == ["name"]


def test_keys_of_keys_are_new_too():
    """A table that holds drawn keys already gets others."""
    frame = pd.DataFrame({"age": np.arange(N) % 9, "name": WORDS})
    codec = codec_of(frame)
    once = codec.decode(codec.encode(frame))
    again = codec_of(once)
    assert not set(again.decode(again.encode(once))["name"]) & set(once["name"])


def test_arrays_without_names_have_keys_of_words_only():
    """A row of text is not kept; numbers without a name are numbers."""
    table = np.array([WORDS, list(range(N))], dtype=object).T
    assert fit_table_codec(*unwrap(table)).key_columns == [0]


def test_an_array_of_words_has_room_for_longer_keys():
    """A new key is not cut to the length of the longest word."""
    codec = fit_table_codec(*unwrap(np.array([WORDS, WORDS]).T))
    assert len(set(codec.decode(torch.zeros(3, 1))[:, 0].tolist())) == 3
