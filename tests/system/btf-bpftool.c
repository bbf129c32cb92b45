/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * btf-bpftool BTF [BASE] < "bpftool btf dump" of the same: every type, member, parameter, value and
 * variable that bpftool prints must be what our reader answers, and every name must lead to the
 * first type that bpftool shows under it and its kind. The expected values are bpftool's.
 *
 * A whole BTF is read as the running kernel's own is. Some names are also looked up in objects just
 * opened, as that and as a file, which have no index by name yet.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/num.h"
#include "foreland/diag.h"
#include "btf/btf.h"

static struct {
	struct fl_btf *btf;
	struct fl_type type; /* of the last "[id]" line */
	uint32_t entry;	     /* of the next indented line */
	struct fl_map seen;  /* "KIND name" -> last id + 1 */
	const char *path;    /* of a whole one; NULL: split */
	unsigned long types, names, members, params, values, vars, wrong;
} run;

__attribute__((format(printf, 1, 2))) static void wrong(const char *fmt, ...)
{
	va_list ap;

	if (run.wrong++ >= 20)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* The number behind "KEY=" in a line of bpftool's; 0 where it has none. */
static int64_t number(struct fl_str line, const char *key)
{
	const char *at = memmem(line.p, line.n, key, strlen(key));

	return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

static uint64_t unsigned_number(struct fl_str line, const char *key)
{
	const char *at = memmem(line.p, line.n, key, strlen(key));

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static bool has(struct fl_str line, const char *text)
{
	return memmem(line.p, line.n, text, strlen(text));
}

/* What stands between the first two quotes; bpftool says "(anon)" for no name. */
static struct fl_str quoted(struct fl_str line)
{
	size_t from = fl_str_find(line, '\'', 0) + 1, to = fl_str_find(line, '\'', from);
	struct fl_str name = fl_str_sub(line, from, to - from);

	return fl_str_is(name, "(anon)") ? FL_STR("") : name;
}

static struct fl_btf *open_or_die(const char *path, struct fl_btf *base, bool as_kernels)
{
	struct fl_diag diag = {};
	struct fl_btf *btf = NULL;
	int r = as_kernels ? fl_btf_open_kernel(path, base, NULL, &diag, &btf)
			   : fl_btf_open(path, base, NULL, &diag, &btf);

	if (r < 0) {
		fprintf(stderr, "%s: %s (%s)\n", path, strerror(-r), diag.kind ? fl_diag_text(&diag) : "");
		exit(1);
	}
	return btf;
}

#define FRESH_EVERY 400

static void check_fresh(struct fl_str name, unsigned int kind)
{
	for (int as_kernels = 0; as_kernels < 2; as_kernels++) {
		struct fl_btf *btf = open_or_die(run.path, NULL, as_kernels);
		struct fl_type t = fl_btf_find(btf, name, FL_KIND(kind));

		if (t.id != run.type.id)
			wrong("'%.*s' (kind %u): found %u at first, bpftool has %u", FL_STR_ARG(name), kind,
			      t.id, run.type.id);
		fl_btf_close(btf);
	}
}

static void check_name(struct fl_str kind_name, unsigned int kind, struct fl_str name)
{
	struct fl_str key = fl_str_n(kind_name.p, name.p + name.n - kind_name.p); /* both, as written */
	struct fl_map_entry *e;
	struct fl_type t;
	bool is_new;

	e = fl_map_put(&run.seen, key, &is_new);
	if (is_new) {
		t = fl_btf_find(run.btf, name, FL_KIND(kind));
		if (run.path && run.names % FRESH_EVERY == 0)
			check_fresh(name, kind);
		run.names++;
	} else {
		t = fl_btf_find_next((struct fl_type){ run.btf, e->num }, FL_KIND(kind));
	}
	if (t.id != run.type.id || t.btf != run.type.btf)
		wrong("'%.*s' (kind %u): found %u, bpftool has %u", FL_STR_ARG(name), kind, t.id,
		      run.type.id);
	e->num = run.type.id;
}

static unsigned int kind_of(struct fl_str upper)
{
	for (unsigned int k = 1; k < BTF_KIND_ENUM64 + 1; k++)
		if (upper.n == strlen(fl_kind_name(k)) &&
		    !strncasecmp(upper.p, fl_kind_name(k), upper.n))
			return k;
	return BTF_KIND_UNKN;
}

static void check_int(struct fl_str line)
{
	struct fl_int i = {};

	fl_type_int(run.type, &i);
	if (i.size != number(line, " size=") || i.bits != number(line, "nr_bits=") ||
	    i.bit_offset != number(line, "bits_offset=") || i.is_signed != has(line, "=SIGNED") ||
	    i.is_bool != has(line, "=BOOL") || i.is_char != has(line, "=CHAR"))
		wrong("type %u: another int than %.*s", run.type.id, FL_STR_ARG(line));
}

static void check_array(struct fl_str line)
{
	if (fl_type_target(run.type).id != number(line, " type_id=") ||
	    fl_type_array_len(run.type) != number(line, "nr_elems="))
		wrong("type %u: another array than %.*s", run.type.id, FL_STR_ARG(line));
}

/* "[12] STRUCT 'list_head' size=16 vlen=2" */
static void check_type(struct fl_str line)
{
	struct fl_str rest = fl_str_from(line, fl_str_find(line, ' ', 0) + 1);
	struct fl_str kind_name = fl_str_sub(rest, 0, fl_str_find(rest, ' ', 0));
	unsigned int kind = kind_of(kind_name);
	struct fl_str name = quoted(line);
	uint64_t size = 0;

	run.type = fl_btf_type(run.btf, strtoul(line.p + 1, NULL, 10));
	run.entry = 0;
	run.types++;
	if (fl_type_kind(run.type) != kind || !fl_str_eq(fl_type_name(run.type), name))
		wrong("type %u: %s '%.*s', not %.*s", run.type.id, fl_kind_name(fl_type_kind(run.type)),
		      FL_STR_ARG(fl_type_name(run.type)), FL_STR_ARG(line));
	if (name.n)
		check_name(kind_name, kind, name);
	if (has(line, " vlen=") && fl_type_vlen(run.type) != number(line, " vlen="))
		wrong("type %u: %u entries, not %.*s", run.type.id, fl_type_vlen(run.type),
		      FL_STR_ARG(line));
	if (kind == BTF_KIND_INT)
		check_int(line);
	else if (kind == BTF_KIND_ARRAY)
		check_array(line);
	else if (has(line, " type_id=") && fl_type_target(run.type).id != number(line, " type_id="))
		wrong("type %u: refers to %u, not %.*s", run.type.id, fl_type_target(run.type).id,
		      FL_STR_ARG(line));
	else if (has(line, "ret_type_id=") && fl_type_return(run.type).id != number(line, "ret_type_id="))
		wrong("type %u: another return type than %.*s", run.type.id, FL_STR_ARG(line));
	if (has(line, " size=") && (fl_type_size(run.type, &size) || size != unsigned_number(line, " size=")))
		wrong("type %u: size %" PRIu64 ", not %.*s", run.type.id, size, FL_STR_ARG(line));
	if (kind == BTF_KIND_FWD && fl_type_kflag(run.type) != has(line, "fwd_kind=union"))
		wrong("type %u: another forward declaration", run.type.id);
}

static void check_member(struct fl_str line)
{
	struct fl_member m = {}, found = {};

	run.members++;
	if (!fl_type_member(run.type, run.entry, &m) || !fl_str_eq(m.name, quoted(line)) ||
	    m.type.id != number(line, "type_id=") || m.bit_offset != number(line, "bits_offset=") ||
	    m.bits != number(line, "bitfield_size=")) {
		wrong("type %u member %u is not %.*s", run.type.id, run.entry, FL_STR_ARG(line));
		return;
	}
	if (m.name.n && (fl_type_find_member(run.type, m.name, &found) ||
			 found.bit_offset != m.bit_offset || found.type.id != m.type.id))
		wrong("type %u: member '%.*s' is not found by its name", run.type.id, FL_STR_ARG(m.name));
}

static void check_param(struct fl_str line)
{
	struct fl_param p = {};

	run.params++;
	if (!fl_type_param(run.type, run.entry, &p) || !fl_str_eq(p.name, quoted(line)) ||
	    p.type.id != number(line, "type_id="))
		wrong("type %u parameter %u is not %.*s", run.type.id, run.entry, FL_STR_ARG(line));
}

static void check_value(struct fl_str line)
{
	uint64_t want = fl_type_enum_signed(run.type) ? (uint64_t)number(line, "val=") :
							unsigned_number(line, "val=");
	struct fl_enum_value v = {};

	run.values++;
	if (!fl_type_enum_value(run.type, run.entry, &v) || !fl_str_eq(v.name, quoted(line)) ||
	    v.value != want)
		wrong("type %u value %u is not %.*s", run.type.id, run.entry, FL_STR_ARG(line));
}

static void check_var(struct fl_str line)
{
	struct fl_var v = {}, found = {};

	run.vars++;
	if (!fl_type_section_var(run.type, run.entry, &v) || v.var.id != number(line, "type_id=") ||
	    v.offset != number(line, "offset=") || v.size != number(line, " size=")) {
		wrong("type %u variable %u is not %.*s", run.type.id, run.entry, FL_STR_ARG(line));
		return;
	}
	if (fl_btf_find_var(run.btf, fl_type_name(v.var), &found) || found.section.n == 0)
		wrong("variable '%.*s' is not found by its name", FL_STR_ARG(fl_type_name(v.var)));
}

static void check_entry(struct fl_str line)
{
	switch (fl_type_kind(run.type)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		check_member(line);
		break;
	case BTF_KIND_FUNC_PROTO:
		check_param(line);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		check_value(line);
		break;
	case BTF_KIND_DATASEC:
		check_var(line);
		break;
	}
	run.entry++;
}

int main(int argc, char **argv)
{
	struct fl_btf *base = argc > 2 ? open_or_die(argv[2], NULL, true) : NULL;
	struct fl_buf text = {};
	struct fl_str rest, line;

	if (argc < 2 || fl_buf_read_fd(&text, 0, 1u << 30) < 0)
		return 2;
	run.path = base ? NULL : argv[1];
	run.btf = open_or_die(argv[1], base, !base);
	rest = fl_buf_str(&text);
	while (fl_str_line(&rest, &line)) {
		if (line.n && line.p[0] == '[')
			check_type(line);
		else if (line.n && line.p[0] == '\t')
			check_entry(line);
	}
	if (run.types != fl_btf_end_id(run.btf) - fl_btf_first_id(run.btf) || !run.types)
		wrong("%u types, bpftool has %lu", fl_btf_end_id(run.btf) - fl_btf_first_id(run.btf),
		      run.types);
	printf("%lu types, %lu names, %lu members, %lu parameters, %lu enum values, %lu variables; %lu wrong\n",
	       run.types, run.names, run.members, run.params, run.values, run.vars, run.wrong);
	fl_map_fini(&run.seen);
	fl_btf_close(run.btf);
	fl_btf_close(base);
	fl_buf_fini(&text);
	return run.wrong ? 1 : 0;
}
