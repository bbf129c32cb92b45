/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults on purpose: "KIND[:N[+]]", several separated by commas. The Nth occasion (the first unless
 * said) goes wrong, with "+" every one from there on.
 *
 *	lost-doorbell	a doorbell that the engine does not hear
 *	link-loss	the link goes down when element N is about to move
 *	poisoned-read	an element read from host memory comes back poisoned
 *	no-ready	READY is not set though the host asked
 */
#ifndef EPDMA_ENGINE_FAULT_H
#define EPDMA_ENGINE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include <foreland/diag.h>

#include "base/str.h"

enum fl_fault_kind {
	FL_FAULT_LOST_DOORBELL,
	FL_FAULT_LINK_LOSS,
	FL_FAULT_POISONED_READ,
	FL_FAULT_NO_READY,
	_FL_FAULT_MAX,
};

struct fl_fault {
	struct {
		uint64_t nth; /* 0: never */
		bool on;      /* and after it */
		uint64_t seen; /* atomic */
	} at[_FL_FAULT_MAX];
};

/* -EINVAL with @diag: an unknown kind, a bad number. @ret is written on success only. */
int fl_fault_parse(struct fl_str spec, struct fl_fault *ret, struct fl_diag *diag);

/* An occasion has come: does it go wrong? From any thread. @f may be NULL: no. */
bool fl_fault_hit(struct fl_fault *f, enum fl_fault_kind kind);


#endif
