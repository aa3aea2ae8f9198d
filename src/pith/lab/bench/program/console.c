#include "console.h"

#include "resources.h"

enum { UART = 0x10000000, DATA = 0, LINE_STATUS = 5, RECEIVED = 1, TRANSMIT_EMPTY = 0x20 };

static volatile unsigned char *uart;

void open_console(void) { uart = map_device(UART); }

static void print_character(char character)
{
    while (!(uart[LINE_STATUS] & TRANSMIT_EMPTY))
        ;
    uart[DATA] = (unsigned char)character;
}

void print(const char *text)
{
    while (*text)
        print_character(*text++);
}

void print_number(word number)
{
    char digits[21];
    char *next = digits + sizeof digits - 1;
    *next = 0;
    do
        *--next = (char)('0' + number % 10);
    while (number /= 10);
    print(next);
}

void await_key(void)
{
    while (!(uart[LINE_STATUS] & RECEIVED))
        ;
    (void)uart[DATA];
}

_Noreturn void fail(const char *what, word error)
{
    if (uart) {
        print("failed ");
        print(what);
        print(": error ");
        print_number(error);
        print("\nbench ends\n");
    }
    for (;;)
        ;
}

void check(const char *what, word error)
{
    if (error)
        fail(what, error);
}
