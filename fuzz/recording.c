/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording that somebody made: opened, and its records written in one of the forms; converted. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "base/util.h"
#include "probe/export/export.h"
#include "probe/export/file.h"
#include "probe/tracedat/recording.h"
#include "probe/tracedat/selection.h"

static const char *const forms[] = { "text", "json", "csv", "chrome", "folded", "pprof", "perfetto" };

static void export_all(struct fl_recording *r, struct fl_selection *s, const char *form)
{
	_cleanup_export_ struct fl_export *e = NULL;
	_cleanup_buf_ struct fl_buf out = {};
	const struct fl_recorded *rec;

	if (fl_export_new(form, (struct fl_export_opts){}, &e) < 0)
		return;
	for (int i = 0; i < 300 && fl_recording_next(r, &rec) > 0; i++) {
		fl_selection_match(s, rec, NULL);
		fl_export_record(e, rec, &out);
		if (out.len > 1u << 20)
			fl_buf_reset(&out);
	}
	fl_export_finish(e, &out);
}

static void read_as(const char *path, const char *form)
{
	_cleanup_recording_ struct fl_recording *r = fl_recording_new();
	_cleanup_selection_ struct fl_selection *s = fl_selection_new();
	_cleanup_buf_ struct fl_buf facts = {};

	if (!r || !s)
		return;
	fl_selection_add_events(s, "*: common_pid > 1 && u > 2");
	if (fl_recording_add(r, path) == 0 && fl_recording_start(r) == 0) {
		fl_recording_facts(r, &facts);
		export_all(r, s, form);
	}
	while (fl_recording_finding(r))
		;
}

static void convert(const char *path, const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("converted", MFD_CLOEXEC);
	struct fl_dat_convert how = { size % 2 ? 6 : 7, size % 3 ? FL_PACKING_NONE : FL_PACKING_ZSTD };
	struct fl_findings findings;

	if (how.version == 6)
		how.packing = FL_PACKING_NONE;
	if (fd >= 0)
		fl_export_file(path, NULL, how, fd, &findings);
	if (fd >= 0)
		fl_findings_fini(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("recording", MFD_CLOEXEC);
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, data, size) == (ssize_t)size) {
		read_as(path, forms[size % FL_ARRAY_SIZE(forms)]);
		convert(path, data, size);
	}
	return 0;
}
