// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a vfio-user client, or with byte 0 odd QEMU's multi-process protocol, may send to an endpoint.
 * The endpoint lives through it, and has no memory of the client's left afterwards.
 */
#include "epdma-wire.h"
#include "epdma/mem/guard.h"
#include "epdma/wire/device.h"
#include "epdma/wire/mpq-server.h"
#include "epdma/wire/vfu-server.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const bool never;
	static struct fl_board board;
	struct fl_device_config dc = { .board = &board, .threads = 1 };
	struct fl_setup_options mo = { .board = "rk3588" };
	struct fl_device *d;
	struct wire w;
	int fd;

	if (!size)
		return 0;
	if (!board.name[0]) {
		struct fl_buf hold = {};

		assert(fl_board_load("rk3588", &hold, &board, NULL) == 0);
		fl_buf_fini(&hold);
		board.ram_size = 1 << 20;
		fl_guard_install();
	}
	assert(fl_device_new(&dc, &d) == 0 && fl_device_start(d, &mo, NULL) == 0);
	fd = wire_start(&w, data + 1, size - 1);
	if (data[0] & 1)
		fl_mpq_session(d, fd, &never);
	else
		fl_vfu_session(d, fd, &never);
	wire_end(&w);
	assert(fl_mem_count(fl_device_host_mem(d)) == 0);
	fl_device_free(d);
	return 0;
}
