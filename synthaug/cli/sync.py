"""``sync``: send to MLflow what it missed of a study."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthaug.cli.options import Json
from synthaug.cli.terminal import print_json, quiet_stdout, say
from synthaug.errors import FileError

if TYPE_CHECKING:
    from synthaug.experiment.sync import Synced


def sync(
    folder: Annotated[Path, typer.Argument(help="A study's folder, such as runs/digits.")],
    uri: Annotated[str | None, typer.Option(help="Another address than the study's own.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Another experiment than the study's own.")] = None,
    json: Json = False,
) -> None:
    """Send to MLflow what it missed of a study; what it holds is not sent again."""
    from dataclasses import asdict

    from synthaug.experiment.tracking import ui_command

    with quiet_stdout(json):
        sent = _sent(folder, uri, experiment)
    if json:
        print_json({**asdict(sent), "open": ui_command(sent.uri)})
        return
    say(_words(sent, folder))
    say(f"MLflow   {ui_command(sent.uri, page=sent.page)}")


def _sent(folder: Path, uri: str | None, experiment: str | None) -> "Synced":
    """Return what was sent; a tracker that is away becomes an error of synthaug."""
    from synthaug.errors import SynthaugError
    from synthaug.experiment.sync import sync as send
    from synthaug.experiment.tracking.client import failures

    try:
        return send(folder, uri=uri, experiment=experiment)
    except SynthaugError:
        raise
    except failures() as error:
        raise FileError(
            f"the tracker must be reachable; got {type(error).__name__}: {' '.join(str(error).split())[:200]}. "
            "Nothing is lost: say the same again when it is back."
        ) from error


def _words(sent: "Synced", folder: Path) -> str:
    if sent.n_sent == 0 and not sent.summary_sent:
        return f"nothing is missing: {sent.uri} holds all {sent.n_finished} finished splits of {folder}"
    if sent.n_sent == 0:
        return f"sent the verdicts and the report to {sent.uri}, which holds all {sent.n_finished} splits of {folder}"
    verdicts = " and the verdicts" if sent.summary_sent else ""
    words = f"sent {sent.n_sent} of {sent.n_finished} splits{verdicts} to {sent.uri}"
    unfinished = f"; {sent.n_splits - sent.n_finished} splits are not finished: synthaug run ... --resume"
    return words + (unfinished if sent.n_finished < sent.n_splits else "")
