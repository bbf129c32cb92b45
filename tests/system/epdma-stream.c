/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epdma-stream SOCKET ADDRESS ROUNDS: writes page after page into endpoint memory, 32 descriptors under
 * way, and tells on standard output (8 bytes each: round, page) which ones were acknowledged, until the
 * endpoint is gone; then again with the next one. Page k of round r holds the number r << 32 | k, over
 * and over. At the end of each round a line on standard error: why it ended, descriptors and mappings
 * of this process.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <foreland/dmaengine.h>

#define PAGE  4096u
#define PAGES 1024u /* of endpoint memory; then from the start again */
#define DEPTH 32u

struct slot {
	uint64_t number;
	int error;
	bool busy;
};

static void on_done(void *param, int error)
{
	struct slot *s = param;

	s->busy = false;
	s->error = error;
	if (!error && write(STDOUT_FILENO, &s->number, sizeof(s->number)) != sizeof(s->number))
		exit(4);
}

static unsigned int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static unsigned int count_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned int n = 0;
	int c;

	while (f && (c = fgetc(f)) != EOF)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static int one_page(struct fl_dma_chan *chan, struct slot *s, uint64_t *page, fl_dma_addr_t addr,
		    uint64_t ep)
{
	struct fl_dma_slave_config cfg = { .dst_addr = ep };
	struct fl_dma_async_tx *tx;
	int r;

	for (unsigned int i = 0; i < PAGE / 8; i++)
		page[i] = s->number;
	fl_dmaengine_slave_config(chan, &cfg);
	r = fl_dmaengine_prep_slave_single(chan, addr, PAGE, &tx);
	if (r < 0)
		return r;
	fl_dma_set_callback(tx, on_done, s);
	s->busy = true;
	s->error = 0;
	r = fl_dmaengine_submit(tx);
	return r < 0 ? r : fl_dma_async_issue_pending(chan);
}

static int stream(struct fl_dma_device *dev, uint64_t ep, uint64_t round)
{
	struct slot slots[DEPTH] = {};
	struct fl_dma_chan *chan;
	fl_dma_addr_t addr;
	uint8_t *buf;
	int r = fl_dma_request_chan(dev, FL_DMA_MEM_TO_DEV, -1, &chan);

	if (r < 0)
		return r;
	buf = fl_dma_alloc_coherent(dev, DEPTH * PAGE, &addr);
	if (!buf)
		return -errno;
	for (uint64_t k = 0;; k++) {
		struct slot *s = &slots[k % DEPTH];

		while (s->busy)
			fl_dma_process(dev, 100);
		if (s->error)
			return s->error;
		s->number = round << 32 | k;
		r = one_page(chan, s, (uint64_t *)(buf + k % DEPTH * PAGE), addr + k % DEPTH * PAGE,
			     ep + k % PAGES * PAGE);
		if (r < 0)
			return r;
	}
}

int main(int argc, char **argv)
{
	uint64_t ep = argc == 4 ? strtoull(argv[2], NULL, 0) : 0, rounds = ep ? strtoull(argv[3], NULL, 0) : 0;
	char where[200];

	snprintf(where, sizeof(where), "vfio-user:%s", argc > 1 ? argv[1] : "");
	for (uint64_t round = 0; round < rounds; round++) {
		struct fl_dma_device *dev;
		int r = -ECONNREFUSED;

		for (unsigned int tries = 0; r < 0 && tries < 2000; tries++) {
			r = fl_dma_device_open(where, NULL, &dev, NULL);
			if (r < 0)
				nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
		}
		if (r < 0) {
			fprintf(stderr, "no endpoint: %s\n", strerror(-r));
			return 1;
		}
		r = stream(dev, ep, round);
		fl_dma_device_close(dev);
		fprintf(stderr, "round %llu: %s, %u fds, %u maps\n", (unsigned long long)round,
			strerror(-r), count_fds(), count_maps());
	}
	return 0;
}
