/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The findings of this folder, made from errors.def. */
#ifndef BTF_ERRORS_H
#define BTF_ERRORS_H

#include "base/place.h"

enum fl_btf_error {
#define D(code, level, err, message) FL_E_##code,
#include "btf/errors.def"
	_FL_BTF_ERROR_MAX,
};

extern const struct fl_diag_kind fl_btf_errors[_FL_BTF_ERROR_MAX];

#endif
