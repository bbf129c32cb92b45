/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/symbols.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "probe/output/groups.h"
#include "probe/output/put.h"
#include "probe/output/usermaps.h"
#include "probe/target/modules.h"
#include "probe/target/target.h"

const char fl_put_pairs[201] =
	"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
	"4748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293"
	"949596979899";

#define CACHE 256 /* a power of two */

struct answer {
	uint64_t addr;
	uint16_t len, name_len;
	char text[FL_SYMBOL_MAX];
};

struct fl_symbols {
	struct fl_target *target;
	struct fl_ksyms *syms;	/* the target's, or ... */
	struct fl_ksyms *again; /* ... what was read when modules had come or gone */
	struct fl_modules_watch modules;
	uint64_t kernel_end; /* addresses below are of no module; 0: not known */
	bool tried;
	int error; /* what reading them gave */
	struct fl_usermaps *users; /* NULL: nobody has asked */
	struct fl_groups *groups;  /* the same */
	struct answer named;
	struct answer cache[CACHE];
};

int fl_symbols_new(struct fl_target *t, struct fl_symbols **ret)
{
	struct fl_symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->target = t;
	*ret = s;
	return 0;
}

void fl_symbols_free(struct fl_symbols *s)
{
	if (s) {
		fl_usermaps_free(s->users);
		fl_groups_free(s->groups);
		fl_ksyms_close(s->again);
	}
	free(s);
}

static struct fl_ksyms *table(struct fl_symbols *s)
{
	struct fl_ksym end;

	if (!s->tried)
		s->error = fl_target_ksyms(s->target, &s->syms);
	if (s->error < 0)
		s->syms = NULL;
	if (!s->tried && s->syms && fl_target_is_live(s->target) &&
	    fl_ksyms_find(s->syms, FL_STR("_end"), &end, 1) > 0) {
		s->kernel_end = end.addr;
		fl_modules_changed(&s->modules);
	}
	s->tried = true;
	return s->syms;
}

/* An address beyond the kernel's own may be of a module that came after the symbols were read. */
static void follow_modules(struct fl_symbols *s, uint64_t addr)
{
	struct fl_ksyms *fresh;

	if (!s->kernel_end || addr < s->kernel_end || !fl_modules_changed(&s->modules) ||
	    fl_ksyms_open("/proc/kallsyms", NULL, &fresh) < 0)
		return;
	fl_ksyms_close(s->again);
	s->again = s->syms = fresh;
	memset(s->cache, 0, sizeof(s->cache));
}

static void compose(struct answer *a, const struct fl_ksym *sym, uint64_t offset)
{
	size_t name = FL_MIN(sym->name.n, (size_t)200), module = FL_MIN(sym->module.n, (size_t)64);
	char *p = fl_put_mem(a->text, sym->name.p, name);

	a->name_len = (uint16_t)name;
	p = fl_put_hex(fl_put_char(p, '+'), offset);
	p = fl_put_hex(fl_put_char(p, '/'), sym->size);
	if (module) {
		p = fl_put_mem(p, " [", 2);
		p = fl_put_char(fl_put_mem(p, sym->module.p, module), ']');
	}
	a->len = (uint16_t)(p - a->text);
}

static const struct answer *find(struct fl_symbols *s, uint64_t addr)
{
	struct answer *a = &s->cache[(addr ^ addr >> 12) % CACHE];
	struct fl_ksym sym;

	if (table(s))
		follow_modules(s, addr);
	if (a->len && a->addr == addr)
		return a;
	a->addr = addr;
	if (table(s) && fl_ksyms_at(s->syms, addr, &sym) == 0) {
		compose(a, &sym, addr - sym.addr);
	} else {
		a->len = (uint16_t)(fl_put_hex(a->text, addr) - a->text);
		a->name_len = a->len;
	}
	return a;
}

struct fl_str fl_symbols_at(struct fl_symbols *s, uint64_t addr)
{
	const struct answer *a = find(s, addr);

	return fl_str_n(a->text, a->len);
}

struct fl_str fl_symbols_shown(struct fl_symbols *s, const struct fl_fetch_type *type, uint64_t v)
{
	struct fl_str text;

	if (!(type->flags & FL_TYPE_GROUP))
		return fl_symbols_at(s, v);
	if (!s->groups && fl_groups_new(&s->groups) < 0)
		return FL_STR("?");
	text = fl_groups_container(s->groups, v);
	return fl_str_sub(text, 0, FL_MIN(text.n, (size_t)FL_SYMBOL_MAX));
}

struct fl_str fl_symbols_name(struct fl_symbols *s, uint64_t addr)
{
	const struct answer *a = find(s, addr);

	return fl_str_n(a->text, a->name_len);
}

struct fl_str fl_symbols_named(struct fl_symbols *s, struct fl_str name, uint64_t offset)
{
	struct fl_ksym sym;

	if (table(s) && memchr(name.p, ':', name.n))
		follow_modules(s, UINT64_MAX);
	if (!table(s) || fl_ksyms_find_func(s->syms, name, &sym, 1) == 0)
		return fl_str("");
	compose(&s->named, &sym, offset);
	return fl_str_n(s->named.text, s->named.len);
}

int fl_symbols_nameless(const struct fl_symbols *s)
{
	if (!s->tried || !fl_target_is_live(s->target))
		return 0;
	return s->syms && fl_ksyms_hidden(s->syms) ? -EPERM : s->error;
}

void fl_symbols_name_users(struct fl_symbols *s, struct fl_user_namer namer)
{
	if (!s->users)
		s->users = fl_usermaps_new();
	if (s->users)
		fl_usermaps_name(s->users, namer);
}

void fl_symbols_user(struct fl_symbols *s, const struct fl_record *rec, uint64_t addr, bool is_call,
		     struct fl_buf *out)
{
	if (!s->users)
		s->users = fl_usermaps_new();
	fl_usermaps_text(s->users, rec, addr, is_call, out);
}

bool fl_symbols_user_mapping(struct fl_symbols *s, const struct fl_record *rec, uint64_t addr, struct fl_mapping *ret,
			     struct fl_buf *build_id)
{
	return fl_usermaps_mapping(s->users, rec, addr, ret, build_id);
}
