/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/words.h"

#include "base/num.h"
#include "base/util.h"

/* Errors that stay inside of the kernel (include/linux/errno.h); the others are base/num.h's. */
static const struct {
	int number;
	const char *name;
} inner_errors[] = {
	{ 512, "ERESTARTSYS" },	      { 513, "ERESTARTNOINTR" }, { 514, "ERESTARTNOHAND" },
	{ 515, "ENOIOCTLCMD" },	      { 516, "ERESTART_RESTARTBLOCK" }, { 517, "EPROBE_DEFER" },
	{ 518, "EOPENSTALE" },	      { 519, "ENOPARAM" },	 { 521, "EBADHANDLE" },
	{ 522, "ENOTSYNC" },	      { 523, "EBADCOOKIE" },	 { 524, "ENOTSUPP" },
	{ 525, "ETOOSMALL" },	      { 526, "ESERVERFAULT" },	 { 527, "EBADTYPE" },
	{ 528, "EJUKEBOX" },	      { 529, "EIOCBQUEUED" },	 { 530, "ERECALLCONFLICT" },
	{ 531, "ENOGRACE" },
};

bool fl_show_error(int64_t value, struct fl_buf *out)
{
	const char *name = value < 0 && value > -512 ? fl_errno_name((int)value) : NULL;

	for (size_t i = 0; i < FL_ARRAY_SIZE(inner_errors); i++)
		if (value == -inner_errors[i].number)
			name = inner_errors[i].name;
	if (!name || name[0] != 'E' || name[1] < 'A' || name[1] > 'Z' || name[1] == '?')
		return false;
	fl_buf_addf(out, "-%s", name);
	return true;
}

/* As C has it, but for what fl_escape() sees to: the whole line goes through it. */
void fl_show_c_string(struct fl_buf *out, struct fl_str s)
{
	fl_buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			fl_buf_addc(out, '\\');
		fl_buf_addc(out, s.p[i]);
	}
	fl_buf_addc(out, '"');
}
