// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /proc/fetchargs: the dynamic events as dynamic_events shows them where CONFIG_PROBE_EVENTS_DUMP_FETCHARG is
 * set, on a kernel without it. extract.h is the kernel's own code and structs (build); where they lie in the
 * running kernel is told by the module's parameters (load).
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/fprobe.h>
#include <linux/uprobes.h>
#include <linux/kprobes.h>
#define CONFIG_PROBE_EVENTS_DUMP_FETCHARG 1
#include "trace_dynevent.h"
#include "trace_probe.h"
#include "extract.h"

static unsigned long list, kprobe, fprobe, eprobe, uprobe;
module_param(list, ulong, 0);
module_param(kprobe, ulong, 0);
module_param(fprobe, ulong, 0);
module_param(eprobe, ulong, 0);
module_param(uprobe, ulong, 0);

static struct trace_probe *probe_of(struct dyn_event *ev)
{
	unsigned long ops = (unsigned long)ev->ops;

	if (ops == kprobe)
		return &container_of(ev, struct trace_kprobe, devent)->tp;
	if (ops == fprobe)
		return &container_of(ev, struct trace_fprobe, devent)->tp;
	if (ops == eprobe)
		return &container_of(ev, struct trace_eprobe, devent)->tp;
	if (ops == uprobe)
		return &container_of(ev, struct trace_uprobe, devent)->tp;
	return NULL;
}

static int show(struct seq_file *m, void *v)
{
	struct dyn_event *ev;

	list_for_each_entry(ev, (struct list_head *)list, list) {
		struct trace_probe *tp = probe_of(ev);

		ev->ops->show(m, ev);
		if (tp)
			trace_probe_dump_args(m, tp);
	}
	return 0;
}

static int __init start(void)
{
	return proc_create_single("fetchargs", 0400, NULL, show) ? 0 : -ENOMEM;
}

static void __exit stop(void)
{
	remove_proc_entry("fetchargs", NULL);
}

module_init(start);
module_exit(stop);
MODULE_DESCRIPTION("What the fetch programs of dynamic events are");
MODULE_LICENSE("GPL");
