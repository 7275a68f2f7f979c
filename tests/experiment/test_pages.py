"""The report and the training page in a real browser: no complaint, nothing too wide or too pale, nothing asked for."""

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthaug import CGAN, SyntheticAugmenter, training_page
from synthaug.experiment.comparison import Comparison
from synthaug.experiment.dossier import dossier_html
from synthaug.experiment.dossier_card import model_card
from synthaug.experiment.dossier_evidence import gather
from synthaug.experiment.report import write_report

PAPER = "getComputedStyle(document.body).backgroundColor"
PALE = """
(() => {
  const light = c => c.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const read = text => text.match(/[\\d.]+/g).map(Number);
  const behind = e => { const c = read(getComputedStyle(e).backgroundColor);
    return c.length < 4 || c[3] > 0 ? c.slice(0, 3) : behind(e.parentElement); };
  const said = e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim());
  return [...document.body.querySelectorAll('*')].filter(e => said(e) && e.checkVisibility()).map(e => {
    const [a, b] = [light(read(getComputedStyle(e).color).slice(0, 3)), light(behind(e))].sort((x, y) => y - x);
    return [(a + .05) / (b + .05), e.outerHTML.slice(0, 120)];
  }).filter(([ratio]) => ratio < 4.5);
})()
"""
CUT = """
[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && !e.closest('.scroll, svg')
  && e.getBoundingClientRect().right > innerWidth + .5).map(e => e.outerHTML.slice(0, 120))
"""
WIDTH = "document.documentElement.scrollWidth"


def a_report(path: Path, study: Comparison) -> None:
    """Write a report with everything in it, many columns, and words that do not break."""
    quality = study.splits[0].learners[0].quality
    wide = pd.concat([quality, *[quality.assign(metric=quality["metric"] + f"_{k}") for k in range(3)]])
    learners = (replace(study.splits[0].learners[0], quality=wide),)
    splits = tuple(replace(split, explanation="long" * 60, learners=learners) for split in study.splits)
    settings = study.settings | {"estimator": "Long" * 60}
    write_report(replace(study, splits=splits, settings=settings), path, include_real_rows=True)


def a_training_page(path: Path, study: Comparison) -> None:
    """Write how a small learner learned two classes, one of them with a word that does not break."""
    X = np.random.default_rng(0).integers(0, 256, size=(24, 8, 8), dtype=np.uint8)
    y = np.repeat(["a", "long" * 20], 12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a learner of 26 steps has much to be warned of
        augmenter = SyntheticAugmenter(CGAN(n_steps=26, batch_size=8, width=4), selection="none", random_state=0)
        training_page(augmenter.fit(X, y), path)


def a_dossier(path: Path, study: Comparison) -> None:
    """Write a dossier of a table with everything in it, and words that do not break."""
    facts = {"include_real_rows": False, "environment": {"python": "3.11", "long" * 20: "1"}}
    evidence = gather(replace(study, class_names=("a", "long" * 20)), path.parent, facts)
    path.write_text(dossier_html(evidence, model_card(evidence)))


def of_long_classes(path: Path, study: Comparison) -> None:
    """Write the report of a study of classes with long names."""
    names = (
        "Invasive lobular carcinoma of the breast, left, stage II B",
        "Pneumonoultramicroscopicsilicovolcanoconiosis",
    )
    learner = study.splits[0].learners[0]
    quality = learner.quality.replace({"class": dict(zip(("a", "b"), names, strict=True))})
    splits = tuple(replace(split, learners=(replace(learner, quality=quality),)) for split in study.splits)
    write_report(replace(study, class_names=names, splits=splits), path, include_real_rows=True)


PAGES = {
    "report": a_report,
    "training": a_training_page,
    "table": a_report,
    "dossier": a_dossier,
    "long": of_long_classes,
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, study: Comparison, table_study: Comparison) -> dict[str, Path]:
    """The pages with every part opened."""
    folder = tmp_path_factory.mktemp("pages")
    paths = {name: folder / f"{name}.html" for name in PAGES}
    for name, path in paths.items():
        PAGES[name](path, table_study if name in ("table", "dossier") else study)
        path.write_text(path.read_text().replace("<details", "<details open"))
    return paths


@pytest.fixture
def page(pages: dict[str, Path]) -> Path:
    """The report."""
    return pages["report"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone_and_a_desk(browser, pages: dict[str, Path], name: str, width: int, dark: bool):
    """Nothing is wider than the window, nothing is complained about, no other file is asked for."""
    browser.open(pages[name], width=width, dark=dark)
    assert browser.run(WIDTH) == width
    assert browser.run(CUT) == []
    assert browser.complaints == []
    assert {address for address in browser.asked_for if not address.startswith("data:")} == {pages[name].as_uri()}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_words_stand_out_from_what_is_behind_them(browser, pages: dict[str, Path], name: str, dark: bool):
    """Every text has a contrast of 4.5 to 1 at least (WCAG 2.2, level AA), in light and in dark."""
    browser.open(pages[name], width=1280, dark=dark)
    assert browser.run(PALE) == []


def test_dark_scheme_is_dark(browser, page: Path):
    """The paper is light or dark as the reader's system asks for."""
    shades = []
    for dark in (False, True):
        browser.open(page, width=1280, dark=dark)
        shades.append(np.mean([int(part) for part in re.findall(r"\d+", browser.run(PAPER))]))
    assert shades[0] > 240
    assert shades[1] < 40


def test_paper_is_white_and_wide_enough(browser, page: Path):
    """On paper a dark reader's report is white too, nothing is cut at A4's width, what was shut is open."""
    closed = page.with_name("closed.html")
    closed.write_text(page.read_text().replace("<details open", "<details"))
    browser.open(closed, width=717, dark=True, media="print")
    assert browser.run(PAPER) == "rgb(255, 255, 255)"
    assert browser.run(WIDTH) == 717
    assert browser.run("document.querySelector('#scores details table').checkVisibility()")
    assert browser.paper().startswith(b"%PDF")


def test_a_complaint_would_be_noticed(browser, tmp_path: Path):
    """A page with an error, a wide part and pale words fails the same checks."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><main><p style='width:2000px;color:#ddd;background:#fff'>pale</p></main>"
        "<script>console.error('x')</script>"
    )
    browser.open(bad, width=390)
    assert browser.run(WIDTH) > 390
    assert len(browser.run(CUT)) == 1
    assert len(browser.run(PALE)) == 1
    assert len(browser.complaints) == 1
