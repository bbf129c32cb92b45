// SPDX-License-Identifier: GPL-2.0-or-later
/* A recording of an engine, and its replay. Where it parts from the recording, it says where. */
#include <assert.h>

#include "epdma/engine/log.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fl_replay_result res;
	struct fl_diag diag = {};
	int r = fl_engine_replay(fl_str_n((const char *)data, size), &res, &diag);

	assert(r != 0 || !res.line);
	assert(r != -84 /* EILSEQ */ || (res.line && res.recorded[0] && res.replayed[0]));
	fl_diag_fini(&diag);
	return 0;
}
