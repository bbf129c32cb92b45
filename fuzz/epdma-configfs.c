// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Script lines on the endpoint's and the host's trees. The first byte chooses a board and whether the
 * weaknesses are on. Afterwards, whatever is bound must have a layout that reads back.
 */
#include <assert.h>

#include "epdma/inspect/function-layout.h"
#include "epdma/sysroot/sysroot.h"
#include "fuzz.h"
#include "script/script.h"

static int ignore(void *ctx, const struct fl_diag *diag, int err)
{
	assert(err < 0);
	fl_sysroot_forget(ctx);
	return 0;
}

static void run(struct fl_sysroot *m, struct fl_str text)
{
	_cleanup_buf_ struct fl_buf out = {};
	struct fl_script *s = fl_script_new(fl_sysroot_root(m));
	struct fl_epf *f;

	fl_script_add_command(s, "lspci", fl_sysroot_lspci, m);
	fl_script_run(s, FL_STR("cd /sys/kernel/config/pci_ep\n"), "-", &out, ignore, m);
	fl_script_run(s, text, "fuzz", &out, ignore, m);
	f = fl_sysroot_bound(m);
	if (f)
		assert(fl_function_layout_text(f, &out) == 0);
	fl_script_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_clocksource_manual clock = { .clock = { fl_clocksource_manual_now } };
	_cleanup_buf_ struct fl_buf hold = {};
	struct fl_sysroot_config mc = { .host = true, .clock = &clock };
	struct fl_epc_config ec = { .clock = &clock.clock };
	struct fl_sysroot *m;
	struct fl_board board;
	struct fl_epc *epc;

	if (!size)
		return 0;
	if (fl_board_load(fl_board_names[data[0] % 4], &hold, &board, NULL))
		return 0;
	board.bar_mem_size = 16 << 20; /* all of it may be allocated */
	ec.board = &board;
	ec.seed_compat = mc.seed_compat = data[0] & 4;
	mc.layout = data[0] & 8 ? FL_EPMD_B : FL_EPMD_A;
	if (fl_epc_new(&ec, &epc))
		return 0;
	mc.epc = epc;
	if (fl_sysroot_new(&mc, &m) == 0) {
		run(m, fl_str_n((const char *)data + 1, size - 1));
		fl_sysroot_free(m);
	}
	fl_epc_free(epc);
	return 0;
}
