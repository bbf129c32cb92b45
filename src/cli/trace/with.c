/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --with: arguments of every definition that say whose an event is. */
#include "cli/say.h"
#include "cli/trace/private.h"

static const struct {
	const char *name, *text;
} words[] = {
	{ "uid", " uid=$common_uid:u32" },
	{ "cgroup", " cgroup=$common_cgroup:u64" },
	{ "container", " container=$common_cgroup:container" },
};

static const char *text_of(struct fl_str name)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(words); i++)
		if (fl_str_is(name, words[i].name))
			return words[i].text;
	return NULL;
}

int trace_with(const char *list, struct fl_buf *ret)
{
	struct fl_str all = fl_str(list);

	for (size_t at = 0, end; at <= all.n; at = end + 1) {
		struct fl_str name;
		const char *text;

		end = fl_str_find(all, ',', at);
		name = fl_str_sub(all, at, end - at);
		text = text_of(name);
		if (!text)
			return fl_say_usage("--with: '%.*s' is none of uid, cgroup and container", FL_STR_ARG(name));
		fl_buf_addz(ret, text);
	}
	return FL_EXIT_DONE;
}

/* Where a definition's filter begins, or it ends. */
static size_t before_filter(struct fl_str def)
{
	struct fl_str rest = def, word;

	while (fl_str_word(&rest, &word))
		if (fl_str_is(word, "if"))
			return (size_t)(word.p - def.p);
	return def.n;
}

void trace_add_with(const char *list, struct fl_str def, struct fl_buf *out)
{
	bool has_fields = fl_str_starts(def, "s:") || fl_str_starts(def, "-:"); /* of its own, or none */
	size_t at = has_fields || !list ? def.n : before_filter(def);

	fl_buf_add(out, def.p, at);
	if (at < def.n && def.p[at - 1] == ' ')
		out->len--;
	if (list && !has_fields)
		trace_with(list, out);
	if (at < def.n)
		fl_buf_addf(out, " %.*s", FL_STR_ARG(fl_str_from(def, at)));
}
