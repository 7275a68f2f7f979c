"""The training page: whole with every learner, silent about training rows, and of one piece."""

import base64
import io
import json
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from synthaug import CGAN, LatentGAN, SyntheticAugmenter, training_page
from synthaug.augment.diagnosis import Finding
from synthaug.augment.model_files import _checksum
from synthaug.data.schema import Schema
from synthaug.errors import FileError
from synthaug.experiment.pictures import as_pixels
from synthaug.experiment.training_page import training_html
from synthaug.experiment.training_parts import findings_part, losses_part, quality_part, snapshots_part, walks_part
from synthaug.generators import GENERATORS
from synthaug.statistics.units import NOT_THERE

NETWORKED = {name: make for name, make in GENERATORS.items() if "batch_size" in make().get_params()}
EVIL = "<script>alert('x')</script>"


class Tags(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close in order."""

    VOID = ("meta", "line", "circle", "path", "img", "br", "source")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def sections(self) -> list[str]:
        return [str(attributes["id"]) for tag, attributes in self.tags if tag == "section"]


class Echo(BaseEstimator):
    """A third party's learner with what the protocol asks for and nothing more: it draws noise around the mean."""

    def fit(self, x: torch.Tensor, y: torch.Tensor, *, schema: Schema, seed: int, on_step: Any, limits: Any) -> Self:
        self.mean_, self.was_cut_ = x.mean(0), False
        return self

    def draw(self, labels: torch.Tensor, seed: int) -> torch.Tensor:
        stream = torch.Generator().manual_seed(seed)
        return self.mean_ + torch.randn(len(labels), *self.mean_.shape, generator=stream)

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        return {"mean": self.mean_}, {}

    def from_state(self, tensors: dict[str, torch.Tensor], facts: dict[str, Any], schema: Schema) -> Self:
        self.mean_, self.was_cut_ = tensors["mean"], False
        return self


def learned(learner: Any, X: Any, y: Any) -> SyntheticAugmenter:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SyntheticAugmenter(learner, selection="none", random_state=0).fit(X, y)


@pytest.fixture(scope="module")
def pictures() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).integers(0, 256, size=(36, 8, 8), dtype=np.uint8)
    return X, np.repeat(["a", "b", EVIL], 12)


@pytest.fixture(scope="module")
def augmenter(pictures: tuple[np.ndarray, np.ndarray]) -> SyntheticAugmenter:
    return learned(CGAN(n_steps=60, batch_size=8, noise_dim=4, width=4), *pictures)


@pytest.mark.parametrize("name", NETWORKED)
def test_every_learner_has_a_page(name: str, pictures: tuple[np.ndarray, np.ndarray]):
    """The page closes every tag and has losses, quality and the same noise over time, whoever learned."""
    page = Tags(training_html(learned(GENERATORS[name](n_steps=26, batch_size=8, width=4), *pictures)))
    assert page.sections() == ["snapshots", "looks", "losses", "walks", "quality", "read"]


@pytest.mark.parametrize("name", NETWORKED)
def test_rows_without_labels_have_a_page(name: str, pictures: tuple[np.ndarray, np.ndarray]):
    """All rows are one set: strips, walks, quality and findings call it so, and no class of some name."""
    fitted = learned(GENERATORS[name](n_steps=26, batch_size=8, width=4), pictures[0][:3], None)
    page = Tags(training_html(fitted))
    assert page.sections() == ["snapshots", "looks", "losses", "walks", "quality", "read"]
    for part in (snapshots_part(fitted), walks_part(fitted)):
        assert [row["name"] for row in part["rows"]] == ["all rows"]
    ((place, values),) = quality_part(fitted)["rows"]
    assert place == "all rows"
    assert NOT_THERE not in values
    assert "Too few rows (all rows): 3 training rows" in page.text
    alts = [str(attributes["alt"]) for tag, attributes in page.tags if tag == "img"]
    assert not [text for text in (page.text, *alts) if re.search(r"class (None|nan|all)|\bnan\b", text)]


def test_page_of_a_gan_has_every_part(augmenter: SyntheticAugmenter):
    """Losses, critic accuracy, quality over time, snapshots, walks: all there."""
    page = Tags(training_html(augmenter))
    assert page.sections() == ["snapshots", "looks", "losses", "walks", "quality", "read"]
    assert "critic accuracy" in page.text


def test_page_asks_nothing_of_the_network_and_runs_nothing(augmenter: SyntheticAugmenter):
    """No script, no address but those that hold their content; a label that is code is shown as text."""
    html = training_html(augmenter)
    page = Tags(html)
    assert EVIL in page.text
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe")]
    addresses = [
        value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "srcset")
    ]
    assert addresses
    assert all(str(address).startswith("data:image/png;base64,") for address in addresses)
    assert "http://" not in html
    assert "https://" not in html


def test_animation_shows_the_snapshots(augmenter: SyntheticAugmenter):
    """Each frame's first picture is the first class's first snapshot of that look."""
    source = snapshots_part(augmenter)["animated"]
    snapshots = augmenter.snapshots_
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as read:
        assert read.n_frames == len(snapshots["steps"])
        for place, shown in enumerate(snapshots["images"]):
            read.seek(place)
            first = np.asarray(read.convert("RGBA"))[:8, :8, :1]
            np.testing.assert_array_equal(first, as_pixels(augmenter.codec_.encode(shown[:1]))[0])


def test_every_class_has_a_strip_and_a_walk(augmenter: SyntheticAugmenter):
    """A strip over time and a walk for each class, under its label, in order."""
    for part in (snapshots_part(augmenter), walks_part(augmenter)):
        assert [row["name"] for row in part["rows"]] == augmenter.classes_.tolist()
        assert part["more"] == 0


def test_many_classes_are_shown_in_part():
    """Ten classes are shown and the page says how many are not."""
    X = np.random.default_rng(0).integers(0, 256, size=(24, 8, 8), dtype=np.uint8)
    page = Tags(training_html(learned(CGAN(n_steps=26, batch_size=4, width=4), X, np.arange(24) // 2)))
    assert page.text.count("2 more classes are not shown") == 2


def test_third_party_learner_has_a_page(pictures: tuple[np.ndarray, np.ndarray]):
    """A learner that logs nothing, shows nothing and cannot walk leaves those parts out."""
    assert Tags(training_html(learned(Echo(), *pictures))).sections() == ["quality", "read"]


def test_table_has_a_page(table: tuple[np.ndarray, np.ndarray]):
    """Rows of a table are no pictures: curves and quality are there, snapshots and walks are not."""
    page = Tags(training_html(learned(LatentGAN(n_steps=26, batch_size=8, width=4), *table)))
    assert not {"snapshots", "walks"} & set(page.sections())
    assert "losses" in page.sections()


def test_loaded_augmenter_has_a_page(augmenter: SyntheticAugmenter, tmp_path: Path):
    """What was saved is shown: losses and quality, not the pictures of training."""
    augmenter.save(tmp_path / "model")
    sections = Tags(training_html(SyntheticAugmenter.load(tmp_path / "model"))).sections()
    assert "losses" in sections
    assert "snapshots" not in sections


def test_a_model_without_a_diagnosis_is_not_called_fine(augmenter: SyntheticAugmenter, tmp_path: Path):
    """Of a model that was saved before there were findings, the page says that none are known; so after saving it."""
    augmenter.save(tmp_path)
    facts = json.loads((tmp_path / "model.json").read_text())
    del facts["diagnosis"], facts["sha256"]
    facts["sha256"] = _checksum((tmp_path / "model.safetensors").read_bytes(), facts)
    (tmp_path / "model.json").write_text(json.dumps(facts))
    old = SyntheticAugmenter.load(tmp_path)
    old.save(tmp_path / "again")
    for model in (old, SyntheticAugmenter.load(tmp_path / "again")):
        assert model.diagnosis_ is None
        assert [part["style"] for part in findings_part(model)] == ["flat"]
        assert "Whether anything went wrong is not known" in Tags(training_html(model)).text


def test_findings_lead_the_page_and_kinds_are_told_once(augmenter: SyntheticAugmenter):
    """The gravest first; of several findings of a kind one is told and the others are folded away."""
    weak = [Finding("wrong class", f"class {i}", f"{i} % are taken", "Learn longer.") for i in range(3)]
    kept = augmenter.diagnosis_
    augmenter.diagnosis_ = [*weak, Finding("not finished", "the run", "it still fell", "Learn longer.")]
    found = findings_part(augmenter)
    augmenter.diagnosis_ = []
    fine = findings_part(augmenter)
    augmenter.diagnosis_ = kept
    assert [(part["text"][:11], len(part["others"])) for part in found] == [("Wrong class", 2), ("Not finishe", 0)]
    assert [part["style"] for part in fine] == ["helps"]


def test_terms_that_are_not_finite_are_left_out(augmenter: SyntheticAugmenter):
    """A column with a hole cannot be drawn; the others are."""
    kept = augmenter.history_
    augmenter.history_ = kept.assign(broken=np.nan)
    panels = losses_part(augmenter)
    augmenter.history_ = kept
    assert [panel["term"] for panel in panels] == [panel["term"] for panel in losses_part(augmenter)]
    assert panels[-1]["term"] == "critic accuracy"


def test_page_is_written_whole(augmenter: SyntheticAugmenter, tmp_path: Path):
    """The folder is made, the path comes back, and the same learner gives the same bytes."""
    path = training_page(augmenter, tmp_path / "deep" / "page.html")
    first = path.read_bytes()
    assert training_page(augmenter, str(path)).read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


def test_page_asks_for_a_fitted_augmenter():
    """What has not learned has nothing to show."""
    with pytest.raises(NotFittedError, match="not fitted yet"):
        training_html(SyntheticAugmenter())


def test_folder_that_cannot_be_made_is_named(augmenter: SyntheticAugmenter, tmp_path: Path):
    """A file in the place of the folder is a FileError with its path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"folder must be writable; got '.*file'"):
        training_page(augmenter, tmp_path / "file" / "page.html")
