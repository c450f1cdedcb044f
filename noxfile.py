"""The questions that this repository answers about itself, one session each.

`nox` asks them all; `nox -s tests` runs the tests. Every session works in `.venv`, which
`setup.sh` makes and keeps up to date, so nothing needs to be prepared and nothing is installed
twice.
"""

from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "imports", "tests", "requirements"]

_ROOT = Path(__file__).parent
_BIN = _ROOT / ".venv" / "bin"
_CHECKED = ("packages", "apps", "tests", "scripts", "benchmarks", "noxfile.py")
_WORKERS = "2"  # the machine that this must fit has two cores


def _run(session: nox.Session, program: str, *arguments: str) -> None:
    """Run one of `.venv`'s programs, after making sure of `.venv`."""
    session.run("sh", "setup.sh", "--dev", external=True, silent=False)
    session.run(str(_BIN / program), *arguments, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Is it written as we write? (ruff: rules and format)"""
    _run(session, "ruff", "check", *_CHECKED)
    _run(session, "ruff", "format", "--check", *_CHECKED)


@nox.session
def types(session: nox.Session) -> None:
    """Do the types fit? (mypy, strict, tests included)"""
    _run(session, "mypy", *_CHECKED)


@nox.session
def imports(session: nox.Session) -> None:
    """Does every import point downwards? (import-linter)"""
    _run(session, "lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """Does it work? What is skipped is printed with its reason. `nox -s tests -- -k name`."""
    arguments = session.posargs or ["-n", _WORKERS, "--dist", "worksteal"]
    _run(session, "python", "-m", "pytest", "-rs", *arguments)


@nox.session
def requirements(session: nox.Session) -> None:
    """Which rows of the requirements does a test prove? `nox -s requirements -- --help`."""
    _run(session, "python", "scripts/requirements.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """How fast is it, beside an anchor? `nox -s bench -- --only L2,L4`; rewrites the figures in
    docs/benchmarks.md."""
    _run(session, "python", "benchmarks/run.py", *session.posargs)


@nox.session
def notebook(session: nox.Session) -> None:
    """Does docs/research.ipynb still run? Keeps its new outputs; `-- --check` only compares."""
    _run(session, "python", "scripts/notebook.py", *session.posargs)


@nox.session
def simulate(session: nox.Session) -> None:
    """Is any order doubled or lost? `nox -s simulate -- --seed N --sessions 10000`."""
    _run(session, "python", "scripts/simulate.py", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """The same with real processes and SIGKILL: `nox -s chaos -- --kills 100`."""
    _run(session, "python", "-m", "scripts.chaos", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Do the tests notice defects in orders and risk? `nox -s mutants -- --only risk`."""
    _run(session, "python", "scripts/mutants.py", *session.posargs)


@nox.session
def rehearsal(session: nox.Session) -> None:
    """Would it survive its first five days? `nox -s rehearsal -- --days 3 --report FILE`."""
    _run(session, "python", "-m", "scripts.rehearsal", *session.posargs)


@nox.session
def real_prices(session: nox.Session) -> None:
    """Do ledger, database and fills agree after weeks of real prices? `-- --bars FILE.parquet`."""
    _run(session, "python", "-m", "scripts.real_prices", *session.posargs)
