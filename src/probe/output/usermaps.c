/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/usermaps.h"

#include <stdlib.h>
#include <string.h>

#include "base/mapping.h"

#define THREADS 64 /* whose mappings are kept */
#define MAPS_MAX (16u << 20)

struct thread {
	uint32_t tid;
	char comm[FL_COMM_LEN];
	bool known;
	struct fl_file maps;
};

struct fl_usermaps {
	struct thread threads[THREADS];
	struct fl_user_namer namer;
	struct fl_mapping last; /* that was found, for @last_addr of @last_tid; 0: none */
	uint32_t last_tid;
	uint64_t last_addr;
};

struct fl_usermaps *fl_usermaps_new(void)
{
	return calloc(1, sizeof(struct fl_usermaps));
}

void fl_usermaps_name(struct fl_usermaps *m, struct fl_user_namer namer)
{
	m->namer = namer;
}

void fl_usermaps_free(struct fl_usermaps *m)
{
	for (size_t i = 0; m && i < THREADS; i++)
		fl_file_close(&m->threads[i].maps);
	free(m);
}

static bool find(struct fl_str maps, uint64_t addr, struct fl_mapping *ret)
{
	struct fl_str line;

	while (fl_str_line(&maps, &line))
		if (fl_mapping_parse(line, ret) && addr >= ret->start && addr < ret->end)
			return true;
	return false;
}

static bool add_place(const struct fl_mapping *m, uint64_t addr, struct fl_buf *out)
{
	if (!fl_str_starts(m->path, "/"))
		return false;
	fl_buf_add_str(out, m->path);
	fl_buf_addc(out, '[');
	fl_buf_addc(out, '+');
	fl_buf_add_hex(out, addr - m->start);
	fl_buf_addc(out, ']');
	return true;
}

static void read_maps(struct thread *t, const struct fl_record *rec)
{
	_cleanup_buf_ struct fl_buf path = {};

	fl_file_close(&t->maps);
	t->maps = (struct fl_file){};
	t->tid = rec->pid;
	t->known = true;
	memcpy(t->comm, rec->comm, sizeof(t->comm));
	fl_buf_addf(&path, "/proc/%u/maps", rec->pid);
	if (fl_file_open(fl_buf_z(&path), MAPS_MAX, &t->maps) < 0)
		t->maps = (struct fl_file){};
}

/* The name of a function behind the place. */
static void add_name(struct fl_usermaps *u, uint32_t tid, const struct fl_mapping *m, uint64_t addr, bool is_call,
		     struct fl_buf *out)
{
	_cleanup_buf_ struct fl_buf name = {};

	if (!u->namer.text || !u->namer.text(u->namer.ctx, tid, m, addr, is_call, &name))
		return;
	fl_buf_addc(out, ' ');
	fl_buf_add_buf(out, &name);
}

void fl_usermaps_text(struct fl_usermaps *m, const struct fl_record *rec, uint64_t addr, bool is_call,
		      struct fl_buf *out)
{
	struct thread *t = m ? &m->threads[rec->pid % THREADS] : NULL;
	struct fl_mapping at;
	bool found = t && t->known && t->tid == rec->pid && memcmp(t->comm, rec->comm, sizeof(t->comm)) == 0 &&
		     find(fl_file_str(&t->maps), addr, &at);

	if (t && !found) {
		read_maps(t, rec);
		found = find(fl_file_str(&t->maps), addr, &at);
	}
	if (m && !found && m->namer.mapping)
		found = m->namer.mapping(m->namer.ctx, rec->pid, rec->time, addr, &at);
	if (found) {
		m->last = at;
		m->last_addr = addr;
		m->last_tid = rec->pid;
	}
	if (!found || !add_place(&at, addr, out))
		fl_buf_addf(out, " <%016llx>", (unsigned long long)addr);
	if (found)
		add_name(m, rec->pid, &at, addr, is_call, out);
}

bool fl_usermaps_mapping(struct fl_usermaps *m, const struct fl_record *rec, uint64_t addr, struct fl_mapping *ret,
			 struct fl_buf *build_id)
{
	if (!m || !addr || m->last_tid != rec->pid || m->last_addr != addr)
		return false;
	*ret = m->last;
	if (m->namer.build_id)
		m->namer.build_id(m->namer.ctx, rec->pid, ret, build_id);
	return true;
}
