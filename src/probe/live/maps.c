/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The maps of a session, of all its programs and of one probe. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bpf/sys.h"
#include "probe/live/private.h"

#define DEFAULT_RING	(512u << 10)
#define ENTRY_WORDS_MAX 8192  /* calls that may be under way at once */

void live_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Before 5.11 maps counted against the limit of locked memory. */
void live_lift_memlock(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_MEMLOCK, &all);
}

static size_t whole_pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

static int make_control(struct fl_session *t)
{
	uint32_t size = t->env.nr_cpus * fl_control_stride((uint32_t)t->nr_slots);
	void *p;

	t->control = fl_bpf_map_create(&(struct fl_bpf_map){.type = BPF_MAP_TYPE_ARRAY,
							    .name = "fl_control",
							    .key_size = 4,
							    .value_size = size,
							    .entries = 1,
							    .flags = BPF_F_MMAPABLE});
	if (t->control < 0)
		return t->control;
	t->counts_size = whole_pages(size);
	p = mmap(NULL, t->counts_size, PROT_READ, MAP_SHARED, t->control, 0);
	if (p == MAP_FAILED)
		return -errno;
	t->counts = p;
	return 0;
}

int live_make_maps(struct fl_session *t)
{
	size_t ring = t->opts.ring_bytes ? t->opts.ring_bytes : DEFAULT_RING;
	int cpus = fl_bpf_possible_cpus(), r;

	if (cpus < 0)
		return cpus;
	t->env.nr_cpus = (uint32_t)cpus;
	t->env.nr_events = (uint16_t)t->nr_slots;
	r = make_control(t);
	t->rings = t->opts.rings;
	t->env.first_event = t->opts.first_event;
	if (r == 0 && !t->rings)
		r = fl_rings_create((uint32_t)cpus, ring, &t->rings);
	if (r < 0)
		return r;
	t->env.control_fd = t->control;
	t->env.rings_fd = fl_rings_fd(t->rings);
	t->env.spare_fd = fl_rings_spare(t->rings);
	for (size_t i = 0; t->env.rings_fd < 0 && i < FL_RINGS_NAMED; i++)
		if (fl_rings_get(t->rings, i, &t->env.ring_cpu[i], &t->env.ring_fd[i]))
			t->env.nr_rings++;
	return 0;
}

/* The record is built here where its strings' lengths are not known before. */
int live_make_scratch(struct live_probe *p)
{
	uint32_t size = (p->pub.schema.layout.max_size + 7) / 8 * 8 +
			fl_gen_path_scratch(&p->pub.schema.layout);

	if (!p->pub.schema.layout.nr_strings && !p->pub.schema.layout.stacks && !p->filter.n &&
	    !p->pub.is_counted && !p->pub.schema.layout.raw_offset)
		return 0;
	if (p->pub.is_counted)
		size = fl_gen_hist_scratch(&p->pub.schema.layout, p->counted_by, p->nr_counted_by);
	p->scratch = fl_bpf_map_create(&(struct fl_bpf_map){.type = BPF_MAP_TYPE_PERCPU_ARRAY,
							    .name = "fl_scratch",
							    .key_size = 4,
							    .value_size = size,
							    .entries = FL_GEN_SCRATCHES});
	return FL_MIN(p->scratch, 0);
}

int live_make_entry_map(struct live_probe *p)
{
	if (!p->event->nr_entry_args || fl_hooks[p->pub.hook].ctx != FL_CTX_REGS)
		return 0;
	p->entry_map = fl_bpf_map_create(
		&(struct fl_bpf_map){.type = BPF_MAP_TYPE_HASH,
				     .name = "fl_entry",
				     .key_size = 8,
				     .value_size = 8 * (uint32_t)p->event->nr_entry_args,
				     .entries = ENTRY_WORDS_MAX});
	return FL_MIN(p->entry_map, 0);
}
