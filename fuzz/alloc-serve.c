/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What anybody may send to a program that serves: messages, each behind two bytes of length, to one
 * session, while modules come and go. A reply is never longer than its result says.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/procfs/registry.h"
#include "alloc/tags/answer.h"
#include "fuzz.h"

#define LONG_NAME "drivers/net/ethernet/a/name/that/is/longer/than/sixty/four/characters/by/far.c"
#define TAGS	  1000

static struct fl_tag_entry tags[TAGS];

static void make_tags(void)
{
	for (size_t i = 0; i < TAGS; i++) {
		tags[i].tag = (struct fl_tag){ .module = i % 3 ? "ext4" : NULL,
					       .function = i % 5 ? "f" : NULL,
					       .file = i % 2 ? "a.c" : LONG_NAME,
					       .line = i,
					       .inaccurate = i % 7 == 0 };
		tags[i].counters = (struct fl_tag_counters){ i * i - 5, i };
	}
}

static void check(const struct fl_wire_request *head, const struct fl_wire_answer *a, size_t n)
{
	size_t size = _IOC_SIZE(head->request);

	assert(a->head.result <= 0 && a->head.count <= FL_WIRE_MAX_RECORDS);
	if (a->head.result < 0)
		size = 0;
	else if (head->request == FL_ALLOCINFO_GET_NEXT && head->count > 1)
		size *= a->head.count;
	assert(n == sizeof(a->head) + size);
}

static void converse(struct fl_tag_registry *reg, const uint8_t *data, size_t size)
{
	static struct fl_wire_answer answer;
	struct fl_allocinfo_session session = {};
	uint64_t id;

	while (size >= 2) {
		size_t n = data[0] | (size_t)(data[1] & 7) << 8;
		struct fl_wire_request head;
		void *message;

		if (data[1] & 0x40)
			fl_tag_registry_load(reg, tags, 1 + data[0], &id);
		if (data[1] & 0x80)
			fl_tag_registry_unload(reg, data[0] % 4);
		data += 2;
		size -= 2;
		n = n < size ? n : size;
		if (n < sizeof(head))
			return;
		message = malloc(n); /* its end is the end of what may be read */
		memcpy(message, data, n);
		memcpy(&head, data, sizeof(head));
		check(&head, &answer, fl_wire_answer(&session, &reg->space, message, n, &answer));
		free(message);
		data += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_tag_registry reg = {};
	uint64_t id;

	make_tags();
	fl_tag_registry_init(&reg);
	fl_tag_registry_load(&reg, tags, TAGS, &id);
	fl_tag_registry_load(&reg, tags, 10, &id);
	converse(&reg, data, size);
	fl_tag_registry_fini(&reg);
	return 0;
}
