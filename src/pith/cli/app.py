"""The commands of `pith`, put together."""

from typing import Annotated, Any, Final

import typer

from pith import __version__
from pith.cli.bench import benchmarks
from pith.cli.boot import boot, spell_out_pdb
from pith.cli.build import build_programs
from pith.cli.cache import cache
from pith.cli.compile import compile_file
from pith.cli.doctor import doctor
from pith.cli.errors import UsageError
from pith.cli.inspect import inspect
from pith.cli.kernel import kernel
from pith.cli.run import run_programs

application = typer.Typer(
    name="pith",
    help="A microkernel operating system written in Python.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
application.command("boot")(boot)
application.command("compile")(compile_file)
application.command("run")(run_programs)
application.command("build")(build_programs)
application.command("kernel")(kernel)
application.command("inspect")(inspect)
application.command("doctor")(doctor)
application.command("cache")(cache)
application.add_typer(benchmarks)

# All that can be wrong with a command line, wherever this version of typer keeps the class.
WRONG_USE: Final[Any] = typer.BadParameter.__bases__[0]


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
    """Carry out a command line. Raises UsageError for one that has no meaning, SystemExit for a status that is not 0."""
    try:
        status = application(spell_out_pdb(arguments), prog_name="pith", standalone_mode=False)
    except WRONG_USE as error:
        if not arguments:  # the help is printed already
            raise SystemExit(UsageError.exit_code) from None
        raise wrong_use(error) from None
    if isinstance(status, int) and status != 0:
        raise SystemExit(status)


def wrong_use(error: Any) -> UsageError:
    """The parser's complaint, in our own form."""
    message = error.format_message().replace("Value error, ", "").rstrip(".")
    command = error.ctx.command_path if error.ctx else "pith"
    return UsageError(message[:1].lower() + message[1:], f"{command} --help")
