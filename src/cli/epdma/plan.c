// SPDX-License-Identifier: GPL-2.0-or-later
/* foreland epdma plan: the layout that a board and a configuration give, or why there is none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/num.h"
#include "cli/cmds.h"
#include "cli/epdma/epdma.h"
#include "cli/say.h"
#include "epdma/inspect/function-layout.h"

struct plan_opts {
	struct fl_epdma_opts endpoint;
	const char *configfs;
	bool json;
};

static const struct fl_opt options[] = {
	FL_OPT_FLAG(struct plan_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_STR(struct plan_opts, configfs, 0, "configfs", "FILE|-",
		   "configure by the lines of a shell script or of a how-to instead of options"),
	FL_OPT_GROUP(struct plan_opts, endpoint, fl_epdma_options),
	{}
};

static void print_refusal(const struct plan_opts *o, const struct fl_epf_error *e,
			  struct fl_buf *out)
{
	if (!o->json || !e->kind)
		return;
	fl_json_schema(out, "epdma plan");
	fl_json_open(out, NULL, '{');
	fl_json_strz(out, "type", "summary");
	fl_json_bool(out, "ok", false);
	fl_json_strz(out, "errno", fl_errno_name(e->err));
	fl_json_strz(out, "reason", e->kind->code);
	fl_json_strz(out, "message", e->kind->message);
	fl_json_strz(out, "detail", e->text);
	fl_json_close(out, '}');
	fl_json_end_line(out);
}

static int plan_options(const struct plan_opts *o, const struct fl_setup_options *mo,
			struct fl_setup *m, struct fl_buf *out)
{
	struct fl_epf_error why = {};
	int r = fl_setup_function(m, mo, &why) ?: fl_epf_bind(m->epf, m->epc, &why);

	if (r) {
		if (why.kind)
			fl_cli_epdma_refused(m->board.name, &why);
		print_refusal(o, &why, out);
		return r;
	}
	fl_epc_link_up(m->epc);
	fl_epc_enumerate(m->epc, fl_epf_func(m->epf), 0x80000000);
	return o->json ? fl_function_layout_json(m->epf, out) : fl_function_layout_text(m->epf, out);
}

/* Everything is shown that the script left bound, also where some of its lines failed. */
static int plan_script(const struct plan_opts *o, const struct fl_setup_options *mo,
		       struct fl_setup *m, struct fl_clocksource_manual *clock, struct fl_buf *out)
{
	struct fl_sysroot_config config = { .epc = m->epc, .seed_compat = mo->seed_compat,
					    .layout = mo->layout, .host = true, .clock = clock };
	struct fl_epf_error why = {};
	struct fl_sysroot *machine;
	struct fl_epf *f;
	int r = fl_sysroot_new(&config, &machine);

	if (r)
		return r;
	r = fl_cli_epdma_script(machine, o->configfs, o->json ? NULL : out, &why);
	f = fl_sysroot_bound(machine);
	if (f) {
		int shown = o->json ? fl_function_layout_json(f, out) : fl_function_layout_text(f, out);

		r = r ? r : shown;
	} else {
		print_refusal(o, &why, out);
		if (!r)
			fl_say(FL_ERROR, "the script binds no function");
		r = r ? r : -ENODEV;
	}
	fl_sysroot_free(machine);
	return r;
}

static int run(const void *v, const struct fl_args *args)
{
	struct fl_clocksource_manual clock = { .clock = { fl_clocksource_manual_now } };
	_cleanup_buf_ struct fl_buf out = {};
	const struct plan_opts *o = v;
	struct fl_setup_options mo;
	struct fl_setup m;
	int r;

	if (fl_cli_epdma_setup(&o->endpoint, &mo))
		return FL_EXIT_USAGE;
	mo.clock = &clock.clock;
	if (o->configfs && !mo.board)
		mo.board = "r-car-s4"; /* the how-to's */
	r = fl_cli_epdma_open(&mo, &m);
	if (r)
		return fl_cli_epdma_status(r);
	r = o->configfs ? plan_script(o, &mo, &m, &clock, &out) : plan_options(o, &mo, &m, &out);
	fl_setup_close(&m);
	if (fl_say_result(&out) < 0)
		return FL_EXIT_FINDINGS;
	return r ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

const struct fl_cmd fl_cmd_epdma_plan = {
	.name = "plan",
	.summary = "Print the layout that a board and a configuration give, or why there is none",
	.about =
		"Binds a modelled endpoint function and prints where everything lies: each resource with "
		"its place in a BAR, the pieces that the DMA window is put together from, how much of the "
		"endpoint's address space they show beside what they are for (slack), and a picture of "
		"each BAR. Where binding fails, the reason and its errno are printed and the exit code is 1.\n\n"
		"With --configfs, the configuration is a script: the lines that people type into a shell "
		"on the endpoint (mkdir, echo, ln -s below /sys/kernel/config/pci_ep) and on its host "
		"(driver_override, drivers_probe, lspci). A document with such lines behind \"# \" prompts "
		"is taken as well. mount and modprobe do nothing; the board is r-car-s4 unless --board "
		"names another, and the options that describe the function are not looked at.",
	.size = sizeof(struct plan_opts),
	.options = options,
	.run = run,
};
