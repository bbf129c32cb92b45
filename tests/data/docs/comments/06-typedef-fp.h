/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * typedef cb_t - a callback
 * @arg: argument
 *
 * Return: nothing of note
 */
typedef void (*cb_t)(void *arg);
/**
 * typedef fn_t - function type
 * @arg: argument
 */
typedef int (fn_t)(struct x *arg);
/**
 * typedef t - plain
 */
typedef struct x t;
