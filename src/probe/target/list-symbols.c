/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What user probes can name in a file: its functions, and the places that its author marked (USDT). */
#include "probe/target/list.h"

#include <errno.h>
#include <inttypes.h>

#include "base/json.h"
#include "probe/target/user.h"

/* NULL: a probe can be there. */
static const char *refusal(const struct fl_user_place *p)
{
	return p->is_chosen ? "IFUNC" : p->is_fragile ? "EVEX" : NULL;
}

static void add_json(struct fl_str path, const struct fl_user_place *p, bool is_marked, struct fl_buf *out)
{
	_cleanup_free_ char *file = fl_str_dup(path), *name = fl_str_dup(p->name), *args = fl_str_dup(p->args);
	_cleanup_free_ char *plain = fl_str_dup(p->plain);

	if (!file || !name || !args || !plain) {
		out->error = -ENOMEM;
		return;
	}
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "path", file);
	fl_json_strz(out, "name", name);
	if (p->plain.n)
		fl_json_strz(out, "demangled", plain);
	fl_json_u64(out, "offset", p->offset);
	if (is_marked)
		fl_json_strz(out, "args", args);
	if (p->refctr)
		fl_json_u64(out, "refctr", p->refctr);
	if (refusal(p))
		fl_json_strz(out, "refused", refusal(p));
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

/* "FILE:NAME", as a definition has it, and what is behind it. */
static void add_text(struct fl_str path, const struct fl_user_place *p, bool is_marked, struct fl_buf *out)
{
	fl_buf_addf(out, "%.*s:%s%.*s 0x%" PRIx64, FL_STR_ARG(path), is_marked ? "sdt:" : "", FL_STR_ARG(p->name),
		    p->offset);
	if (p->plain.n)
		fl_buf_addf(out, " %.*s", FL_STR_ARG(p->plain));
	if (p->args.n)
		fl_buf_addf(out, " %.*s", FL_STR_ARG(p->args));
	if (refusal(p))
		fl_buf_addf(out, " (%s: no probe can be there)", refusal(p));
	fl_buf_addc(out, '\n');
}

int fl_list_symbols(struct fl_target *t, struct fl_str path, struct fl_str glob, bool json, fl_list_fn fn, void *ctx,
		    size_t *ret_count)
{
	_cleanup_places_ struct fl_user_places places = {};
	_cleanup_buf_ struct fl_buf out = {};
	bool is_marked = fl_str_starts(glob, "sdt:");
	int r = fl_target_user_places(t, path, glob, &places);

	*ret_count = 0;
	if (r < 0 && r != -EOPNOTSUPP) /* a name that is chosen by the loader is shown as that */
		return r == -ENOENT ? 0 : r;
	for (size_t i = 0; i < places.n; i++)
		(json ? add_json : add_text)(path, &places.v[i], is_marked, &out);
	*ret_count = places.n;
	return out.error ? out.error : places.n ? fn(ctx, &out) : 0;
}
