/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A record is "BYTES CALLS FILE:LINE [MODULE] func:NAME WORDS...", separated by blanks: the widths
 * that the kernel pads to overflow, so columns mean nothing. The module is optional, and so are the
 * words; "accurate:no" among them is known since 2.0, any other one is kept for whoever knows it.
 *
 * A file name may hold blanks (a user program's may), hence the tag's info is cut at " func:", with
 * one shortcut: where the first word is followed by "func:" or "[" it is the whole place.
 *
 * A dump of 100,000 tags is to be read in little more time than it takes to find its line ends. So
 * nothing is copied, and a line as the kernel writes nearly all of them (usual_record()) goes a way of
 * its own, on which hardly anything can be otherwise. What it does not know it leaves to the parser
 * behind it, which takes each field for itself, and knows what to say of a fault.
 */
#include "alloc/sources/text.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/bytes.h"
#include "base/num.h"
#include "base/util.h"

/*
 * What a line without faults goes through is one function in the end: the cursor then lives in
 * registers, and no step waits for what the last one has stored. Nothing outside may see its address.
 */
#define HOT static inline __attribute__((always_inline))
#define COLD static __attribute__((noinline, cold))

struct cursor {
	struct fl_str line;
	size_t at;
	struct fl_diag *diag;
};

static const char heading[] = "allocinfo - version: ";

COLD int fail_at(struct fl_diag *diag, enum fl_alloc_error code, size_t start, size_t end)
{
	return fl_diag_set(diag, &fl_alloc_errors[code],
			   (struct fl_span){ (uint32_t)start, (uint32_t)end });
}

HOT int fail(const struct cursor *c, enum fl_alloc_error code, size_t start, size_t end)
{
	return fail_at(c->diag, code, start, end);
}

/* The kernel pads its numbers: most blanks come by the eight. */
HOT void skip_blanks(struct cursor *c)
{
	while (c->line.n - c->at >= 8) {
		uint64_t differs = fl_get_le64(c->line.p + c->at) ^ 0x2020202020202020ULL;

		if (differs) {
			c->at += (unsigned int)__builtin_ctzll(differs) / 8;
			break;
		}
		c->at += 8;
	}
	while (c->at < c->line.n && (c->line.p[c->at] == ' ' || c->line.p[c->at] == '\t'))
		c->at++;
}

HOT size_t word_end(const struct cursor *c, size_t from)
{
	return fl_str_find(c->line, ' ', from);
}

#define EACH_BYTE(b) (0x0101010101010101ULL * (b))

/* Of eight characters: each digit's value, and a mask that is clear in the bytes that are digits. */
HOT uint64_t digit_values(const char *p, uint64_t *ret_others)
{
	uint64_t v = fl_get_le64(p) ^ EACH_BYTE('0');

	*ret_others = (((v & EACH_BYTE(0x0f)) + EACH_BYTE(6)) | v) & EACH_BYTE(0xf0);
	return v;
}

/* Eight digits' values, the most significant in the lowest byte: pairs, fours, and all. */
HOT uint64_t eight_digits(uint64_t v)
{
	v = v * 10 + (v >> 8);
	return ((v & 0x000000ff000000ffULL) * (100 + (1000000ULL << 32)) +
		(v >> 16 & 0x000000ff000000ffULL) * (1 + (10000ULL << 32))) >> 32;
}

/* Any number of them; returns where they end. */
COLD const char *many_digits(const char *p, const char *end, uint64_t *ret, bool *ret_fits)
{
	const char *start = p;
	uint64_t v = 0;
	bool fits = true;

	for (; p < end && (unsigned char)(*p - '0') < 10; p++) {
		unsigned int d = *p - '0';

		if (p - start < 19)
			v = v * 10 + d;
		else if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
			fits = false;
	}
	*ret = v;
	*ret_fits = fits;
	return p;
}

/*
 * Digits at the cursor; false where they do not fit. The caller checks that there are some. Up to
 * seven are taken at once: their number is what a processor cannot guess.
 */
HOT bool digits(struct cursor *c, uint64_t *ret)
{
	const char *p = c->line.p + c->at, *end = c->line.p + c->line.n;
	uint64_t v, others = 0;
	unsigned int n;
	bool fits;

	if (end - p >= 8)
		v = digit_values(p, &others);
	if (!others || (others & 0xff)) {
		c->at = (size_t)(many_digits(p, end, &v, &fits) - c->line.p);
		*ret = v;
		return fits;
	}
	n = (unsigned int)__builtin_ctzll(others) / 8;
	c->at += n;
	*ret = eight_digits(v << (64 - 8 * n));
	return true;
}

/* A number that ends with a blank; @code is its kind's error, the next row the range error. */
HOT int number(struct cursor *c, enum fl_alloc_error code, uint64_t *ret)
{
	size_t start = c->at;
	bool fits = digits(c, ret);

	if (c->at == start || c->at == c->line.n || c->line.p[c->at] != ' ')
		return fail(c, code, start, word_end(c, start));
	return fits ? 0 : fail(c, code + 1, start, c->at);
}

HOT int parse_bytes(struct cursor *c, int64_t *ret)
{
	bool negative = c->at < c->line.n && c->line.p[c->at] == '-';
	size_t start = c->at;
	uint64_t v;
	int r;

	c->at += negative;
	r = number(c, FL_ALLOC_BYTES, &v);
	if (r < 0)
		return r;
	if (v > (uint64_t)INT64_MAX + negative)
		return fail(c, FL_ALLOC_BYTES_RANGE, start, c->at);
	*ret = negative ? (int64_t)-v : (int64_t)v;
	return 0;
}

/* Where the digits begin that end at @end; their value where that fits. */
HOT size_t digits_before(const struct cursor *c, size_t end, uint64_t *ret)
{
	uint64_t v, others, scale = 1;
	size_t at = end;
	unsigned int n;

	if (end - c->at >= 8) {
		v = digit_values(c->line.p + end - 8, &others);
		if (others && !(others >> 56)) {
			n = (unsigned int)__builtin_clzll(others) / 8;
			*ret = eight_digits(v >> (64 - 8 * n) << (64 - 8 * n));
			return end - n;
		}
	}
	for (*ret = 0; at > c->at && (unsigned char)(c->line.p[at - 1] - '0') < 10; scale *= 10)
		*ret += scale * (uint64_t)(c->line.p[--at] - '0');
	return at;
}

/* Eight characters, blanks and then one to seven digits. */
HOT bool aligned_number(const char *p, uint64_t *ret)
{
	uint64_t others, v = digit_values(p, &others);
	unsigned int n;

	if (!others || others >> 56)
		return false;
	n = (unsigned int)__builtin_clzll(others) / 8;
	if ((fl_get_le64(p) ^ EACH_BYTE(' ')) & ~0ULL >> (8 * n))
		return false;
	*ret = eight_digits(v >> (64 - 8 * n) << (64 - 8 * n));
	return true;
}

/*
 * Both numbers where they stand in the kernel's columns, as they nearly always do: then neither they
 * nor the place have to wait for the end of what stands before them.
 */
HOT bool parse_columns(struct cursor *c, struct fl_alloc_record *r)
{
	const char *p = c->line.p;
	uint64_t bytes;

	if (c->line.n < 24 || p[12] != ' ' || p[21] != ' ' || p[22] == ' ' ||
	    fl_get_le32(p) != 0x20202020 || !aligned_number(p + 4, &bytes) ||
	    !aligned_number(p + 13, &r->calls))
		return false;
	r->bytes = (int64_t)bytes;
	c->at = 22;
	return true;
}

/* FILE:LINE at the cursor, up to @end. */
HOT int parse_place(struct cursor *c, size_t end, struct fl_alloc_record *r)
{
	size_t start = c->at, colon = digits_before(c, end, &r->line);

	if (colon < start + 2 || c->line.p[colon - 1] != ':')
		return fail(c, memchr(c->line.p + start, ':', end - start) ? FL_ALLOC_LINE_NUMBER
									   : FL_ALLOC_PLACE,
			    start, end);
	if (colon == end || end - colon > 19)
		return fail(c, FL_ALLOC_LINE_NUMBER, colon, end);
	r->file = fl_str_sub(c->line, start, colon - 1 - start);
	c->at = end;
	return 0;
}

HOT bool at_word(const struct cursor *c, size_t at, const char *word, size_t n)
{
	return c->line.n - at >= n && memcmp(c->line.p + at, word, n) == 0;
}

/* The same where the first word is not followed by what should follow it. */
COLD size_t place_end_far(struct fl_str line, size_t at, size_t first)
{
	const char *func = memmem(line.p + at, line.n - at, " func:", 6), *bracket;

	if (!func)
		return first;
	first = func - line.p;
	if (func[-1] != ']')
		return first;
	bracket = memrchr(line.p + at, '[', first - at);
	if (!bracket || bracket == line.p + at || bracket[-1] != ' ')
		return first;
	return bracket - 1 - line.p;
}

/* Where FILE:LINE ends; the end of the first word where nothing is as it should be. */
HOT size_t place_end(const struct cursor *c)
{
	size_t first = word_end(c, c->at), next = first + 1;

	if (next < c->line.n && (c->line.p[next] == '[' || at_word(c, next, "func:", 5)))
		return first;
	return place_end_far(c->line, c->at, first);
}

HOT int parse_module(struct cursor *c, struct fl_alloc_record *r)
{
	size_t start = c->at, end;

	if (c->at == c->line.n || c->line.p[c->at] != '[')
		return 0;
	end = word_end(c, start);
	if (end < start + 3 || c->line.p[end - 1] != ']')
		return fail(c, FL_ALLOC_MODULE, start, end);
	r->module = fl_str_sub(c->line, start + 1, end - start - 2);
	c->at = end;
	skip_blanks(c);
	return 0;
}

HOT int parse_function(struct cursor *c, struct fl_alloc_record *r)
{
	size_t end = word_end(c, c->at);

	if (!at_word(c, c->at, "func:", 5) || end < c->at + 6)
		return fail(c, FL_ALLOC_FUNCTION, c->at, end);
	r->function = fl_str_sub(c->line, c->at + 5, end - c->at - 5);
	c->at = end;
	return 0;
}

static bool word_number(struct fl_str word, const char *key, uint64_t *ret)
{
	return fl_str_starts(word, key) &&
	       fl_parse_u64(fl_str_from(word, strlen(key)), 10, ret) == 0;
}

/* "from:FILE+0xADDRESS": a caller of the frame before it. */
static bool word_frame(struct fl_str word, struct fl_alloc_frame *ret)
{
	size_t at = word.n;

	if (!fl_str_starts(word, "from:"))
		return false;
	while (at > 5 && word.p[at - 1] != '+')
		at--;
	if (at <= 5 || fl_parse_u64(fl_str_from(word, at), 0, &ret->offset) < 0)
		return false;
	ret->module = fl_str_sub(word, 5, at - 1 - 5);
	return true;
}

static bool known_word(struct fl_str word, struct fl_alloc_words *w)
{
	uint64_t v;

	if (word_number(word, "peak:", &v)) {
		w->more.peak_bytes = (int64_t)v;
		w->more.has_peak = true;
	} else if (word_number(word, "total:", &w->more.total_bytes)) {
		w->more.has_total = true;
	} else if (word_number(word, "at_peak:", &v)) {
		w->more.at_bytes = (int64_t)v;
	} else if (word_number(word, "at_peak_calls:", &v)) {
		w->more.at_calls = (int64_t)v;
	} else if (!word_number(word, "total_calls:", &w->more.total_calls)) {
		if (w->n == FL_ALLOC_FRAMES_MAX || !word_frame(word, &w->frames[w->n]))
			return false;
		w->n++;
	}
	return true;
}

COLD void clear_words(struct fl_alloc_words *w)
{
	w->more = (struct fl_alloc_more){};
	memset(w->frames, 0, w->n * sizeof(w->frames[0]));
	w->n = 0;
	w->any = false;
}

/*
 * Known words are taken in, into @w where the reader wants them; what is unknown is kept as one
 * piece, from the first on.
 */
COLD void parse_words(struct fl_str rest, struct fl_alloc_words *w, struct fl_alloc_record *r)
{
	struct fl_str word;

	rest = fl_str_trim(rest);
	while (rest.n) {
		struct fl_str here = rest;

		fl_str_word(&rest, &word);
		if (fl_str_is(word, "accurate:no")) {
			r->accurate = FL_ACCURATE_NO;
		} else if (!w || !known_word(word, w)) {
			r->extra = fl_str_trim(here);
			break;
		} else {
			w->any = true;
			w->more.nr_stack = w->n;
		}
		rest = fl_str_trim(rest);
	}
	for (rest = r->extra; fl_str_word(&rest, &word);)
		if (fl_str_is(word, "accurate:no"))
			r->accurate = FL_ACCURATE_NO;
}

/*
 * How many of the 32 or 64 bytes at @p come before a blank, a line's end or another control, or a backslash,
 * which stands for such a one; as many as there are where none comes.
 */
#ifdef __SSE2__
HOT uint64_t ends_16(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);

	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(' ')), v);

	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
}

HOT size_t word_of_32(const char *p)
{
	uint64_t m = ends_16(p) | ends_16(p + 16) << 16;

	return m ? (size_t)__builtin_ctzll(m) : 32;
}

HOT size_t word_of_64(const char *p)
{
	uint64_t m = ends_16(p) | ends_16(p + 16) << 16 | ends_16(p + 32) << 32 | ends_16(p + 48) << 48;

	return m ? (size_t)__builtin_ctzll(m) : 64;
}
#else
static size_t word_of(const char *p, size_t max)
{
	size_t n = 0;

	while (n < max && (unsigned char)p[n] > ' ' && p[n] != '\\')
		n++;
	return n;
}

HOT size_t word_of_32(const char *p)
{
	return word_of(p, 32);
}

HOT size_t word_of_64(const char *p)
{
	return word_of(p, 64);
}
#endif

#define COLUMNS 22 /* before a place */
#define USUAL_MAX (COLUMNS + 64 + 1 + 32 + 1 + 32 + 2) /* bytes that are looked at */

/*
 * A line as the kernel writes it, and with the lengths that are usual, which begins at @p, behind which are
 * USUAL_MAX bytes at least: numbers in their columns, one blank between words and one before the line's end.
 * Returns its length; 0 where it is otherwise in anything, and then @r has no meaning. A record whose size is
 * not wanted has no function.
 */
HOT size_t usual_record(const char *p, const struct fl_alloc_filter *sizes, struct fl_alloc_record *r)
{
	const char *place = p + COLUMNS, *end = place + word_of_64(place), *word = end + 1;
	uint64_t others, digits = digit_values(end - 8, &others);
	unsigned int n = (unsigned int)__builtin_clzll(others | 1) / 8; /* of the line's number */
	struct fl_str module = {};
	size_t length;

	if (p[12] != ' ' || p[21] != ' ' || fl_get_le32(p) != 0x20202020)
		return 0;
	if (!aligned_number(p + 4, (uint64_t *)&r->bytes) || !aligned_number(p + 13, &r->calls))
		return 0;
	if (*end != ' ' || n == 0 || n == 8 || end - place < n + 2 || end[-1 - (int)n] != ':')
		return 0;
	if (*word == '[') {
		module.n = word_of_32(word);
		if (module.n < 3 || word[module.n] != ' ' || word[module.n - 1] != ']')
			return 0;
		module.p = word + 1;
		word += module.n + 1;
		module.n -= 2;
	}
	length = word_of_32(word);
	if (length < 6 || memcmp(word, "func:", 5) != 0 || word[length] != ' ' || word[length + 1] != '\n')
		return 0;
	r->function.p = NULL;
	if (sizes && !fl_alloc_filter_size(sizes, r->bytes))
		return (size_t)(word + length + 1 - p);
	r->file = (struct fl_str){ place, (size_t)(end - place) - n - 1 };
	r->line = eight_digits(digits >> (64 - 8 * n) << (64 - 8 * n));
	r->module = module;
	r->function = (struct fl_str){ word + 5, length - 5 };
	return (size_t)(word + length + 1 - p);
}

/* Numbers that do not stand in columns: large, negative, edited by hand. */
HOT int parse_numbers(struct cursor *c, struct fl_alloc_record *r)
{
	int e;

	skip_blanks(c);
	e = parse_bytes(c, &r->bytes);
	if (e < 0)
		return e;
	skip_blanks(c);
	e = number(c, FL_ALLOC_CALLS, &r->calls);
	if (e < 0)
		return e;
	skip_blanks(c);
	return 0;
}

HOT int parse_record(struct cursor *c, struct fl_alloc_words *w, struct fl_alloc_record *r)
{
	int e = parse_columns(c, r) ? 0 : parse_numbers(c, r);

	if (e < 0)
		return e;
	e = parse_place(c, place_end(c), r);
	if (e < 0)
		return e;
	skip_blanks(c);
	e = parse_module(c, r);
	if (e < 0)
		return e;
	e = parse_function(c, r);
	if (e < 0)
		return e;
	if (w)
		w->is_escaped = memchr(r->function.p, '\\', r->function.n) != NULL;
	if (c->at + 1 < c->line.n && w)
		clear_words(w);
	if (c->at + 1 < c->line.n)
		parse_words(fl_str_from(c->line, c->at), w, r);
	return 0;
}

/* "allocinfo - version: 2.0"; anything else behind the words is an unknown version. */
static int parse_heading(struct cursor *c, struct fl_alloc_text_info *info)
{
	size_t start = sizeof(heading) - 1;
	uint64_t major, minor;

	c->at = start;
	if (digits(c, &major) && c->at < c->line.n && c->line.p[c->at] == '.') {
		c->at++;
		if (digits(c, &minor) && (major == 1 || major == 2) && minor == 0) {
			info->major = (unsigned int)major;
			info->minor = (unsigned int)minor;
			return 0;
		}
	}
	info->major = 2;
	info->minor = 0;
	fail(c, FL_ALLOC_VERSION, start, c->line.n);
	return 0;
}

struct reading {
	const struct fl_alloc_reader *reader;
	struct fl_alloc_text_info info;
	bool cut;     /* this line has no end */
};

/* The other fields are there in every record; clearing all of them is a tenth of the time. */
HOT void clear_rest(const struct reading *rd, struct fl_alloc_record *r)
{
	r->extra = (struct fl_str){};
	r->more = NULL;
	r->accurate = rd->info.major == 1 ? FL_ACCURATE_UNKNOWN : FL_ACCURATE_YES;
}

static int parse_line(struct reading *rd, struct cursor *c, struct fl_alloc_record *r)
{
	const char *nul = c->line.n ? memchr(c->line.p, 0, c->line.n) : NULL;

	if (c->line.n > FL_ALLOC_LINE_MAX)
		return fail(c, FL_ALLOC_TOO_LONG, FL_ALLOC_LINE_MAX, FL_ALLOC_LINE_MAX);
	if (nul)
		return fail(c, FL_ALLOC_NUL, nul - c->line.p, nul - c->line.p + 1);
	if (c->line.n == 0 || c->line.p[0] == '#')
		return 0;
	if (c->line.p[0] == 'a' && fl_str_starts(c->line, heading))
		return parse_heading(c, &rd->info);
	r->module = (struct fl_str){};
	clear_rest(rd, r);
	if (rd->cut)
		fail(c, FL_ALLOC_CUT, c->line.n, c->line.n);
	return parse_record(c, rd->reader->words, r);
}

static int read_line(struct reading *rd, struct fl_str line, struct fl_diag *d)
{
	struct cursor c = { .line = line, .diag = d };
	struct fl_alloc_record r;
	int e;

	r.file.p = NULL;
	e = parse_line(rd, &c, &r);
	rd->info.bad += e < 0;
	if (d->kind) {
		d->line = (uint32_t)FL_MIN(rd->info.lines, (size_t)UINT32_MAX);
		d->text = line.p;
		d->text_len = line.n;
		if (rd->reader->finding)
			rd->reader->finding(rd->reader->ctx, d);
		d->kind = NULL;
	}
	if (e < 0 || !r.file.p)
		return 0;
	return rd->reader->record(rd->reader->ctx, &r);
}

int fl_alloc_text_read(struct fl_str text, const char *place, const struct fl_alloc_reader *reader,
		       struct fl_alloc_text_info *ret)
{
	struct reading rd = { .reader = reader };
	struct fl_diag d = { .place = place };
	int r = 0;

	for (size_t at = 0; r == 0 && at < text.n;) {
		struct fl_alloc_record record;
		size_t n = 0, end;

		if (text.n - at > USUAL_MAX)
			n = usual_record(text.p + at, reader->sizes, &record);
		end = at + n;
		rd.info.lines++;
		if (n && record.function.p) {
			clear_rest(&rd, &record);
			r = reader->record(reader->ctx, &record);
		} else if (!n) {
			end = fl_str_find(text, '\n', at);
			rd.cut = end == text.n;
			r = read_line(&rd, (struct fl_str){ text.p + at, end - at }, &d);
		}
		at = end + 1;
	}
	fl_diag_fini(&d);
	if (ret)
		*ret = rd.info;
	return r;
}
