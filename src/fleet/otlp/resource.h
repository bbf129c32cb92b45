/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who sends: the machine, the program and, where it is in one, the container, in the words of OpenTelemetry's
 * conventions. What somebody has said in OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME stands in place of what we
 * found out, as in everything that speaks OTLP: that is how a pod tells its own name and its node's.
 */
#ifndef FLEET_OTLP_RESOURCE_H
#define FLEET_OTLP_RESOURCE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct fl_otlp_resource {
	struct fl_buf attributes; /* of a Resource, as they are sent */
	char run[33];		  /* this run of the program, in all of them */
	uint64_t start_ns;	  /* since 1970: when counting began */
};

/**
 * fl_otlp_resource() - find it out
 * @given: "KEY=VALUE,...", values with %XX, as OTEL_RESOURCE_ATTRIBUTES; NULL: nothing
 * @service: its service.name, as OTEL_SERVICE_NAME; NULL: @given's, else "foreland"
 * @why: told where @given is wrong: then nothing of it is taken, as the specification has it
 *
 * Return: 0 or -errno; fl_otlp_resource_fini() in both cases.
 */
int fl_otlp_resource(const char *given, const char *service, struct fl_otlp_resource *ret, struct fl_buf *why);
void fl_otlp_resource_fini(struct fl_otlp_resource *r);

/* The id of the container that a process is in, by the text of its cgroup file and its mountinfo; empty: in none. */
struct fl_str fl_otlp_container(struct fl_str cgroup, struct fl_str mounts);

#endif
