/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counting types: where each one starts, and so which id it has.
 *
 * Types have different lengths, so that each must be looked at to find the next. Where every eighth one
 * starts is noted: 60 kB for vmlinux; a table of all types would cost more page faults than it saves
 * steps. Kinds and lengths are checked on the way, which is all that the functions of btf.c rely on.
 *
 * A file may come from anywhere, and who gives a broken one is told what is wrong with it: the pass
 * checks each name and each reference as well. A reference may go forward to a type that it has not
 * seen yet; so only the highest id is kept, and compared with the count at the end. When that fails, a
 * second pass finds out whose it was, for the message.
 *
 * What the running kernel shows of itself is spared those checks, and is gone over in four pieces by
 * turns. Each step waits for a load that the step before has told the place of; four chains of such
 * steps wait at the same time, and the whole takes less than half as long. Where a piece starts is a
 * guess: a place from which dozens of types in a row make sense. The piece before it proves it right
 * by ending just there; if one does not, all is counted in one piece.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "btf/private.h"
#include "btf/errors.h"

#define ALL 0xffffffffu

const struct fl_btf_layout fl_btf_layouts[FL_BTF_KINDS] = {
	[BTF_KIND_UNKN] = { "void" },
	[BTF_KIND_INT] = { "int", .size = 16 },
	[BTF_KIND_PTR] = { "ptr", .size = 12, .refers = ALL },
	[BTF_KIND_ARRAY] = { "array", .size = 12 + sizeof(struct btf_array) },
	[BTF_KIND_STRUCT] = { "struct", .size = 12, .words = 3, .entry_name = ALL, .entry_type = ALL },
	[BTF_KIND_UNION] = { "union", .size = 12, .words = 3, .entry_name = ALL, .entry_type = ALL },
	[BTF_KIND_ENUM] = { "enum", .size = 12, .words = 2, .entry_name = ALL },
	[BTF_KIND_FWD] = { "fwd", .size = 12 },
	[BTF_KIND_TYPEDEF] = { "typedef", .size = 12, .refers = ALL },
	[BTF_KIND_VOLATILE] = { "volatile", .size = 12, .refers = ALL },
	[BTF_KIND_CONST] = { "const", .size = 12, .refers = ALL },
	[BTF_KIND_RESTRICT] = { "restrict", .size = 12, .refers = ALL },
	[BTF_KIND_FUNC] = { "func", .size = 12, .refers = ALL },
	[BTF_KIND_FUNC_PROTO] = { "func_proto", .size = 12, .words = 2, .refers = ALL,
				  .entry_name = ALL, .entry_type = ALL },
	[BTF_KIND_VAR] = { "var", .size = 12 + sizeof(struct btf_var), .refers = ALL },
	[BTF_KIND_DATASEC] = { "datasec", .size = 12, .words = 3 },
	[BTF_KIND_FLOAT] = { "float", .size = 12 },
	[BTF_KIND_DECL_TAG] = { "decl_tag", .size = 12 + sizeof(struct btf_decl_tag), .refers = ALL },
	[BTF_KIND_TYPE_TAG] = { "type_tag", .size = 12, .refers = ALL },
	[BTF_KIND_ENUM64] = { "enum64", .size = 12, .words = 3, .entry_name = ALL },
};

/* The highest name offset and the highest type id that a type uses. */
struct reach {
	uint32_t name, type;
};

/*
 * Kinds follow each other without order, so a switch would be mispredicted at every second type: what
 * differs between them is masks instead. Names stand in an entry's first word, types in its second;
 * the two exceptions are rare and tested for.
 */
static inline void reach_of(const struct btf_type *t, uint32_t kind, struct reach *r)
{
	const struct fl_btf_layout *l = &fl_btf_layouts[kind];
	const uint32_t *p = (const uint32_t *)(t + 1);
	uint32_t n = l->words ? FL_BTF_VLEN(t->info) : 0;
	uint32_t name = FL_MAX(r->name, t->name_off), type = FL_MAX(r->type, t->type & l->refers);

	for (uint32_t i = 0; i < n; i++, p += l->words) {
		name = FL_MAX(name, p[0] & l->entry_name);
		type = FL_MAX(type, p[1] & l->entry_type);
	}
	*r = (struct reach){ name, type };
	if (__builtin_expect(kind == BTF_KIND_ARRAY, 0))
		r->type = FL_MAX(type, FL_MAX(p[0], p[1]));
	else if (__builtin_expect(kind == BTF_KIND_DATASEC, 0))
		for (p = (const uint32_t *)(t + 1); n; n--, p += 3)
			r->type = FL_MAX(r->type, p[0]);
}

uint64_t fl_btf_unknown_size(const struct fl_btf *btf, uint32_t info)
{
	const uint8_t *l;

	if (!FL_BTF_KIND(info) || (FL_BTF_KIND(info) + 1) * FL_BTF_LAYOUT_SIZE > btf->layout_len)
		return 0;
	l = btf->layout + FL_BTF_KIND(info) * FL_BTF_LAYOUT_SIZE;
	return sizeof(struct btf_type) + l[0] + (uint64_t)l[1] * FL_BTF_VLEN(info);
}

static int fail_type(const struct fl_btf *btf, uint32_t offset, uint32_t id, uint64_t size,
		     const char *place, struct fl_diag *diag)
{
	const struct btf_type *t = fl_btf_at(btf, offset);
	uint32_t left = btf->types_len - offset;

	if (left >= sizeof(*t) && (!size || size % 4))
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_BAD_KIND], place,
				      "type %u at byte %u of the types is of the unknown kind %u", id,
				      offset, FL_BTF_KIND(t->info));
	if (left < sizeof(*t) || size > left)
		return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_TRUNCATED], place,
				      "type %u at byte %u of the types is cut off: %u bytes are left",
				      id, offset, left);
	return fl_fail_in_file(diag, &fl_btf_errors[FL_E_BTF_BAD_NAME], place,
			      "type %u at byte %u of the types has a name outside of the %u bytes of strings",
			      id, offset, btf->strs_start + btf->strs_len);
}

/* The pass found that some id is too high: whose? */
static int fail_reference(const struct fl_btf *btf, const char *place, struct fl_diag *diag)
{
	const struct btf_type *t = fl_btf_at(btf, 0);

	for (uint32_t id = btf->first_id; id < btf->end_id; id++, t = fl_btf_next(btf, t)) {
		struct reach r = {};

		reach_of(t, fl_btf_kind(t), &r);
		if (r.type >= btf->end_id)
			return fl_fail_in_file(
				diag, &fl_btf_errors[FL_E_BTF_BAD_TYPE], place,
				"type %u (%s '%.80s') at byte %u of the types refers to type %u of %u", id,
				fl_btf_layouts[fl_btf_kind(t)].name, fl_btf_str(btf, t->name_off),
				fl_btf_offset(btf, t), r.type, btf->end_id - 1);
	}
	return -EINVAL;
}

/* Room for the marks of all pieces, of which each may begin a mark of its own. */
static int make_marks(struct fl_btf *btf)
{
	/* The smallest type is a header. What is not used of the table is never touched. */
	size_t most = btf->types_len / sizeof(struct btf_type) / FL_BTF_STEP + FL_BTF_PIECES;

	btf->marks = malloc(most * sizeof(*btf->marks));
	return btf->marks ? 0 : -ENOMEM;
}

/* None: every look-up ends at the first. */
static void clear_pieces(struct fl_btf *btf, size_t from)
{
	for (size_t i = from; i <= FL_BTF_PIECES; i++)
		btf->pieces[i] = (struct fl_btf_piece){ .first_id = UINT32_MAX, .start = UINT32_MAX };
}

/* ---- in one piece ---- */

/* False: it is another one's tail. */
static bool is_whole(const struct fl_btf *btf, uint32_t name)
{
	return name <= btf->strs_start || name - btf->strs_start >= btf->strs_len ||
	       !btf->strs[name - btf->strs_start - 1];
}

static int count_whole(struct fl_btf *btf, const char *place, struct fl_diag *diag)
{
	uint32_t strs_end = btf->strs_start + btf->strs_len, at = 0, n = 0;
	bool checks = !btf->is_kernels;
	struct reach r = {};

	btf->pieces[0] = (struct fl_btf_piece){ .first_id = btf->first_id, .marks = btf->marks };
	clear_pieces(btf, 1);
	for (; at < btf->types_len; n++) {
		const struct btf_type *t = fl_btf_at(btf, at);
		uint32_t left = btf->types_len - at;
		uint64_t size = left < sizeof(*t) ? 0 : fl_btf_size(btf, t);

		if (!size || size > left || size % 4)
			return fail_type(btf, at, btf->first_id + n, size, place, diag);
		if (checks)
			reach_of(t, fl_btf_kind(t), &r);
		if (r.name >= strs_end)
			return fail_type(btf, at, btf->first_id + n, size, place, diag);
		btf->whole_names &= !checks || is_whole(btf, t->name_off);
		if (n % FL_BTF_STEP == 0)
			btf->marks[n / FL_BTF_STEP] = at;
		at += (uint32_t)size;
	}
	btf->end_id = btf->first_id + n;
	return r.type < btf->end_id ? 0 : fail_reference(btf, place, diag);
}

/* ---- in pieces ---- */

#define SURE_AFTER 64	     /* types in a row that make sense */
#define GUESSES	   (1 << 14) /* places tried, past the longest type that there may be */
#define WORTH_IT   (1 << 16) /* bytes of types */

/* A piece under way. */
struct run {
	uint32_t at, end, n;
	uint32_t *marks;
	size_t piece;
};

static bool makes_sense(const struct fl_btf *btf, uint32_t at)
{
	for (int i = 0; i < SURE_AFTER; i++) {
		const struct btf_type *t = fl_btf_at(btf, at);

		if (at > btf->types_len - sizeof(*t) || !fl_btf_is_known(t->info) ||
		    t->name_off >= btf->strs_len || !is_whole(btf, t->name_off))
			return false;
		at += (uint32_t)fl_btf_size(btf, t);
	}
	return true;
}

/* Types get shorter towards the end, where functions are: the pieces take about the same number. */
static bool guess_pieces(struct fl_btf *btf)
{
	static const uint32_t percent[FL_BTF_PIECES] = { 0, 35, 62, 82 };

	for (size_t i = 0; i < FL_BTF_PIECES; i++) {
		uint32_t at = btf->types_len / 100 * percent[i] & ~3u, tries = 0;

		while (i && !makes_sense(btf, at) && tries++ < GUESSES)
			at += 4;
		btf->pieces[i] = (struct fl_btf_piece){
			.start = at,
			.marks = btf->marks + at / sizeof(struct btf_type) / FL_BTF_STEP + i,
		};
		if (tries >= GUESSES)
			return false;
	}
	return true;
}

/* A step in each of @n pieces by turns, until one is through: which. -1 at something that is no type. */
static int step_until_one_ends(const struct fl_btf *btf, struct run *runs, int n)
{
	for (;;) {
		for (int i = 0; i < n; i++) {
			struct run *r = &runs[i];
			const struct btf_type *t = fl_btf_at(btf, r->at);

			if (r->at >= r->end)
				return i;
			if (!fl_btf_is_known(t->info))
				return -1;
			if (r->n % FL_BTF_STEP == 0)
				r->marks[r->n / FL_BTF_STEP] = r->at;
			r->at += (uint32_t)fl_btf_size(btf, t);
			r->n++;
		}
	}
}

/* Whether each piece ended where the next one starts; then its first id is known. */
static bool join_pieces(struct fl_btf *btf, const struct run done[static FL_BTF_PIECES])
{
	uint32_t id = btf->first_id;

	for (size_t i = 0; i < FL_BTF_PIECES; i++) {
		if (done[i].at != (i + 1 < FL_BTF_PIECES ? btf->pieces[i + 1].start : btf->types_len))
			return false;
		btf->pieces[i].first_id = id;
		id += done[i].n;
	}
	clear_pieces(btf, FL_BTF_PIECES);
	btf->end_id = id;
	return true;
}

static bool count_pieces(struct fl_btf *btf)
{
	struct run runs[FL_BTF_PIECES] = {}, done[FL_BTF_PIECES] = {};
	int n = FL_BTF_PIECES;

	if (btf->types_len < WORTH_IT || !guess_pieces(btf))
		return false;
	for (int i = 0; i < n; i++)
		runs[i] = (struct run){ .at = btf->pieces[i].start, .marks = btf->pieces[i].marks, .piece = i };
	for (int i = 0; i < n; i++) /* of the last one so that a header may always be read */
		runs[i].end = i + 1 < n ? runs[i + 1].at
					: btf->types_len - (uint32_t)sizeof(struct btf_type) + 1;
	while (n) {
		int over = step_until_one_ends(btf, runs, n);

		if (over < 0)
			return false;
		done[runs[over].piece] = runs[over];
		runs[over] = runs[--n];
	}
	return join_pieces(btf, done);
}

int fl_btf_count(struct fl_btf *btf, const char *place, struct fl_diag *diag)
{
	if (make_marks(btf) < 0)
		return -ENOMEM;
	btf->whole_names = true;
	if (btf->is_kernels && !btf->base && count_pieces(btf))
		return 0;
	return count_whole(btf, place, diag);
}
