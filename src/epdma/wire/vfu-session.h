/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client that is being served, as vfu-session.c (the connection: what goes in and out, and memory that only
 * the client reaches), vfu-requests.c (what it asks) and vfu-irqs.c (where its interrupts go) share it.
 */
#ifndef EPDMA_WIRE_VFU_SESSION_H
#define EPDMA_WIRE_VFU_SESSION_H

#include <pthread.h>

#include "epdma/vfu/vfu.h"
#include "epdma/wire/device.h"

struct fl_vfu_asked;

struct fl_vfu_session {
	struct fl_device *d;
	struct vfu_conn conn;
	bool negotiated;
	uint32_t vectors[VFU_NR_IRQS];
	pthread_mutex_t send_lock; /* workers send too */
	pthread_mutex_t lock;	   /* everything below */
	pthread_cond_t answered;
	struct fl_vfu_asked *asked;
	unsigned int nr_posted;
	uint16_t next_id;
	bool closing;
	int *events[VFU_NR_IRQS]; /* eventfds by vector, -1: none */
	unsigned int connected[VFU_NR_IRQS]; /* how many there are */
};

/*
 * @conn is the session's from then on, to its end; @r: what vfu_recv() has given for it already, -EAGAIN:
 * nothing. As fl_vfu_session().
 */
int fl_vfu_session_run(struct fl_device *d, struct vfu_conn *conn, int r, const bool *stop);

/* Replies to the request at hand. The first of @iov is the header's. */
int fl_vfu_reply_iov(struct fl_vfu_session *s, struct iovec *iov, unsigned int n, const int *fds,
		     unsigned int nr_fds);
int fl_vfu_reply(struct fl_vfu_session *s, const void *body, size_t n);
/* Memory that came without a descriptor: the client is asked, with the session as context. */
extern const struct fl_mem_io fl_vfu_client_io;

/* vfu-requests.c: the request at hand; 0 where it was answered, or the errno that it is refused with. */
int fl_vfu_dispatch(struct fl_vfu_session *s);

/* vfu-irqs.c */
int fl_vfu_set_irqs(struct fl_vfu_session *s);
void fl_vfu_on_vector(void *ctx, const struct fl_device_message *m); /* a fl_device_irq_fn */
void fl_vfu_drop_events(struct fl_vfu_session *s, uint32_t index); /* lock held, or nobody else left */

#endif
