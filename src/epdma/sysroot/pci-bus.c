// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's half: /sys/bus/pci with a directory for each function that the endpoint shows, and the
 * driver dw-edma-pcie, which binds by driver_override alone since no id is assigned.
 *
 * A device is there once its controller is started, its link is up and its vendor id is not 0xffff,
 * from the next scan of the bus on; starting the controller makes one. In Linux, a probe that fails
 * leaves drivers_probe's write successful and a line in the log; here the write fails with the
 * probe's errno, unless the posted behaviour was asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include "base/util.h"
#include "epdma/endpoint/handshake.h"
#include "epdma/endpoint/setup.h"
#include "epdma/inspect/inspect.h"
#include "epdma/sysroot/sysroot-private.h"

/* ---- the built-in driver ---- */

/* What a reader holds the metadata to, once before the request and once behind it. */
static int read_metadata(struct fl_sysroot *m, struct fl_epf *f, struct fl_epf_error *e)
{
	_cleanup_inspect_ struct fl_inspect i = {};
	int r = fl_inspect_epf(f, &i) ?: fl_inspect_decode(&i, FL_EPMD_AUTO, m->config.seed_compat);

	if (r && i.nr_findings)
		*e = (struct fl_epf_error){ .kind = i.findings[0].kind, .err = r };
	return r;
}

static int builtin_probe(struct fl_sysroot *m, struct fl_epf *f, struct fl_epf_error *e)
{
	int r;

	if (!m->config.seed_compat) /* an old READY is no answer */
		fl_handshake_await_fall(f, m->config.clock);
	r = read_metadata(m, f, e);
	if (r)
		return r;
	r = fl_handshake_request(f, m->config.clock);
	if (r)
		*e = (struct fl_epf_error){ .kind = FL_EPDMA_REASON(HOST_TIMEOUT), .err = -ETIMEDOUT };
	else
		r = read_metadata(m, f, e);
	if (r && !m->config.seed_compat)
		fl_handshake_withdraw(f);
	return r ? e->err : 0;
}

static int probe(struct function *f)
{
	struct fl_sysroot *m = f->m;
	int r;

	if (m->config.driver)
		r = m->config.driver->probe(m->config.driver_ctx, f->epf, &m->error);
	else if (m->config.clock)
		r = builtin_probe(m, f->epf, &m->error);
	else
		r = -EOPNOTSUPP;
	if (r)
		return r;
	r = fl_dir_add(f->device, FL_STR("driver"), fl_link_new(FL_STR("/sys/bus/pci/drivers/" FL_DRIVER)));
	if (!r) {
		_cleanup_buf_ struct fl_buf target = {};

		fl_buf_addf(&target, "/sys/bus/pci/devices/%s", f->bdf);
		r = fl_dir_add(m->driver, fl_str(f->bdf), fl_link_new(fl_buf_str(&target)));
	}
	f->driven = !r;
	return r;
}

/* The posted driver tells the endpoint nothing when it goes. */
static void unprobe(struct function *f)
{
	struct fl_sysroot *m = f->m;

	if (!f->driven)
		return;
	f->driven = false;
	(void)fl_dir_remove(f->device, FL_STR("driver"));
	(void)fl_dir_remove(m->driver, fl_str(f->bdf));
	if (m->config.driver)
		m->config.driver->remove(m->config.driver_ctx, f->epf);
	else if (!m->config.seed_compat)
		fl_handshake_withdraw(f->epf);
}

static bool matches(const struct function *f)
{
	return f->override && strcmp(f->override, FL_DRIVER) == 0;
}

/* ---- a device's files ---- */

enum device_attr {
	DEV_VENDOR,
	DEV_DEVICE,
	DEV_SUBSYSTEM_VENDOR,
	DEV_SUBSYSTEM_DEVICE,
	DEV_REVISION,
	DEV_CLASS,
	DEV_RESOURCE,
	DEV_CONFIG,
	DEV_OVERRIDE,
	_DEV_ATTR_MAX,
};

static const struct {
	const char *name;
	const char *format;
	uint8_t offset, bytes; /* in configuration space; 0: made by a function of its own */
	mode_t mode;
} device_attrs[_DEV_ATTR_MAX] = {
	[DEV_VENDOR] = { "vendor", "0x%04x\n", PCI_VENDOR_ID, 2, 0444 },
	[DEV_DEVICE] = { "device", "0x%04x\n", PCI_DEVICE_ID, 2, 0444 },
	[DEV_SUBSYSTEM_VENDOR] = { "subsystem_vendor", "0x%04x\n", PCI_SUBSYSTEM_VENDOR_ID, 2, 0444 },
	[DEV_SUBSYSTEM_DEVICE] = { "subsystem_device", "0x%04x\n", PCI_SUBSYSTEM_ID, 2, 0444 },
	[DEV_REVISION] = { "revision", "0x%02x\n", PCI_REVISION_ID, 1, 0444 },
	[DEV_CLASS] = { "class", "0x%06x\n", PCI_CLASS_REVISION, 4, 0444 },
	[DEV_RESOURCE] = { "resource", NULL, 0, 0, 0444 },
	[DEV_CONFIG] = { "config", NULL, 0, 0, 0444 },
	[DEV_OVERRIDE] = { "driver_override", NULL, 0, 0, 0644 },
};

static uint32_t config_read(const struct function *f, uint32_t off, unsigned int size)
{
	return fl_epc_cfg_read(f->m->config.epc, fl_epf_func(f->epf), off, size);
}

/* Start, end and flags (memory, and 64 bits wide) of each BAR; the rest of a device's regions are none. */
static void show_resource(const struct function *f, struct fl_buf *out)
{
	for (int bar = 0; bar < 13; bar++) {
		struct fl_epc_bar_info info;

		fl_epc_bar_info(f->m->config.epc, fl_epf_func(f->epf), bar, &info);
		if (info.addr)
			fl_buf_addf(out, "0x%016llx 0x%016llx 0x%016x\n",
				    (unsigned long long)info.addr,
				    (unsigned long long)(info.addr + info.size - 1),
				    info.flags & FL_BAR_64 ? 0x140200 : 0x40200);
		else
			fl_buf_addf(out, "0x%016x 0x%016x 0x%016x\n", 0, 0, 0);
	}
}

static int show_device(struct fl_node *n, struct fl_buf *out)
{
	const struct attr *a = n->data;
	const struct function *f = a->f;
	uint32_t v;

	if (!f->visible)
		return -ENODEV;
	switch (a->which) {
	case DEV_RESOURCE:
		show_resource(f, out);
		return 0;
	case DEV_CONFIG:
		for (uint32_t off = 0; off < 256; off++)
			fl_buf_addc(out, (char)config_read(f, off, 1));
		return 0;
	case DEV_OVERRIDE:
		fl_buf_addf(out, "%s\n", f->override ? f->override : "(null)");
		return 0;
	default:
		v = config_read(f, device_attrs[a->which].offset, device_attrs[a->which].bytes);
		if (a->which == DEV_CLASS)
			v >>= 8;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		fl_buf_addf(out, device_attrs[a->which].format, v);
#pragma GCC diagnostic pop
		return 0;
	}
}

/* An empty text takes the override away. */
static int store_device(struct fl_node *n, struct fl_str text)
{
	const struct attr *a = n->data;
	struct function *f = a->f;
	char *copy = NULL;

	if (!f->visible)
		return -ENODEV;
	if (text.n >= 4096)
		return -EINVAL;
	text.n = fl_str_find(text, '\n', 0);
	if (text.n) {
		copy = fl_str_dup(text);
		if (!copy)
			return -ENOMEM;
	}
	free(f->override);
	f->override = copy;
	return 0;
}

static const struct fl_attr_ops device_ops = { .show = show_device, .store = store_device };
static const struct fl_attr_ops device_ro_ops = { .show = show_device };

static int make_device(struct function *f)
{
	struct fl_node *dir = fl_dir_new(NULL, NULL);
	int r = fl_dir_add(f->m->devices, fl_str(f->bdf), dir);

	for (unsigned int i = 0; !r && i < _DEV_ATTR_MAX; i++) {
		f->device_attrs[i] = (struct attr){ f, i };
		r = fl_sysroot_attr(dir, device_attrs[i].name,
				    i == DEV_OVERRIDE ? &device_ops : &device_ro_ops,
				    device_attrs[i].mode, &f->device_attrs[i]);
	}
	if (!r) {
		f->device = dir;
		f->visible = true;
	}
	return r;
}

/* ---- the bus ---- */

void fl_sysroot_hide(struct function *f)
{
	if (f->m->config.leaving && f->epf && fl_epf_epc(f->epf))
		f->m->config.leaving(f->m->config.leaving_ctx);
	if (!f->visible)
		return;
	unprobe(f);
	f->visible = false;
	f->device = NULL;
	free(f->override);
	f->override = NULL;
	(void)fl_dir_remove(f->m->devices, fl_str(f->bdf));
}

void fl_sysroot_rescan(struct fl_sysroot *m)
{
	struct fl_epc *epc = m->config.epc;

	for (struct function *f = m->functions; f; f = f->next) {
		unsigned int func;

		if (!f->epf || !fl_epf_epc(f->epf) || f->visible || !fl_epc_started(epc))
			continue;
		func = fl_epf_func(f->epf);
		if (fl_epc_cfg_read(epc, func, PCI_VENDOR_ID, 2) == 0xffff)
			continue;
		snprintf(f->bdf, sizeof(f->bdf), "%s.%u", fl_epc_board(epc)->domain_bus, func);
		fl_epc_enumerate(epc, func, 0x80000000ull + func * 0x10000000ull);
		(void)make_device(f);
	}
}

static struct function *find_device(struct fl_sysroot *m, struct fl_str text)
{
	text.n = fl_str_find(text, '\n', 0);
	for (struct function *f = m->functions; f; f = f->next)
		if (f->visible && fl_str_is(text, f->bdf))
			return f;
	return NULL;
}

static int no_match(struct fl_sysroot *m, const struct function *f)
{
	return fl_epf_refuse(&m->error, FL_EPDMA_HOST_NO_MATCH, 0, "driver_override is %s",
			     f->override ? f->override : "not set");
}

static int store_probe(struct fl_node *n, struct fl_str text)
{
	struct fl_sysroot *m = n->data;
	struct function *f = find_device(m, text);
	int r;

	if (!f)
		return -ENODEV;
	if (f->driven)
		return 0;
	r = matches(f) ? probe(f) : no_match(m, f);
	return m->config.seed_compat ? 0 : r;
}

static int store_bind(struct fl_node *n, struct fl_str text)
{
	struct fl_sysroot *m = n->data;
	struct function *f = find_device(m, text);

	if (!f)
		return -ENODEV;
	if (f->driven)
		return -EBUSY;
	return matches(f) ? probe(f) : no_match(m, f);
}

static int store_unbind(struct fl_node *n, struct fl_str text)
{
	struct fl_sysroot *m = n->data;
	struct function *f = find_device(m, text);

	if (!f || !f->driven)
		return -ENODEV;
	unprobe(f);
	return 0;
}

static int store_rescan(struct fl_node *n, struct fl_str text)
{
	struct fl_sysroot *m = n->data;

	if (!fl_str_is(fl_str_trim(text), "1"))
		return fl_str_is(fl_str_trim(text), "0") ? 0 : -EINVAL;
	if (fl_epc_started(m->config.epc))
		fl_sysroot_rescan(m);
	return 0;
}

static const struct fl_attr_ops probe_ops = { .store = store_probe };
static const struct fl_attr_ops bind_ops = { .store = store_bind };
static const struct fl_attr_ops unbind_ops = { .store = store_unbind };
static const struct fl_attr_ops rescan_ops = { .store = store_rescan };

int fl_sysroot_make_host(struct fl_sysroot *m)
{
	struct fl_node *bus = fl_dir_make_path(m->root, FL_STR("sys/bus/pci"));

	m->devices = fl_dir_make_path(m->root, FL_STR("sys/bus/pci/devices"));
	m->driver = fl_dir_make_path(m->root, FL_STR("sys/bus/pci/drivers/" FL_DRIVER));
	if (!bus || !m->devices || !m->driver)
		return -ENOMEM;
	return fl_sysroot_attr(bus, "drivers_probe", &probe_ops, 0200, m)
	       ?: fl_sysroot_attr(bus, "rescan", &rescan_ops, 0200, m)
	       ?: fl_sysroot_attr(m->driver, "bind", &bind_ops, 0200, m)
	       ?: fl_sysroot_attr(m->driver, "unbind", &unbind_ops, 0200, m);
}

/* ---- lspci ---- */

/* "01:00.1" and "0000:01:00.1" name the same slot. */
static bool slot_is(const struct function *f, struct fl_str slot)
{
	struct fl_str full = fl_str(f->bdf);

	return fl_str_eq(slot, full) || fl_str_eq(slot, fl_str_from(full, 5));
}

static void list_device(const struct function *f, bool driver, struct fl_buf *out)
{
	fl_buf_addf(out, "%s %04x: %04x:%04x", f->bdf + 5, config_read(f, PCI_CLASS_DEVICE, 2),
		    config_read(f, PCI_VENDOR_ID, 2), config_read(f, PCI_DEVICE_ID, 2));
	if (config_read(f, PCI_REVISION_ID, 1))
		fl_buf_addf(out, " (rev %02x)", config_read(f, PCI_REVISION_ID, 1));
	fl_buf_addc(out, '\n');
	if (driver && f->driven)
		fl_buf_addz(out, "\tKernel driver in use: " FL_DRIVER "\n");
}

int fl_sysroot_lspci(void *ctx, const struct fl_str *args, size_t n, struct fl_buf *out)
{
	struct fl_sysroot *m = ctx;
	struct fl_str slot = {};
	bool driver = false;

	for (size_t i = 0; i < n; i++) {
		if (fl_str_is(args[i], "-s") && i + 1 < n)
			slot = args[++i];
		else if (args[i].n < 2 || args[i].p[0] != '-')
			return -EINVAL;
		else
			for (size_t k = 1; k < args[i].n; k++) {
				if (args[i].p[k] != 'n' && args[i].p[k] != 'k')
					return -EINVAL;
				driver = driver || args[i].p[k] == 'k';
			}
	}
	for (const struct function *f = m->functions; f; f = f->next)
		if (f->visible && (!slot.n || slot_is(f, slot)))
			list_device(f, driver, out);
	return 0;
}
