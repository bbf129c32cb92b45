/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "foreland: ignore CHECK REASON" in a file's own comments. */
#ifndef DOCS_RUN_PRIVATE_H
#define DOCS_RUN_PRIVATE_H

#include "docs/run/session.h"

/* Takes out of @s's sorted findings what the files ask for; with @tell, reports what nothing needs. */
void docs_ignore(struct docs_session *s, bool tell);

#endif
