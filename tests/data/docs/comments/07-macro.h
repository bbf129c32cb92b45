/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * FOO() - a macro
 * @x: argument
 * @...: others
 */
#define FOO(x, ...) bar(x, __VA_ARGS__)
/**
 * BAR - constant
 */
#define BAR 1
/**
 * BAZ() - variadic by name
 * @fmt: format
 * @args: arguments
 */
#define BAZ(fmt, args...) printk(fmt, ## args)
