"""QEMU as a machine: `qemu-system-riscv64 -machine virt`, its own OpenSBI, one core.

The serial line is QEMU's standard input and output, through pipes; the monitor is a socket in a directory of our own.
Between runs the machine stands still. What happens to us happens to QEMU: it is ended when the machine is closed, when
Python ends, and (on Linux) when Python is killed.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from pith import UserError

from . import board, qemu_program, waiting
from .console import InputSource
from .image import START_OF_TEXT, BootImage
from .interface import DEFAULT_MEMORY, Ending, Machine, Registers
from .qemu_monitor import Monitor
from .qemu_program import PROCESSOR

CHUNK: Final = 65536
# A driver that starts clears the receiver, and what was typed before is lost; so nothing is typed
# before the machine has printed something and then been silent for so many seconds.
SILENCE: Final = 0.3
MOST_HELD: Final = 4096  # bytes of the keyboard's that wait for that; more stay with who types
PIPE_ROOM: Final = 512  # bytes that a pipe takes at once when it takes any (POSIX: PIPE_BUF)
MARK: Final = bytes((START_OF_TEXT,))
QUIET: Final = 1.0  # seconds without a word, after which the kernel may be waiting for good
GRACE: Final = 5  # seconds that QEMU has to end by itself
REGISTER: Final = re.compile(
    r"\b(pc|mepc|sepc|x\d+)(?:/\w+)?\s+([0-9a-f]{16})\b"
)  # as `info registers` shows them
SET_DEATH_SIGNAL: Final = 1  # prctl's PR_SET_PDEATHSIG


class QemuMachine(Machine):
    """A running QEMU. With `gdb`, a port, it waits for a debugger before the first instruction.

    What OpenSBI prints before our loader begins is shown to nobody unless `firmware` is true, or the loader never begins;
    the transcript has it. `tree` replaces the device tree that QEMU would make; `cpu` is the processor with options of
    its own, `options` are more of QEMU's.
    """

    name = "qemu"

    def __init__(
        self,
        image: BootImage,
        *,
        memory: int = DEFAULT_MEMORY,
        echo: Callable[[bytes], None] | None = None,
        keyboard: InputSource | None = None,
        icount: bool = False,
        gdb: int | None = None,
        firmware: bool = False,
        tree: bytes | None = None,
        cpu: str = PROCESSOR,
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(image, memory=memory, echo=echo, keyboard=keyboard)
        if not image.table.kernel_entry:
            raise UserError(
                f"{image.path.name} has no compiled kernel in it", "boot it with --machine hosted"
            )
        program = qemu_program.find()
        if program.complaint:
            raise UserError(program.complaint, program.remedy)
        self.gdb = gdb
        self.cpu = qemu_program.processor(program.path, cpu)
        self.listening = False  # to the keyboard
        self.held = bytearray()  # what was typed and not yet passed on
        self.printed_at = 0.0
        self.before_loader = True
        self.shows_firmware = firmware
        self.look_at = 0.0  # when to see whether the kernel waits for good
        self.awaited: list[int] | None = None  # the interrupts that it waited for at the last look
        self.directory = tempfile.TemporaryDirectory(prefix="pith-qemu-")
        socket = Path(self.directory.name, "monitor")
        self.errors = Path(self.directory.name, "errors")
        self.monitor = Monitor(socket)
        command = self._command(program.path, socket, icount)
        command += options
        if tree is not None:
            Path(self.directory.name, "tree").write_bytes(tree)
            command += ["-dtb", str(Path(self.directory.name, "tree"))]
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is ours
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        atexit.register(self.close)
        if not self.monitor.connect(lambda: self.process.poll() is None):
            complaint = self._complaint()
            self.close()
            is_short = "allocate memory" in complaint
            raise UserError(
                f"QEMU does not start: {complaint}",
                "give the machine less memory: --memory 1G" if is_short else "pith doctor",
            )

    def _command(self, program: str, socket: Path, icount: bool) -> list[str]:
        command = [
            program,
            "-machine",
            "virt",
            "-cpu",
            self.cpu,
            "-smp",
            "1",
            "-m",
            f"{self.memory_size >> 20}M",
        ]
        command += [
            "-display",
            "none",
            "-bios",
            "default",
            "-kernel",
            str(self.image.path),
            "-no-reboot",
            "-S",
        ]
        command += ["-serial", "stdio", "-monitor", "none", "-qmp", f"unix:{socket},server=on,wait=off"]
        if icount:
            command += ["-icount", "shift=0"]
        if self.gdb is not None:
            command += ["-gdb", f"tcp:127.0.0.1:{self.gdb}"]
        return command

    def _complaint(self) -> str:
        return self.errors.read_text(errors="replace").strip() or "it says nothing"

    # Running ----------------------------------------------------------------------------------------------

    def run(
        self, until: str | None = None, *, instructions: int | None = None, seconds: float | None = None
    ) -> Ending:
        if instructions is not None:
            raise ValueError("QEMU cannot be stopped after so many instructions; the hosted machine can")
        self.console.expect(until)
        self._look_later()
        give_up = None if seconds is None else time.monotonic() + seconds
        if not self.console.found and self.exit_status is None and self.gdb is None:
            self.monitor.execute("cont")
        try:
            while (ending := self._ending(give_up)) is None:
                self._exchange(0.1 if give_up is None else min(0.1, give_up - time.monotonic()))
            if ending is not Ending.TEXT:
                self._show_firmware()
            return ending
        finally:
            if self.exit_status is None and self.gdb is None:
                self.monitor.execute("stop")

    def _ending(self, give_up: float | None) -> Ending | None:
        if self.console.found:
            return Ending.TEXT
        if self.killed_by:
            return Ending.KILLED
        if self.exit_status is not None:
            return Ending.EXIT
        if self.stopped:
            self.stopped = False
            return Ending.STOPPED
        if time.monotonic() >= self.look_at and (ending := self._waits_for_good()) is not None:
            return ending
        return Ending.SECONDS if give_up is not None and time.monotonic() >= give_up else None

    def _look_later(self) -> None:
        self.look_at, self.awaited = time.monotonic() + QUIET, None

    def _waits_for_good(self) -> Ending | None:
        """Whether the kernel has no thread to run and will never have one; what two looks say is true."""
        before = self.awaited
        self._look_later()
        state = self.image.table.kernel_state
        if not state or self.gdb is not None:
            return None
        found = self._read(state, waiting.STATE_BYTES)
        self.awaited = None if found is None else waiting.awaited_interrupts(found)
        if self.awaited is None or self.awaited != before:
            return None
        if not self.awaited:
            return Ending.ASLEEP
        is_for_input = self.input_is_over and self.awaited == [board.SERIAL_INTERRUPT]
        return Ending.INPUT_OVER if is_for_input else None

    def _exchange(self, seconds: float) -> None:
        """Pass on what the machine prints and what is typed; wait for either, for so long."""
        assert self.process.stdout is not None and self.process.stdin is not None
        sources: list[IO[bytes] | InputSource] = [self.process.stdout]
        if self.keyboard is not None and len(self.held) < MOST_HELD:
            sources.append(self.keyboard)  # always, for Ctrl-A X may be struck at any time
        sinks = [self.process.stdin] if self.held and self.listening else []
        ready, writable, _ = select.select(sources, sinks, [], max(0, seconds))
        if self.process.stdout in ready:
            self._print(os.read(self.process.stdout.fileno(), CHUNK))
        elif self.console.transcript and time.monotonic() - self.printed_at >= SILENCE:
            self.listening = True
        if self.keyboard is not None and self.keyboard in ready:
            self._read_keyboard(self.keyboard.read())
        if writable:
            self._type(bytes(self.held[:PIPE_ROOM]))
            del self.held[:PIPE_ROOM]
            self.input_is_over = self.keyboard is None and not self.held

    def _read_keyboard(self, data: bytes | None) -> None:
        """Keep what was typed until the machine takes it; None is the end of the keyboard."""
        if data is None:
            self.keyboard, self.input_is_over = None, not self.held
        else:
            self.held += data

    def _print(self, data: bytes) -> None:
        if not data:
            self._note_end(self.process.wait(GRACE))
            return
        self.printed_at = time.monotonic()
        self._look_later()
        if self.before_loader:
            banner, mark, data = data.partition(MARK)
            self.console.write(banner, silent=not self.shows_firmware)
            self.before_loader = not mark
        self.console.write(data)

    def _note_end(self, status: int) -> None:
        """QEMU has ended; tell the status of a program from what befell QEMU itself."""
        self.exit_status = status if status >= 0 else 128 - status
        complaint = self.errors.read_text(errors="replace").strip()
        if status < 0:
            self.killed_by = f"QEMU was killed by signal {-status} ({signal_name(-status)})"
        elif status and complaint:  # a program's own status comes without a word
            self.killed_by = f"QEMU gave up with status {status}"
        if self.killed_by and complaint:
            self.killed_by += f": {complaint}"

    def _show_firmware(self) -> None:
        """The machine stopped, and the loader has not begun: what the firmware said may tell why."""
        if self.before_loader and not self.shows_firmware and self.console.echo is not None:
            self.console.echo(bytes(self.console.transcript))
            self.shows_firmware = True

    def _type(self, data: bytes) -> None:
        """Type on the serial line."""
        self._look_later()
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, which the next look at its output will show

    def send(self, text: str) -> None:
        self._type(text.encode())

    @contextmanager
    def paused(self) -> Iterator[None]:
        if self.exit_status is not None or self.monitor.loop.is_running():
            yield  # it has ended; or it is being asked something, and cannot be told to stop
            return
        self.monitor.execute("stop")
        yield
        if self.gdb is None:
            self.monitor.execute("cont")

    # Memory and the end -----------------------------------------------------------------------------------

    def read_memory(self, physical: int, length: int) -> bytes:
        found = self._read(physical, length)
        if found is None:
            raise UserError(
                "QEMU has ended, and its memory with it",
                "look before the machine ends, or take --machine hosted, which keeps its memory",
            )
        return found

    def _read(self, physical: int, length: int) -> bytes | None:
        """The bytes there; None when QEMU has gone, which can be at any time."""
        file = Path(self.directory.name, "memory")
        if not self.monitor.execute("pmemsave", val=physical, size=length, filename=str(file)):
            return None
        return file.read_bytes()

    def registers(self) -> Registers | None:
        shown = self.monitor.ask("human-monitor-command", **{"command-line": "info registers"})
        if not isinstance(shown, str):
            return None
        found = {name: int(value, 16) for name, value in REGISTER.findall(shown)}
        # In the firmware, which serves an interrupt or a call: what it goes back to is what runs.
        in_firmware = board.MEMORY_BASE <= found["pc"] < board.KERNEL_PHYSICAL
        pc = found["mepc"] if in_firmware else found["pc"]
        return Registers(pc, tuple(found[f"x{number}"] for number in range(32)), found["sepc"])

    def close(self) -> None:
        atexit.unregister(self.close)
        if self.process.poll() is None:
            self.monitor.execute("quit")
            try:
                self.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not self.monitor.loop.is_closed():
            self.monitor.close()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.directory.cleanup()


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "of no name"


def die_with_parent() -> None:
    """In the child, before QEMU begins: the kernel of the host will end it when we are gone."""
    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
