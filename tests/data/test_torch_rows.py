"""Reading a torch Dataset: every known form, once and in order, and every unknown one refused with its index."""

import collections
import json
import random
from dataclasses import asdict

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from synthaug.data.item_format import ItemFormat, plain_template, read_format, read_template
from synthaug.data.torch_rows import read_rows
from synthaug.errors import ConfigError, LabelError, ShapeError

Pair = collections.namedtuple("Pair", ["image", "label"])
Swapped = collections.namedtuple("Swapped", ["target", "img"])
PIXELS = np.random.default_rng(0).integers(0, 256, size=(5, 8, 9), dtype=np.uint8)
COLOURS = np.random.default_rng(0).integers(0, 256, size=(5, 8, 9, 3), dtype=np.uint8)
NUMBERS = [2, 0, 2, 1, 0]

IMAGES = {
    "numpy": (PIXELS, lambda i: PIXELS[i]),
    "torch": (PIXELS, lambda i: torch.from_numpy(PIXELS[i])),
    "torch float": (PIXELS[:, None] / 255, lambda i: torch.from_numpy(PIXELS[i][None] / 255)),
    "torch half": (PIXELS.astype(np.float16), lambda i: torch.from_numpy(PIXELS[i]).half()),
    "pil grey": (PIXELS, lambda i: Image.fromarray(PIXELS[i])),
    "pil colour": (COLOURS, lambda i: Image.fromarray(COLOURS[i])),
    "pil 16 bit": (PIXELS.astype(np.uint16) * 200, lambda i: Image.fromarray(PIXELS[i].astype(np.uint16) * 200)),
}
LABELS = {
    "int": (NUMBERS, lambda i: NUMBERS[i]),
    "bool": ([n > 0 for n in NUMBERS], lambda i: NUMBERS[i] > 0),
    "float": ([float(n) for n in NUMBERS], lambda i: float(NUMBERS[i])),
    "text": ([f"class {n}" for n in NUMBERS], lambda i: f"class {NUMBERS[i]}"),
    "numpy scalar": (NUMBERS, lambda i: np.int16(NUMBERS[i])),
    "numpy text": ([f"class {n}" for n in NUMBERS], lambda i: np.str_(f"class {NUMBERS[i]}")),
    "array": (NUMBERS, lambda i: np.array(NUMBERS[i])),
    "array of one": (NUMBERS, lambda i: np.array([NUMBERS[i]])),
    "tensor": (NUMBERS, lambda i: torch.tensor(NUMBERS[i])),
    "tensor of one": (NUMBERS, lambda i: torch.tensor([NUMBERS[i]])),
}
FORMS = {
    "tuple": lambda image, label: (image, label),
    "list": lambda image, label: [image, label],
    "more": lambda image, label: (image, label, "more", None),
    "namedtuple": Pair,
    "swapped names": lambda image, label: Swapped(label, image),
    "image and label": lambda image, label: {"id": 3, "image": image, "label": label},
    "pixel_values and labels": lambda image, label: {"pixel_values": image, "labels": label},
    "img and target": lambda image, label: {"target": label, "img": image},
    "x and y": lambda image, label: {"x": image, "y": label},
}


class Rows(Dataset):
    """Five rows, which remember in which order they were asked for."""

    def __init__(self, item):
        self.item, self.asked = item, []

    def __len__(self):
        return 5

    def __getitem__(self, index):
        self.asked.append(index)
        return self.item(index)


class Stream(IterableDataset):
    """The same rows as a stream without a length."""

    def __init__(self, item, n=5):
        self.item, self.n = item, n

    def __iter__(self):
        return (self.item(index % 5) for index in range(self.n))


def pair(index):
    return PIXELS[index], NUMBERS[index]


@pytest.mark.parametrize("name", IMAGES)
def test_images_come_as_they_are(name):
    """Values, layout and dtype are the items'; tensors make a tensor, everything else an array."""
    expected, image = IMAGES[name]
    rows = read_rows(Rows(lambda i: (image(i), NUMBERS[i])))
    assert isinstance(rows.X, torch.Tensor) == name.startswith("torch")
    assert rows.item_format.container == name.partition(" ")[0]
    np.testing.assert_array_equal(np.asarray(rows.X), expected)
    assert np.asarray(rows.X).dtype == np.asarray(image(0)).dtype


@pytest.mark.parametrize("name", LABELS)
def test_labels_come_as_plain_values(name):
    """Labels of any kind make an array of their values, and the format turns values back into that kind."""
    expected, label = LABELS[name]
    rows = read_rows(Rows(lambda i: (PIXELS[i], label(i))))
    assert rows.y.tolist() == expected
    again = rows.item_format.label_column(rows.y)[3]
    assert again == label(3)
    assert np.shape(again) == np.shape(label(3))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("kind", [Rows, Stream])
def test_every_form_is_read(name, kind):
    """Tuples, lists, namedtuples and dictionaries are read, from a map or a stream; a template builds the same form."""
    form = FORMS[name]
    rows = read_rows(kind(lambda i: form(*pair(i))))
    np.testing.assert_array_equal(rows.X, PIXELS)
    assert rows.y.tolist() == NUMBERS
    built = read_template(form(*pair(0))).build(*pair(1))
    assert type(built) is type(form(*pair(1)))
    if name not in ("more", "image and label"):
        assert str(built) == str(form(*pair(1)))


def test_each_row_is_read_once_in_order():
    """The dataset is asked for every index once, from the first to the last."""
    dataset = Rows(pair)
    read_rows(dataset)
    assert dataset.asked == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("n", [1, 255, 256, 257, 1000])
def test_streams_of_any_length(n):
    """A stream without a length is read to its end."""
    rows = read_rows(Stream(pair, n))
    assert len(rows.X) == len(rows.y) == n
    np.testing.assert_array_equal(rows.X[-1], PIXELS[(n - 1) % 5])


def test_known_length_is_allocated_once(monkeypatch):
    """Rows of known number go into one array of the final size."""
    monkeypatch.setattr(np, "concatenate", lambda *_: pytest.fail("the array grew"))
    rows = read_rows(Rows(pair))
    assert rows.X.base is None or len(rows.X.base) == 5


def test_wrong_length_does_not_matter():
    """A stream whose length is a guess is read whole, whether it is longer or shorter."""
    for guess in (2, 9):
        stream = type("Guessed", (Stream,), {"__len__": lambda _, n=guess: n})(pair)
        assert len(read_rows(stream).X) == 5


def test_plain_lists_and_generators_are_read():
    """Anything that hands out items is read."""
    assert len(read_rows([pair(i) for i in range(5)]).X) == 5
    assert len(read_rows(pair(i) for i in range(5)).X) == 5


def test_reading_leaves_global_streams_alone():
    """Reading draws nothing from the global random streams."""
    torch.manual_seed(0)
    before = torch.get_rng_state(), random.getstate()
    read_rows(Rows(pair))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


def test_format_fits_into_json():
    """A format is words and numbers, and comes back from JSON equal."""
    form = read_format((torch.zeros(1, 8, 8), torch.tensor([1])))
    again = ItemFormat(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(json.dumps(asdict(form))).items()}
    )
    assert again == form


def test_plain_template_holds_image_and_label_only():
    """Without a real item to copy, an item is a pair, or a dictionary of two."""
    assert plain_template(read_format((PIXELS[0], 1, "more"))).build("image", 0) == ("image", 0)
    assert plain_template(read_format({"x": PIXELS[0], "y": 1, "id": 3})).build("image", 0) == {"x": "image", "y": 0}


def test_templates_do_not_share_items():
    """Items built from one template are separate objects."""
    template = read_template({"image": PIXELS[0], "label": 1, "box": [1, 2]})
    first, second = template.build_all([PIXELS[0], PIXELS[1]], [0, 1])
    assert (first["label"], second["label"]) == (0, 1)


def one_odd(odd):
    return Rows(lambda i: odd if i == 3 else pair(i))


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        ([], ShapeError, "dataset must hold rows; got an empty one"),
        (7, ShapeError, "dataset must be a torch Dataset; got int"),
        (DataLoader(TensorDataset(torch.zeros(4, 8, 8))), ConfigError, r"got a DataLoader .* Pass loader.dataset"),
        (
            one_odd((PIXELS[0][:5], 1)),
            ShapeError,
            r"one shape; got \(8, 9\) at index 0 and \(5, 9\) at index 3. Resize",
        ),
        (
            one_odd((PIXELS[0] / 255, 1)),
            ShapeError,
            "one kind; got ndarray of uint8 at index 0 and .* float64 at index 3",
        ),
        (
            one_odd((torch.from_numpy(PIXELS[0]), 1)),
            ShapeError,
            "one kind; got ndarray .* and Tensor of uint8 at index 3",
        ),
        (
            one_odd(("file.png", 1)),
            ShapeError,
            "must be a numpy array, a torch tensor or a PIL image; got str at index 3",
        ),
        (one_odd({"image": 1}), ShapeError, r"one form, .* got a dictionary of \['image'\] at index 3"),
        (one_odd((PIXELS[0],)), ShapeError, "one form, .* got a tuple of 1 at index 3"),
        (one_odd((PIXELS[0], None)), LabelError, "every item must have a label; got None at index 3"),
        (one_odd((PIXELS[0], float("nan"))), LabelError, "every item must have a label; got nan at index 3"),
        (one_odd((PIXELS[0], np.eye(3)[0])), LabelError, r"one value .* got shape \(3,\) at index 3. One-hot"),
        (one_odd((PIXELS[0], [1, 2])), LabelError, r"one value .* got list \[1, 2\] at index 3"),
        (one_odd((PIXELS[0], "cat")), LabelError, "one type; got 2 at index 0 and 'cat' at index 3"),
        (Rows(lambda i: PIXELS[i]), LabelError, "every item must have a label; got ndarray at index 0"),
        (Rows(lambda i: (PIXELS[i],)), LabelError, "every item must have a label; got a tuple of 1"),
        (
            Rows(lambda i: {"image": PIXELS[i]}),
            LabelError,
            "the label under one of label, labels, .* Rename the key to 'label'",
        ),
        (
            Rows(lambda i: {"picture": PIXELS[i], "label": 1}),
            ShapeError,
            "the image under one of .* Rename the key to 'image'",
        ),
        (Rows(lambda i: "row"), ShapeError, "an item must be .* or a dictionary; got str"),
        (
            Rows(lambda i: (Image.fromarray(PIXELS[i]).convert("P"), 1)),
            ShapeError,
            r"mode 'P' at index 0. .*convert\('RGB'\)",
        ),
        (
            Rows(lambda i: (Image.fromarray(PIXELS[i]).convert("1"), 1)),
            ShapeError,
            r"mode '1' at index 0. .*convert\('L'\)",
        ),
        (
            Rows(lambda i: (torch.zeros(8, 8, dtype=torch.bfloat16), 1)),
            ShapeError,
            "numpy knows; got torch.bfloat16 at index 0",
        ),
    ],
)
def test_what_cannot_be_read_is_named(dataset, error, message):
    """Each way to be wrong has its message, with the index and the remedy."""
    with pytest.raises(error, match=message):
        read_rows(dataset)
