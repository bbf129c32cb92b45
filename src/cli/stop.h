/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end that a signal asks for, of commands that go on until then. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <signal.h>

/* Whether SIGINT, SIGTERM or SIGHUP came since fl_stop_on_signals(). */
extern volatile sig_atomic_t fl_stop_asked;

/* Whether SIGHUP came since fl_reopen_on_hup(); looking sets it back. */
extern volatile sig_atomic_t fl_reopen_asked;

/*
 * The first such signal ends the run in good order, one that comes more than a second later ends the program
 * at once. SIGPIPE is an EPIPE.
 */
void fl_stop_on_signals(void);

/* From now on SIGHUP asks for new files and not for the end. */
void fl_reopen_on_hup(void);

#endif
