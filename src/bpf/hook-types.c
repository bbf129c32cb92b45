/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpf/hook-types.h"

#include "bpf/sys.h"

const struct fl_hook_info fl_hooks[_FL_HOOK_MAX] = {
#define HOOK(id, text, prog, attach, context, ret)                                                 \
	[FL_HOOK_##id] = { text, prog, attach, FL_CTX_##context, ret,                                  \
			   sizeof(text) > 3 && text[sizeof(text) - 3] == '.' &&                        \
				   text[sizeof(text) - 2] == 's' },
#include "bpf/hook-types.def"
};
