/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One link for many definitions. To put a hook on a function makes the kernel wait until no CPU can be in
 * code that it patches, once a link: two hundred links take seconds, and one for two hundred places takes
 * hardly longer than one for one. But a link has one program. So the link's own is a switch: each place has
 * the number of its definition for a cookie, and the switch goes on in that definition's program, which
 * stands in an array of programs under that number and never comes back.
 *
 * An event costs a jump more, and a function's is not the cheapest hook (fentry has no such link); so it is
 * done where there are many. What has to sleep, to see registers that such a link does not give, or to wait
 * for a module has a hook of its own, and so has everything where the kernel refuses the link.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/sys.h"
#include "probe/live/private.h"

#define MANY 32

/* A definition that could be one of many, and where. */
struct member {
	size_t probe;
	enum fl_hook hook;
	struct fl_str path; /* of user code */
	uint64_t place;	    /* an address, or an offset in the file */
};

/* The link that could hold it; false: none. */
static bool find_member(struct fl_session *t, size_t index, struct member *ret)
{
	const struct live_probe *p = &t->probes[index];
	const struct fl_probe_event *e = p->event;

	*ret = (struct member){.probe = index, .hook = fl_points_shared_hook(e)};
	if (ret->hook == _FL_HOOK_MAX || live_check_boundary(t, p, NULL) < 0)
		return false;
	if (e->kind == FL_PROBE_UPROBE) {
		ret->path = e->place.path;
		ret->place = e->place.offset;
		return true;
	}
	return fl_points_address(t->target, e, &ret->place) == 0;
}

static int by_link(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int r = x->hook < y->hook ? -1 : x->hook > y->hook;

	if (r == 0)
		r = fl_str_cmp(x->path, y->path);
	if (r == 0)
		r = x->place < y->place ? -1 : x->place > y->place;
	return r ? r : x->probe < y->probe ? -1 : 1;
}

static bool same_link(const struct member *a, const struct member *b)
{
	return a->hook == b->hook && fl_str_eq(a->path, b->path);
}

/* Goes on in program number COOKIE; what comes behind is reached where there is none. */
static int load_switch(enum fl_hook hook, int programs, struct fl_buf *why)
{
	_cleanup_insns_ struct fl_insns insns = {};
	struct fl_attach_point at = {};
	int r;

	fl_emit_mov(&insns, BPF_REG_6, BPF_REG_1);
	fl_emit_call(&insns, BPF_FUNC_get_attach_cookie);
	fl_emit_mov(&insns, BPF_REG_3, BPF_REG_0);
	fl_emit_mov(&insns, BPF_REG_1, BPF_REG_6);
	fl_emit_map_fd(&insns, BPF_REG_2, programs);
	fl_emit_call(&insns, BPF_FUNC_tail_call);
	fl_emit_movi(&insns, BPF_REG_0, 0);
	fl_emit_exit(&insns);
	r = fl_insns_finish(&insns);
	return r < 0 ? r : fl_prog_load(hook, &at, "foreland_switch", &insns, why);
}

/* Puts the switch on all places; the programs are in the array. */
static int attach_switch(struct live_link *link, const struct member *m, size_t n, const char *path)
{
	uint64_t *places = calloc(2 * n, sizeof(*places));
	struct fl_attach_point at = {.name = path, .addresses = places, .cookies = places + n, .nr_addresses = n};
	int r = places ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++) {
		places[i] = m[i].place;
		places[n + i] = i;
	}
	if (r == 0)
		r = fl_prog_attach(m->hook, &at, link->prog, &link->attached);
	free(places);
	return r;
}

static int fill_array(const struct fl_session *t, struct live_link *link, const struct member *m, size_t n)
{
	int r = 0;

	link->programs = fl_bpf_map_create(&(struct fl_bpf_map){.type = BPF_MAP_TYPE_PROG_ARRAY,
								.name = "fl_programs",
								.key_size = 4,
								.value_size = 4,
								.entries = (uint32_t)n});
	if (link->programs < 0)
		return link->programs;
	for (uint32_t i = 0; i < n && r == 0; i++)
		r = fl_bpf_map_update(link->programs, &i, &t->probes[m[i].probe].prog, BPF_ANY);
	return r;
}

static void close_link(struct live_link *link)
{
	fl_attachment_release(&link->attached);
	live_close(&link->prog);
	live_close(&link->programs);
}

/* All of @m, which are @n, on one link; those whose programs do not load leave it. */
static void make_link(struct fl_session *t, struct member *m, size_t n)
{
	struct live_link link = {.first = m->probe, .prog = -1, .programs = -1, .attached = FL_ATTACHMENT_NONE};
	_cleanup_buf_ struct fl_buf path = {}, why = {};
	size_t loaded = 0;
	int r;

	for (size_t i = 0; i < n; i++)
		if (live_load_for(t, m[i].probe, m[i].hook) == 0)
			m[loaded++] = m[i];
	if (m->path.n)
		fl_target_path(t->target, m->path, &path);
	r = loaded ? fill_array(t, &link, m, loaded) : -ENOENT;
	if (r == 0)
		r = link.prog = load_switch(m->hook, link.programs, &why);
	if (r >= 0)
		r = attach_switch(&link, m, loaded, m->path.n ? fl_buf_z(&path) : NULL);
	for (size_t i = 0; i < loaded; i++) {
		t->probes[m[i].probe].pub.is_shared = r >= 0;
		if (r < 0)
			live_unload(&t->probes[m[i].probe]);
	}
	link.first = m->probe;
	if (r < 0)
		close_link(&link);
	else
		t->links[t->nr_links++] = link;
}

int live_load_many(struct fl_session *t)
{
	struct member *m;
	size_t n = 0;

	if (t->n < MANY)
		return 0;
	m = calloc(t->n, sizeof(*m));
	t->links = calloc(t->n / MANY, sizeof(*t->links));
	if (!m || !t->links) {
		free(m);
		return -ENOMEM;
	}
	for (size_t i = 0; i < t->n; i++)
		n += find_member(t, i, &m[n]);
	qsort(m, n, sizeof(*m), by_link);
	for (size_t from = 0, to; from < n; from = to) {
		size_t kept = from;

		/* Twice on one place of the kernel is, by its version, once: the second has a hook of its own. */
		for (to = from; to < n && same_link(&m[from], &m[to]); to++)
			if (to == from || m[from].path.n || m[to].place != m[to - 1].place)
				m[kept++] = m[to];
		if (kept - from >= MANY)
			make_link(t, &m[from], kept - from);
	}
	free(m);
	return 0;
}

static uint64_t link_missed(const struct live_link *link)
{
	return fl_attachment_missed(&link->attached) + live_prog_missed(link->prog);
}

void live_detach_many(struct fl_session *t)
{
	for (size_t i = 0; i < t->nr_links; i++) {
		struct live_link *link = &t->links[i];

		t->probes[link->first].missed_together += link_missed(link);
		close_link(link);
	}
	t->nr_links = 0;
}

uint64_t live_missed_many(const struct fl_session *t, size_t probe)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < t->nr_links; i++)
		if (t->links[i].first == probe)
			missed += link_missed(&t->links[i]);
	return missed;
}
