/* Lines of text through the serial port. A release kernel has no call that prints, so the program drives the
 * port itself; the harness reads the lines. */

#pragma once

#include "stamps.h"

void open_console(void);
void print(const char *text);
void print_number(word number);

/* Wait until somebody types. */
void await_key(void);

/* Say what went wrong, and stop for good. */
_Noreturn void fail(const char *what, word error);

/* As `fail`, if there is an error. */
void check(const char *what, word error);
