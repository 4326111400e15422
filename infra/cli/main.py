"""``leadloop``: the command line.

Each command, or group of related ones, is a module here with a function ``register(app)`` that adds it; it
is called by one line below. Such a module imports nothing heavy when it is loaded: pandas, mlflow, prefect
and our own packages that need them are imported inside the command, so that ``leadloop --help`` stays quick
(a test watches over that).

A command raises :class:`~estate.core.errors.LeadloopError` for everything that a person can mend; it is
printed as one sentence, and the exit code is 1. Wrong usage exits with 2, by Typer. Any other exception is
a mistake of ours: it is shown in full, with where the logs are.
"""

from __future__ import annotations

import sys
import traceback

import typer

from estate.core.errors import LeadloopError
from infra.cli import (
    api_keys,
    bands,
    churn,
    data,
    doctor,
    down,
    events,
    extract,
    features,
    forget,
    history,
    incidents,
    keys,
    labels,
    leads,
    ledger,
    matches,
    quality,
    rebuild,
    registry,
    rehearse,
    reports,
    requests,
    scoring,
    status,
    training,
    up,
    watch,
)

app = typer.Typer(
    help="Keep the models of a real-estate lead desk honest and fresh.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

up.register(app)
down.register(app)
status.register(app)
doctor.register(app)
data.register(app)
extract.register(app)
features.register(app)
events.register(app)
forget.register(app)
labels.register(app)
leads.register(app)
training.register(app)
rebuild.register(app)
requests.register(app)
registry.register(app)
history.register(app)
ledger.register(app)
keys.register(app)
api_keys.register(app)
scoring.register(app)
matches.register(app)
watch.register(app)
quality.register(app)
bands.register(app)
reports.register(app)
incidents.register(app)
rehearse.register(app)
churn.register(app)


def main() -> None:
    """Run one command; the entry point of the package."""
    try:
        app()
    except LeadloopError as error:
        print(f"leadloop: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        print(f"leadloop: this is a mistake in Leadloop, not yours. Logs: {_logs()}", file=sys.stderr)
        sys.exit(1)


def _logs() -> str:
    from estate.core.settings import load_settings

    try:
        return str(load_settings().home.resolve() / "logs")
    except LeadloopError:
        return "<LEADLOOP_HOME>/logs"


if __name__ == "__main__":
    main()
