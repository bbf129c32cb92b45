// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bad inputs 41 to 53 of doc/spec/epdma-bad-inputs.rst: what a hostile host can do to the engine. Each
 * row is tried with every register map, in both directions, and in both modes: the default and
 * --trusted, which is the posted model (the host may name any endpoint memory and any channel).
 *
 * Whatever comes of a row, no byte may move that it does not tell of, and the engine must then do a
 * good list. What is expected follows from the databook's public register descriptions.
 */
#include <errno.h>
#include <pthread.h>

#include "base/util.h"
#include "engine-rig.h"

enum comes {
	ABORTS,	 /* status and reason say so, nothing moved */
	REFUSED, /* an access that reaches nothing: counted, the channel stays as it was */
	IGNORED, /* not even counted */
	ENDS,	 /* legal: the list came to its end without a byte */
	MOVES,	 /* legal: eight bytes, and the list came to its end */
	RUNS,	 /* legal, and goes on until it is stopped */
};

struct bad {
	unsigned int row;
	const char *what;
	void (*drive)(struct rig *r, const struct bad *b);
	enum comes fixed, trusted;
	/* of a list of one slot */
	uint64_t llp;
	uint32_t ctl, size;
	uint64_t ep, host;
};

/* A slot as a host stores it, where there is memory. */
static void store_slot(struct rig *r, uint64_t at, uint32_t ctl, uint32_t size, uint64_t src, uint64_t dst)
{
	uint8_t slot[24];

	memcpy(slot, &ctl, 4);
	memcpy(slot + 4, &size, 4);
	memcpy(slot + 8, &src, 8);
	memcpy(slot + 16, &dst, 8);
	(void)fl_mem_write(r->ep, at, slot, sizeof(slot));
}

/* One element of eight bytes, and a stale slot. */
static void good_list(struct rig *r)
{
	put(r, 0, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
	put(r, 1, 0, 0, 0, 0);
}

static void one_slot(struct rig *r, const struct bad *b)
{
	memset(r->desc, 0, sizeof(r->desc));
	store_slot(r, b->llp, b->ctl, b->size, src_of(r, b->ep, b->host), dst_of(r, b->ep, b->host));
	start(r, b->llp);
	run(r);
}

static void two_links(struct rig *r, const struct bad *b)
{
	put(r, 0, LLP, 0, DESC + 24, 0);
	put(r, 1, LLP, 0, DESC, 0);
	start(r, DESC);
	run(r);
}

static void empty_ring(struct rig *r, const struct bad *b)
{
	put(r, 0, CB, 0, 0, 0);
	put(r, 1, LLP, 0, DESC, 0);
	start(r, DESC);
	run(r);
}

/* Links with an element of no bytes behind each; then eight bytes, and a stale slot. */
static void many_links(struct rig *r, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		put(r, 2 * i, LLP, 0, DESC + 24 * (2 * i + 1), 0);
		put(r, 2 * i + 1, CB, 0, 0, 0);
	}
	put(r, 2 * n, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
	put(r, 2 * n + 1, 0, 0, 0, 0);
	start(r, DESC);
	run(r);
}

static void sixteen_links(struct rig *r, const struct bad *b)
{
	many_links(r, 16);
}

static void seventeen_links(struct rig *r, const struct bad *b)
{
	many_links(r, 17);
}

static void full_ring(struct rig *r, const struct bad *b)
{
	good_list(r);
	put(r, 1, LLP, 0, DESC, 0);
	start(r, DESC);
	assert_true(fl_engine_run(r->e, 4));
}

static void toggle_on_data(struct rig *r, const struct bad *b)
{
	put(r, 0, CB | TCB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
	put(r, 1, 0, 0, 0, 0);
	start(r, DESC);
	run(r);
}

static void taken_back(struct rig *r, const struct bad *b)
{
	assert_int_equal(fl_engine_release(r->e, r->dir, r->ch, true), 0);
	good_list(r);
	start(r, DESC);
	run(r);
	assert_int_equal(fl_engine_claim(r->e, r->dir, r->ch), 0);
}

static void no_such_channel(struct rig *r, const struct bad *b)
{
	good_list(r);
	if (r->map == FL_EPDMA_NATIVE)
		fl_engine_write(r->e, 0x200 * 5 + 0x100 * r->dir + 4, 1);
	else
		fl_engine_write(r->e, r->dir ? 0x30 : 0x10, 5);
	run(r);
}

static void while_disabled(struct rig *r, const struct bad *b)
{
	good_list(r);
	engine_enable(r, 0);
	ring(r);
	run(r);
}

static void half_a_word(struct rig *r, const struct bad *b)
{
	fl_engine_write(r->e, chbase(r) + 2, 0xffffffff);
	assert_int_equal(fl_engine_read(r->e, chbase(r) + 2), 0);
}

static void past_the_window(struct rig *r, const struct bad *b)
{
	fl_engine_write(r->e, 0xfffffffc, 1);
	assert_int_equal(fl_engine_read(r->e, 0xfffffffc), 0);
	assert_int_equal(fl_engine_read(r->e, 0x10000), 0);
}

static void stop_engine(struct rig *r)
{
	if (r->map == FL_EPDMA_NATIVE)
		fl_engine_write(r->e, chbase(r) + 4, 2);
	else
		fl_engine_write(r->e, r->dir ? 0x30 : 0x10, 1u << 31 | r->ch);
}

static void ring_while_running(struct rig *r, const struct bad *b)
{
	full_ring(r, b);
	ring(r);
	ring(r);
	assert_true(fl_engine_run(r->e, 4));
}

static void stop_while_idle(struct rig *r, const struct bad *b)
{
	engine_enable(r, 0);
	stop_engine(r);
	run(r);
}

/* The done and abort messages' addresses are 0 after a reset, and no memory is at address 0. */
static void message_to_nowhere(struct rig *r, const struct bad *b)
{
	unsigned int before = r->msgs;

	put(r, 0, CB | LIE | RIE, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
	put(r, 1, 0, 0, 0, 0);
	start(r, DESC);
	run(r);
	assert_int_equal(r->msgs, before);
}

static void reset_in_the_middle(struct rig *r, const struct bad *b)
{
	put(r, 0, CB, 600000, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
	start(r, DESC);
	assert_true(fl_engine_run(r->e, 1));
	engine_enable(r, 0);
	assert_false(fl_engine_run(r->e, 1));
	assert_int_equal(llp(r), 0);
	assert_int_equal(status(r), 0);
}

/* The host unmaps what an element is working on. */
static void unmapped_in_the_middle(struct rig *r, const struct bad *b)
{
	put(r, 0, CB, 400000, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
	start(r, DESC);
	assert_true(fl_engine_run(r->e, 1));
	assert_int_equal(fl_mem_del(r->host, HOSTM, 1 << 19), 0);
	run(r);
	add(r->host, HOSTM, r->hostm, 1 << 19, FL_MEM_READ | FL_MEM_WRITE);
}

#define END (1u << 20)

static const struct bad rows[] = {
	{ 41, "doorbell of a channel that was taken back", taken_back, REFUSED, MOVES },
	{ 41, "doorbell of a channel that there is not", no_such_channel, REFUSED, REFUSED },
	{ 42, "doorbell of a disabled engine", while_disabled, REFUSED, REFUSED },
	{ 43, "link to itself", one_slot, ABORTS, ABORTS, DESC, LLP, 0, DESC, DESC },
	{ 43, "link with toggle to itself", one_slot, ABORTS, ABORTS, DESC, LLP | TCB, 0, DESC, DESC },
	{ 43, "two links in a circle", two_links, ABORTS, ABORTS },
	{ 43, "a ring of nothing", empty_ring, ABORTS, ABORTS },
	{ 43, "16 links without a byte", sixteen_links, MOVES, MOVES },
	{ 43, "17 links without a byte", seventeen_links, ABORTS, ABORTS },
	{ 43, "a ring of data", full_ring, RUNS, RUNS },
	{ 44, "list in RAM", one_slot, ABORTS, MOVES, RAM + 4096, CB, 8, RAM, HOSTM },
	{ 44, "list nowhere", one_slot, ABORTS, ABORTS, 0xdead0000, CB, 8, RAM, HOSTM },
	{ 44, "list across the end of its memory", one_slot, ABORTS, ABORTS, DESC + 8192 - 16, CB, 8, RAM, HOSTM },
	{ 44, "list at the end of the space", one_slot, ABORTS, ABORTS, UINT64_MAX - 7, CB, 8, RAM, HOSTM },
	{ 44, "link nowhere", one_slot, ABORTS, ABORTS, DESC, LLP, 0, 0x10, 0x10 },
	{ 45, "list unaligned", one_slot, ABORTS, ABORTS, DESC + 4, CB, 8, RAM, HOSTM },
	{ 45, "link unaligned", one_slot, ABORTS, ABORTS, DESC, LLP, 0, DESC + 2, DESC + 2 },
	{ 46, "endpoint nowhere", one_slot, ABORTS, ABORTS, DESC, CB, 8, 0x10, HOSTM },
	{ 46, "endpoint past its end", one_slot, ABORTS, ABORTS, DESC, CB, 16, RAM + END - 15, HOSTM },
	{ 46, "endpoint wraps", one_slot, ABORTS, ABORTS, DESC, CB, 0x100, UINT64_MAX - 0x7f, HOSTM },
	{ 46, "endpoint not on the list", one_slot, ABORTS, MOVES, DESC, CB, 8, SECRET, HOSTM },
	{ 46, "endpoint descriptor memory", one_slot, ABORTS, MOVES, DESC, CB, 8, DESC + 4096, HOSTM },
	{ 46, "host nowhere", one_slot, ABORTS, ABORTS, DESC, CB, 8, RAM, 0x10 },
	{ 46, "host past its end", one_slot, ABORTS, ABORTS, DESC, CB, 16, RAM, HOSTM + END - 15 },
	{ 46, "host wraps", one_slot, ABORTS, ABORTS, DESC, CB, 0x100, RAM, UINT64_MAX - 0x7f },
	{ 47, "size 0 looks at no address", one_slot, ENDS, ENDS, DESC, CB, 0, 0x10, 0x10 },
	{ 47, "largest size", one_slot, ABORTS, ABORTS, DESC, CB, 0xffffffff, RAM, HOSTM },
	{ 48, "cycle bit of the other lap", one_slot, ENDS, ENDS, DESC, 0, 8, RAM, HOSTM },
	{ 48, "toggle on a data element", toggle_on_data, MOVES, MOVES },
	{ 49, "half a word", half_a_word, REFUSED, REFUSED },
	{ 49, "past the window", past_the_window, REFUSED, REFUSED },
	{ 50, "doorbell while running", ring_while_running, RUNS, RUNS },
	{ 50, "stop while idle", stop_while_idle, IGNORED, IGNORED },
	{ 51, "message to address 0", message_to_nowhere, MOVES, MOVES },
	{ 52, "reset in the middle", reset_in_the_middle, IGNORED, IGNORED },
	{ 52, "unmapped in the middle", unmapped_in_the_middle, ABORTS, ABORTS },
};

/* Where the eight bytes of a row that moves them go to. */
static uint8_t *lands(struct rig *r, const struct bad *b)
{
	uint64_t ep = b->drive == one_slot ? b->ep : RAM;

	if (r->dir == FL_EPDMA_WRITE)
		return r->hostm;
	return ep == SECRET ? r->secret : ep == RAM ? r->ram : r->desc + (ep - DESC);
}

static const uint8_t *comes_from(struct rig *r, const struct bad *b)
{
	uint64_t ep = b->drive == one_slot ? b->ep : RAM;

	if (r->dir == FL_EPDMA_READ)
		return r->hostm;
	return ep == SECRET ? r->secret : ep == RAM ? r->ram : r->desc + (ep - DESC);
}

static bool as_told(struct rig *r, const struct bad *b, enum comes want, const struct fl_engine_stats *before)
{
	struct fl_engine_stats now;

	fl_engine_stats(r->e, &now);
	switch (want) {
	case ABORTS:
		return aborted(r) && now.aborts == before->aborts + 1;
	case REFUSED:
		return now.refused_regs > before->refused_regs && now.aborts == before->aborts &&
		       now.elements == before->elements;
	case IGNORED:
		return now.refused_regs == before->refused_regs && now.aborts == before->aborts &&
		       now.elements == before->elements;
	case ENDS:
		return status(r) == 3 && now.bytes == before->bytes && now.aborts == before->aborts;
	case MOVES:
		return status(r) == 3 && now.bytes == before->bytes + 8 &&
		       !memcmp(lands(r, b), comes_from(r, b), 8);
	case RUNS:
		if (status(r) != 1)
			return false;
		stop_engine(r);
		return !fl_engine_run(r->e, 1) && status(r) == 3;
	}
	return false;
}

/* Nothing else may have changed: memories as they were, but for what the row tells of. */
static void check_rest(struct rig *r, const struct bad *b, enum comes want, const struct rig *was)
{
	bool some = want == MOVES || want == RUNS || b->row == 52;
	size_t skip = !some ? 0 : b->row == 52 ? 600000 : 8;
	size_t host = r->dir == FL_EPDMA_WRITE ? skip : 0, ram = r->dir == FL_EPDMA_READ ? skip : 0;

	assert_memory_equal(r->hostm + host, was->hostm + host, sizeof(r->hostm) - host);
	assert_memory_equal(r->ram + ram, was->ram + ram, 4096 - FL_MIN(ram, 4096u));
	assert_memory_equal(r->ram + FL_MAX(ram, 4120u), was->ram + FL_MAX(ram, 4120u),
			    sizeof(r->ram) - FL_MAX(ram, 4120u)); /* a list was put in between */
	if (!(want == MOVES && b->ep == SECRET && r->dir == FL_EPDMA_READ))
		assert_memory_equal(r->secret, was->secret, sizeof(r->secret));
}

static void lives_on(struct rig *r)
{
	uint8_t *from = r->dir ? r->hostm : r->ram, *to = r->dir ? r->ram : r->hostm;

	memset(from, 0x3c, 8);
	memset(to, 0, 8);
	engine_enable(r, 0);
	good_list(r);
	start(r, DESC);
	run(r);
	assert_int_equal(status(r), 3);
	assert_memory_equal(to, from, 8);
}

static void try_row(const struct bad *b, struct rig *r, bool trusted)
{
	static struct rig was;
	enum comes want = trusted ? b->trusted : b->fixed;
	struct fl_engine_stats before;

	memset(r->secret, 0x77, sizeof(r->secret));
	memset(r->ram, 0x11, 8);
	memset(r->hostm, 0x22, 8);
	if (r->map == FL_EPDMA_NATIVE)
		fl_engine_write(r->e, chbase(r) + 0x8c, 7);
	else
		fl_engine_write(r->e, r->dir ? 0xac : 0x58, 0x00ff00ff);
	was = *r;
	fl_engine_stats(r->e, &before);
	b->drive(r, b);
	if (!as_told(r, b, want, &before))
		fail_msg("%u, %s: map %u, direction %u, %s: status %u", b->row, b->what, r->map, r->dir,
			 trusted ? "trusted" : "default", status(r));
	check_rest(r, b, want, &was);
	lives_on(r);
}

static void bad_inputs(void **state)
{
	for (int trusted = 0; trusted < 2; trusted++)
		FOR_EACH_KIND(r, trusted, NULL)
			for (size_t i = 0; i < FL_ARRAY_SIZE(rows); i++)
				try_row(&rows[i], r, trusted);
}

/* ---- 53: the host rewrites descriptors under the walker ---- */

struct rewriter {
	struct rig *r;
	bool quit;
};

#define RING 16u

static uint64_t *word_of(struct rig *r, unsigned int slot, unsigned int off)
{
	return (uint64_t *)(r->desc + 24 * slot + off);
}

/* Each field by itself becomes something else and back, as fast as this thread can. */
static void *rewrite(void *arg)
{
	struct rewriter *w = arg;
	unsigned int ep = w->r->dir == FL_EPDMA_WRITE ? 8 : 16;

	for (unsigned int k = 0; !__atomic_load_n(&w->quit, __ATOMIC_RELAXED); k++) {
		unsigned int slot = k / 6 % RING;
		uint32_t *ctl = (uint32_t *)word_of(w->r, slot, 0);

		switch (k % 6) {
		case 0:
			__atomic_store_n(word_of(w->r, slot, ep), SECRET, __ATOMIC_RELAXED);
			break;
		case 1:
			__atomic_store_n(word_of(w->r, slot, ep), RAM, __ATOMIC_RELAXED);
			break;
		case 2:
			__atomic_store_n(ctl + 1, 0xffffffff, __ATOMIC_RELAXED);
			break;
		case 3:
			__atomic_store_n(ctl + 1, 8, __ATOMIC_RELAXED);
			break;
		case 4:
			__atomic_store_n(ctl, LLP, __ATOMIC_RELEASE);
			break;
		case 5:
			__atomic_store_n(ctl, CB, __ATOMIC_RELEASE);
			break;
		}
	}
	return NULL;
}

static void rewritten(struct rig *r, bool trusted)
{
	struct rewriter w = { .r = r };
	struct fl_engine_stats st = {};
	pthread_t thread;

	memset(r->secret, 0x77, sizeof(r->secret));
	memset(r->ram, 0x11, 8);
	memset(r->hostm, 0x22, 8);
	for (unsigned int i = 0; i < RING; i++)
		put(r, i, CB, 8, src_of(r, RAM, HOSTM), dst_of(r, RAM, HOSTM));
	put(r, RING, LLP, 0, DESC, 0);
	assert_int_equal(pthread_create(&thread, NULL, rewrite, &w), 0);
	while (st.elements < 100000 || st.aborts < 1000) { /* both: the threads did meet */
		if (status(r) != 1)
			start(r, DESC);
		fl_engine_run(r->e, 1);
		fl_engine_stats(r->e, &st);
	}
	__atomic_store_n(&w.quit, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	if (trusted)
		return;
	for (unsigned int i = 0; i < sizeof(r->secret); i++)
		assert_int_equal(r->secret[i], 0x77);
	assert_memory_equal(r->hostm, r->dir ? "\x22\x22\x22\x22" : "\x11\x11\x11\x11", 4);
}

static void rewritten_descriptors(void **state)
{
	for (int trusted = 0; trusted < 2; trusted++)
		FOR_EACH_KIND(r, trusted, NULL) {
			struct rig *was = malloc(sizeof(*was));

			memcpy(was, r, sizeof(*was));
			rewritten(r, trusted);
			assert_memory_equal(r->hostm + 8, was->hostm + 8, sizeof(r->hostm) - 8);
			assert_memory_equal(r->ram + 8, was->ram + 8, sizeof(r->ram) - 8);
			free(was);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_inputs),
		cmocka_unit_test(rewritten_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
