"""The commands of `pith`, put together."""

from typing import Annotated

import typer

from pith import __version__
from pith.cli.bench import benchmarks
from pith.cli.boot import boot, spell_out_pdb
from pith.cli.compile import compile_file
from pith.cli.doctor import doctor
from pith.cli.inspect import inspect
from pith.cli.run import run_program

application = typer.Typer(
    name="pith",
    help="A microkernel operating system written in Python.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command("boot")(boot)
application.command("compile")(compile_file)
application.command("run")(run_program)
application.command("inspect")(inspect)
application.command("doctor")(doctor)
application.add_typer(benchmarks)


def print_version(wanted: bool) -> None:
    if wanted:
        print(f"pith {__version__}")
        raise typer.Exit


@application.callback()
def pith(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True)
    ] = False,
) -> None:
    """A microkernel operating system written in Python."""


def run(arguments: list[str]) -> None:
    application(spell_out_pdb(arguments), prog_name="pith")
