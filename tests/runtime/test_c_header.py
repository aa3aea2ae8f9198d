"""The C header sends the same messages as the metal-Python stubs: both are held against one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pith import UserError
from pith.abi.labels import Label
from pith.abi.messages import CapRights, CNodeData, MessageInfo
from pith.abi.syscalls import BenchmarkCall, DebugCall, SystemCall
from pith.runtime.capability import Place
from pith.system.components import build_c
from tests.runtime.conftest import Trap
from tests.runtime.emulator import Answer, Emulator
from tests.runtime.test_invocations import TABLE, Row


def c_name(row: Row) -> str:
    module = row.stub.__module__.removeprefix("pith.runtime.")
    return f"pith_{module}_{row.stub.__name__}"


def c_value(value: Any) -> str:
    match value:
        case Place(root, index, depth):
            return f"(struct pith_place){{{root}, {index}, {depth}}}"
        case CapRights() | CNodeData():
            return str(value.bits)
    return str(int(value))


def run_c(tmp_path: Path, body: str, answer: Answer = lambda trap: []) -> list[Trap]:
    """What a component in C with this `pith_main` asks of the kernel."""
    source = tmp_path / "program.c"
    source.write_text(
        f"#include <pith.h>\nvoid pith_main(const struct pith_bootinfo *info) {{ (void)info;\n{body}\n}}\n"
    )
    return Emulator(build_c(source), answer).run()


def test_every_invocation_sends_what_the_interface_says(tmp_path: Path) -> None:
    calls = [f"{c_name(row)}({', '.join(map(c_value, row.arguments))});" for row in TABLE]
    traps = run_c(tmp_path, "\n".join(calls))
    assert len(traps) == len(TABLE)
    for row, trap in zip(TABLE, traps, strict=True):
        info = MessageInfo(length=len(row.words), extra_caps=len(row.caps), label=row.label)
        sent = (trap.number, trap.cap, trap.info, trap.words[: len(row.words)], trap.caps)
        assert sent == (SystemCall.CALL, 77, info, row.words, row.caps), c_name(row)


def test_registers_go_out_and_come_in(tmp_path: Path) -> None:
    body = """
        struct pith_user_context context = {.pc = 1, .ra = 2, .sp = 3, .gp = 4, .a0 = 17, .tp = 32};
        pith_tcb_write_registers(7, true, &context);
        pith_tcb_read_registers(8, false, &context);
        pith_debug_put_char((char)(context.pc + context.tp));
    """
    traps = run_c(tmp_path, body, lambda trap: [0, 0, 40, 41, 42, 43] if trap.cap == 8 else [])
    write, read, sum_of = traps
    assert write.info == MessageInfo(length=34, label=Label.TCB_WRITE_REGISTERS)
    assert write.words[:6] == [1, 32, 1, 2, 3, 4] and write.words[2 + 16] == 17 and write.words[33] == 32
    assert (read.info.label, read.words[:2]) == (Label.TCB_READ_REGISTERS, [0, 32])
    # tp is the last word, which the kernel would have put into the IPC buffer: there it is what was sent as t5.
    assert (sum_of.number, sum_of.cap) == (DebugCall.PUT_CHAR, 40 + write.words[31])


def test_the_system_calls(tmp_path: Path) -> None:
    words = "PITH_WORDS(1, 2, 3, 4)"
    body = f"""
        pith_word tag = pith_info(33, 0, 4);
        pith_send(5, tag, {words});
        pith_nb_send(5, tag, {words});
        pith_call(5, tag, {words});
        pith_reply_recv(5, 6, tag, {words});
        pith_nb_send_recv(7, 5, 6, tag, {words});
        pith_nb_send_wait(7, 5, tag, {words});
        pith_recv(5, 6);
        pith_nb_recv(5, 6);
        pith_wait(5);
        pith_nb_wait(5);
        pith_yield();
    """
    traps = run_c(tmp_path, body)
    call = SystemCall
    sending, waiting = traps[:6], traps[6:]
    assert [t.number for t in sending] == [
        call.SEND, call.NB_SEND, call.CALL, call.REPLY_RECV, call.NB_SEND_RECV, call.NB_SEND_WAIT
    ]  # fmt: skip
    assert all((t.cap, t.words) == (5, [1, 2, 3, 4]) for t in sending)
    assert all(t.info == MessageInfo(length=4, label=33) for t in sending)
    assert [t.reply for t in sending[3:5]] == [6, 6] and [t.send_to for t in sending[4:]] == [7, 7]
    assert [(t.number, t.cap, t.reply) for t in waiting] == [
        (call.RECV, 5, 6), (call.NB_RECV, 5, 6), (call.WAIT, 5, 0), (call.NB_WAIT, 5, 0), (call.YIELD, 0, 0)
    ]  # fmt: skip


def test_the_debug_and_benchmark_calls(tmp_path: Path) -> None:
    body = """
        pith_debug_dump_scheduler();
        pith_debug_halt();
        pith_debug_cap_identify(5);
        pith_debug_snapshot();
        pith_debug_name_thread(6, "a name");
        pith_benchmark_flush_caches();
        pith_benchmark_reset_log();
        pith_benchmark_finalize_log();
        pith_benchmark_set_log_buffer(7);
        pith_benchmark_null_syscall();
        pith_benchmark_get_thread_utilisation(8);
        pith_benchmark_reset_thread_utilisation(9);
        pith_benchmark_dump_all_threads_utilisation();
        pith_benchmark_reset_all_threads_utilisation();
    """
    traps = run_c(tmp_path, body)
    benchmark = [(DebugCall.NAME_THREAD - 1 - call) for call in BenchmarkCall]
    assert [trap.number for trap in traps] == [*list(DebugCall)[1:], *benchmark]
    assert [trap.cap for trap in traps] == [0, 0, 5, 0, 6, 0, 0, 0, 7, 0, 8, 9, 0, 0]


def test_answers_come_back_whole(tmp_path: Path) -> None:
    body = """
        struct pith_message m = pith_recv(5, 6);
        pith_call(m.badge, pith_info(pith_label_of(m), 0, pith_length_of(m)), m.word);
    """
    answer = MessageInfo(length=3, label=21).bits
    traps = run_c(tmp_path, body, lambda trap: [9, answer, 51, 52, 53, 54])
    assert (traps[1].cap, traps[1].info) == (9, MessageInfo(length=3, label=21))
    assert traps[1].words == [51, 52, 53, 54]


@pytest.mark.parametrize("text", ["x", "twelve bytes", "a longer line of text that fills several words\\n"])
def test_text_goes_to_a_console_server_in_one_message(tmp_path: Path, text: str) -> None:
    (trap,) = run_c(tmp_path, f'pith_write(3, "{text}");')
    expected = text.replace("\\n", "\n").encode()
    sent = b"".join(word.to_bytes(8, "little") for word in trap.words[1 : trap.info.length])
    assert (trap.cap, trap.info.label, trap.words[0]) == (3, 16, len(expected))
    assert sent[: len(expected)] == expected and len(sent) - len(expected) < 8


def test_numbers_are_printed_in_full(tmp_path: Path) -> None:
    traps = run_c(tmp_path, "pith_print_number(0); pith_print_number(-1ull);")
    assert bytes(t.cap for t in traps) == b"018446744073709551615"


def test_a_mistake_in_c_is_told_with_clang_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"(?s)program\.c.*error: use of undeclared identifier 'nonsense'"):
        run_c(tmp_path, "nonsense;")
