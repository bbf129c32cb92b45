/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether memory ran out. A function that gets none returns -ENOMEM or marks its buffer, and the command
 * that prints looks at that; but where one caller in a hundred does not, something is left out of an answer that
 * looks whole. So the linker leads each allocation of the program through here (--wrap), and main()
 * asks once, at the end: after one that failed nobody gets the status of a whole answer.
 */
#ifndef CLI_MEMORY_H
#define CLI_MEMORY_H

/**
 * fl_memory_verdict() - what main() returns
 * @code: the command's status
 *
 * Return: @code, or 1 where that would call an answer whole that need not be. It has been said.
 */
int fl_memory_verdict(int code);

#endif
