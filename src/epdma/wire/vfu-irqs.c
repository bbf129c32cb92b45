// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a client's interrupts go: eventfds by vector, and which of them a message of the engine means. */
#include "epdma/wire/vfu-session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_VECTORS  2048u

static void set_event(struct fl_vfu_session *s, uint32_t index, uint32_t vector, int fd)
{
	if (!s->events[index]) {
		if (fd < 0)
			return;
		s->events[index] = malloc(MAX_VECTORS * sizeof(int));
		if (!s->events[index]) {
			close(fd);
			return;
		}
		for (unsigned int i = 0; i < MAX_VECTORS; i++)
			s->events[index][i] = -1;
	}
	if (s->events[index][vector] >= 0) {
		close(s->events[index][vector]);
		s->connected[index]--;
	}
	s->events[index][vector] = fd;
	s->connected[index] += fd >= 0;
}

void fl_vfu_drop_events(struct fl_vfu_session *s, uint32_t index)
{
	for (unsigned int i = 0; s->events[index] && i < MAX_VECTORS; i++)
		set_event(s, index, i, -1);
}

static void fire(struct fl_vfu_session *s, uint32_t index, uint32_t vector)
{
	if (s->events[index])
		fl_device_signal(s->events[index][vector]);
}

/*
 * A message whose vector the MSI capability tells goes there. One that it does not is of a client which
 * keeps an MSI-X table to itself: of the vectors that it connected, the channel's. A client that has
 * connected neither hears nothing.
 */
void fl_vfu_on_vector(void *ctx, const struct fl_device_message *m)
{
	struct fl_vfu_session *s = ctx;
	uint32_t index;

	pthread_mutex_lock(&s->lock);
	index = m->vector < 0 && s->connected[VFU_IRQ_MSIX] ? VFU_IRQ_MSIX : VFU_IRQ_MSI;
	fire(s, index, m->vector >= 0 ? (uint32_t)m->vector :
					fl_dw_vector(m->n, s->connected[index], m->dir, m->chan));
	pthread_mutex_unlock(&s->lock);
}

static bool one_bit(uint32_t v)
{
	return v && !(v & (v - 1));
}

static int check_set_irqs(struct fl_vfu_session *s, const struct vfu_set_irqs *set, size_t data_len)
{
	const struct vfu_msg *m = &s->conn.msg;
	uint32_t data = set->flags & VFU_DATA_MASK, action = set->flags & VFU_ACTION_BITS, end;

	if (set->argsz < sizeof(*set) || set->flags & ~(VFU_DATA_MASK | VFU_ACTION_BITS) ||
	    !one_bit(data) || !one_bit(action) || set->index >= VFU_NR_IRQS)
		return -EINVAL;
	if (__builtin_add_overflow(set->start, set->count, &end) || end > s->vectors[set->index] ||
	    end > MAX_VECTORS)
		return -EINVAL;
	if ((set->index == VFU_IRQ_ERR || set->index == VFU_IRQ_REQ) && action != VFU_ACTION_TRIGGER)
		return -EINVAL;
	if (!set->count && (data != VFU_DATA_NONE || action != VFU_ACTION_TRIGGER))
		return -EINVAL;
	if (data == VFU_DATA_BOOL && data_len != set->count)
		return -EINVAL;
	if (data != VFU_DATA_BOOL && data_len)
		return -EINVAL;
	if (data != VFU_DATA_EVENTFD && m->nr_fds)
		return -EINVAL;
	if (data == VFU_DATA_EVENTFD && m->nr_fds && m->nr_fds != set->count)
		return -EINVAL;
	for (unsigned int i = 0; i < m->nr_fds; i++)
		if (!fl_device_is_eventfd(m->fds[i]))
			return -EINVAL;
	return 0;
}

/* Masking is the client's business for messages; INTx is never raised. Both are accepted. */
static void do_set_irqs(struct fl_vfu_session *s, const struct vfu_set_irqs *set, const uint8_t *bools)
{
	uint32_t data = set->flags & VFU_DATA_MASK;

	if (!(set->flags & VFU_ACTION_TRIGGER))
		return;
	if (data == VFU_DATA_NONE && !set->count && !set->start) {
		fl_vfu_drop_events(s, set->index);
		free(s->events[set->index]);
		s->events[set->index] = NULL;
		return;
	}
	for (uint32_t i = 0; i < set->count; i++) {
		if (data == VFU_DATA_EVENTFD)
			set_event(s, set->index, set->start + i,
				  s->conn.msg.nr_fds ? vfu_take_fd(&s->conn, i) : -1);
		else if (data == VFU_DATA_NONE || bools[i])
			fire(s, set->index, set->start + i);
	}
}

int fl_vfu_set_irqs(struct fl_vfu_session *s)
{
	const struct vfu_msg *m = &s->conn.msg;
	struct vfu_set_irqs set;
	int r;

	if (m->len < sizeof(set))
		return -EINVAL;
	memcpy(&set, m->body, sizeof(set));
	r = check_set_irqs(s, &set, m->len - sizeof(set));
	if (r < 0)
		return r;
	pthread_mutex_lock(&s->lock);
	do_set_irqs(s, &set, m->body + sizeof(set));
	pthread_mutex_unlock(&s->lock);
	return fl_vfu_reply(s, NULL, 0);
}
