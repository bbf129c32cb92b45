// SPDX-License-Identifier: GPL-2.0-or-later
/* foreland epdma inspect: what a device, a dump or a modelled endpoint publishes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cmds.h"
#include "cli/epdma/epdma.h"
#include "cli/say.h"
#include "epdma/endpoint/handshake.h"
#include "epdma/inspect/inspect.h"

struct inspect_opts {
	struct fl_epdma_opts endpoint;
	bool json, config;
};

static const struct fl_opt options[] = {
	FL_OPT_FLAG(struct inspect_opts, json, 0, "json", "print one JSON object a line"),
	FL_OPT_FLAG(struct inspect_opts, config, 0, "config",
		    "print the configuration space as lspci -F reads it"),
	FL_OPT_GROUP(struct inspect_opts, endpoint, fl_epdma_options),
	{}
};

static int complain(const char *name, int r)
{
	fl_say_failed(name, r);
	return r;
}

static int open_file(const char *name, bool config, struct fl_inspect *ret)
{
	_cleanup_file_ struct fl_file f = {};
	int r = fl_file_open(name, 1 << 28, &f);

	if (r)
		return complain(name, r);
	r = fl_inspect_dump(name, fl_file_str(&f), ret);
	if (!r && config) { /* the file is a configuration space itself */
		ret->config_n = f.size < sizeof(ret->config) ? f.size : sizeof(ret->config);
		memcpy(ret->config, f.data, ret->config_n);
	}
	return r;
}

/* "0000:01:00.1", and "01:00.1" as lspci prints it. */
static bool looks_like_bdf(const char *s)
{
	unsigned int domain, bus, dev, fn;
	int n = 0;

	if (sscanf(s, "%4x:%2x:%2x.%1u%n", &domain, &bus, &dev, &fn, &n) == 4 && !s[n])
		return true;
	n = 0;
	return sscanf(s, "%2x:%2x.%1u%n", &bus, &dev, &fn, &n) == 3 && !s[n];
}

static int open_device(const char *name, struct fl_inspect *ret)
{
	_cleanup_buf_ struct fl_buf path = {};
	struct stat st;
	int r;

	if (stat(name, &st) == 0 && S_ISDIR(st.st_mode))
		fl_buf_addz(&path, name);
	else
		fl_buf_addf(&path, "/sys/bus/pci/devices/%s%s", strlen(name) < 12 ? "0000:" : "",
			    name);
	r = fl_inspect_sysfs(fl_buf_z(&path), ret);
	if (r)
		complain(fl_buf_z(&path), r);
	if (r == -ENOENT)
		fl_say_help(fl_buf_str(&path).n == strlen(name) ?
				    "a device's directory in sysfs has the files 'resource' and 'config'" :
				    "'lspci -D -d ::0801' lists the devices that may hold such an engine");
	return r;
}

static int open_model(const struct inspect_opts *o, struct fl_inspect *ret)
{
	struct fl_clocksource_manual clock = { .clock = { fl_clocksource_manual_now } };
	struct fl_setup_options mo;
	struct fl_epf_error why = {};
	struct fl_setup m;
	int r = fl_cli_epdma_setup(&o->endpoint, &mo);

	mo.clock = &clock.clock;
	r = r ?: fl_cli_epdma_open(&mo, &m);
	if (r)
		return r;
	r = fl_setup_function(&m, &mo, &why) ?: fl_epf_bind(m.epf, m.epc, &why);
	if (r && why.kind)
		fl_cli_epdma_refused(m.board.name, &why);
	if (!r)
		r = fl_handshake_run(m.epf, &clock) ?: fl_inspect_epf(m.epf, ret);
	fl_setup_close(&m);
	return r;
}

static int open_source(const struct inspect_opts *o, const struct fl_args *args,
		       struct fl_inspect *ret)
{
	struct stat st;

	if (!args->n)
		return open_model(o, ret);
	if (strcmp(args->v[0], "-") != 0 &&
	    ((stat(args->v[0], &st) == 0 && S_ISDIR(st.st_mode)) ||
	     (access(args->v[0], F_OK) != 0 && looks_like_bdf(args->v[0]))))
		return open_device(args->v[0], ret);
	return open_file(args->v[0], o->config, ret);
}

static int show(const struct inspect_opts *o, struct fl_inspect *i, enum fl_epmd_layout layout)
{
	_cleanup_buf_ struct fl_buf out = {};
	int r;

	if (o->config) {
		r = fl_inspect_config(i, &out);
		if (r)
			fl_say(FL_ERROR, "%s: no configuration space", i->name);
	} else {
		r = fl_inspect_decode(i, layout, o->endpoint.seed_compat);
		if (o->json)
			fl_inspect_json(i, &out);
		else
			fl_inspect_text(i, &out);
	}
	if (fl_say_result(&out) < 0)
		return FL_EXIT_FINDINGS;
	return r ? FL_EXIT_FINDINGS : FL_EXIT_DONE;
}

static int run(const void *v, const struct fl_args *args)
{
	_cleanup_inspect_ struct fl_inspect i = {};
	const struct inspect_opts *o = v;
	enum fl_epmd_layout layout;
	int r;

	if (fl_cli_epdma_layout(o->endpoint.layout, &layout))
		return FL_EXIT_USAGE;
	if (!args->n == !o->endpoint.board) {
		return fl_say_usage("a file, a device or --board is expected");
	}
	if (o->config && o->json)
		return fl_say_usage("--config prints bytes, and has no --json");
	r = args->n ? fl_cli_epdma_replay(args->v[0], o->json) : -1;
	if (r >= 0)
		return r;
	r = open_source(o, args, &i);
	if (r)
		return args->n ? FL_EXIT_FINDINGS : fl_cli_epdma_status(r);
	return show(o, &i, layout);
}

const struct fl_cmd fl_cmd_epdma_inspect = {
	.name = "inspect",
	.summary = "Decode the metadata of a dump, a device or a modelled endpoint",
	.args = "[FILE|BDF|DIR|-]",
	.about =
		"FILE is the start of a metadata BAR, \"-\" the same on standard input; BDF a device of "
		"this machine, whose BARs are read and never written; DIR a copy of a device's directory "
		"in sysfs. With --board, the endpoint that the options describe is modelled and shown as "
		"its host would see it.\n\n"
		"Each field is printed with its verdict: \"ok\", the reason for which a host refuses it, or "
		"\"-\" where something before it made it meaningless. "
		"Without --seed-compat that is more than the driver of the series refuses. Then follows a "
		"picture of each BAR. The exit code is 1 where the metadata is refused or there is none.",
	.size = sizeof(struct inspect_opts),
	.options = options,
	.max_args = 1,
	.run = run,
};
