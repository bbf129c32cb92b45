/* SPDX-License-Identifier: GPL-2.0-or-later */
/* foreland trace --vm: the same words, but for what concerns this side only, in the guest. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/say.h"
#include "cli/trace/private.h"
#include "cli/vm.h"
#include "cli/write.h"

struct vm_words {
	const struct trace_opts *o;
	struct fl_buf text[32]; /* numbers that had to be written again */
	size_t nr_text;
	const char *v[512];
	size_t n;
};

static void add_word(struct vm_words *w, const char *word)
{
	if (w->n < FL_ARRAY_SIZE(w->v) - 1)
		w->v[w->n++] = word;
}

static struct fl_buf *new_text(struct vm_words *w)
{
	return &w->text[w->nr_text < FL_ARRAY_SIZE(w->text) - 1 ? w->nr_text++ : w->nr_text];
}

static void add_name(struct vm_words *w, const struct fl_opt *row)
{
	struct fl_buf *b = new_text(w);

	if (row->name)
		fl_buf_addf(b, "--%s", row->name);
	else
		fl_buf_addf(b, "-%c", row->letter);
	add_word(w, fl_buf_z(b));
}

/* -o's file is made in the guest, and brought back: what comes over standard output is COMMAND's. */
static const char *guest_output(const char *path)
{
	const char *base = strrchr(path, '/');

	return base ? base + 1 : path;
}

static void add_option(const struct fl_opt *row, size_t offset, void *ctx)
{
	struct vm_words *w = ctx;
	const void *at = (const char *)w->o + offset + row->offset;
	uint64_t number = 0;

	if (row->type == FL_OPT_TYPE_FLAG) {
		if (*(const bool *)at)
			add_name(w, row);
		return;
	}
	if (row->type == FL_OPT_TYPE_STR) {
		const char *value = *(const char *const *)at;

		if (!value || at == &w->o->vm)
			return;
		add_name(w, row);
		add_word(w, at == &w->o->output ? guest_output(value) : value);
		return;
	}
	if (row->type == FL_OPT_TYPE_LIST) {
		const struct fl_strv *list = at;

		for (size_t i = 0; i < list->n; i++) {
			add_name(w, row);
			add_word(w, list->v[i]);
		}
		return;
	}
	memcpy(&number, at, sizeof(number));
	if (number) {
		struct fl_buf *b = new_text(w);

		add_name(w, row);
		if (row->type == FL_OPT_TYPE_DURATION)
			fl_buf_addf(b, "%lu.%09lu", number / 1000000000u, number % 1000000000u);
		else
			fl_buf_add_u64(b, number);
		add_word(w, fl_buf_z(b));
	}
}

/* Returns only on failure. A command or a file of definitions that lies here goes along. */
int trace_in_guest(const struct trace_opts *o, const struct fl_args *args)
{
	struct vm_words w = { .o = o };
	const char *options[10];
	size_t n = fl_vm_kernel_option(o->vm, options);
	int r = o->output ? fl_write_stream(o->output) : 0;

	if (r < 0)
		return FL_EXIT_FINDINGS; /* said before the boot */
	if (o->output)
		close(r);
	add_word(&w, "trace");
	fl_opt_each(trace_options, 0, add_option, &w);
	for (size_t i = 0; i < args->n; i++)
		add_word(&w, args->v[i]);
	if (o->file && strcmp(o->file, "-") == 0) {
		options[n++] = "--stdin";
	} else if (o->file && !trace_is_tool(o->file)) {
		struct fl_buf *b = new_text(&w);

		fl_buf_addf(b, "%s:/root/%s", o->file, o->file);
		options[n++] = "--copy";
		options[n++] = fl_buf_z(b);
	}
	if (o->output) {
		struct fl_buf *b = new_text(&w);

		fl_buf_addf(b, "/root/%s:%s", guest_output(o->output), o->output);
		options[n++] = "--bring";
		options[n++] = fl_buf_z(b);
	}
	if (args->command) {
		add_word(&w, "--");
		for (char **c = args->command; *c; c++)
			add_word(&w, *c);
		if (strchr(args->command[0], '/') && access(args->command[0], X_OK) == 0) {
			struct fl_buf *b = new_text(&w);

			fl_buf_addf(b, "%s:%s%s", args->command[0],
				    args->command[0][0] == '/' ? "" : "/root/", args->command[0]);
			options[n++] = "--copy";
			options[n++] = fl_buf_z(b);
		}
	}
	options[n] = NULL;
	w.v[w.n] = NULL;
	r = fl_vm_exec((char *const *)options, (char *const *)w.v);
	fl_say(FL_ERROR, "no guest can be started: %s", fl_vm_why_not(r));
	return FL_EXIT_FINDINGS;
}
