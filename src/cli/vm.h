/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest, as a command's --vm reaches it: scripts/vm, wherever this program was put. */
#ifndef CLI_VM_H
#define CLI_VM_H

#include "base/buf.h"

/* In words: why there is no script, by what fl_vm_script_path() or fl_vm_exec() returned. */
const char *fl_vm_why_not(int r);

/*
 * fl_vm_script_path() - the path of the script that runs commands in a guest
 *
 * The first that can be executed of: $FORELAND_VM; "foreland-vm" beside the program (a build tree,
 * or files copied to another machine); "../libexec/foreland/vm" seen from the program's folder
 * (an installation that was moved); the configured libexec folder. -ENOENT where there is none;
 * -EPERM where we are root, and somebody else could have written it (see "base/walk.h").
 */
int fl_vm_script_path(struct fl_buf *ret);
/* The same for a program at @exe, an absolute path. */
int fl_vm_script_find(const char *exe, struct fl_buf *ret);

/* The words of scripts/vm for --vm[=KERNEL], put into @ret; how many: 0 of "". */
size_t fl_vm_kernel_option(const char *kernel, const char *ret[static 2]);

/* The kernel's release where this program was started by fl_vm_exec() of another, and runs in its guest; or NULL. */
const char *fl_vm_release(void);

/*
 * fl_vm_exec() - become "vm OPTION... -- foreland WORD..."
 * @options: of scripts/vm (--kernel, --copy, --bring, ...), ends with NULL
 * @words: what follows "foreland" there, ends with NULL
 *
 * The guest's foreland is this very program. Standard output streams while the guest runs, and
 * Ctrl-C interrupts the command in it. Returns only on failure: -ENOENT (no script), execv's errno.
 */
int fl_vm_exec(char *const *options, char *const *words);

#endif
