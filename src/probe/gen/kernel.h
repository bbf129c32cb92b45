/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the generator must know of the running kernel, gathered from its types and symbols. */
#ifndef PROBE_GEN_KERNEL_H
#define PROBE_GEN_KERNEL_H

#include "probe/gen/gen.h"
#include "probe/target/target.h"

/*
 * Fills what concerns the kernel in @env. Without BTF the programs use helper calls only. The read
 * form is the cheapest that the types speak for: whether the kernel takes it, loading tells.
 */
int fl_kernel_facts(struct fl_target *t, struct fl_gen_env *env);

/* Where kernels before 6.6, whose helper does not tell, keep a user return probe's function. */
void fl_kernel_user_func(struct fl_target *t, struct fl_gen_env *env);

/* For arguments that are paths: -ENOENT where the kernel's types lack one that the walk needs. */
int fl_kernel_paths(struct fl_target *t, struct fl_gen_paths *ret);

/* The same for per-CPU data, needed by few events. */
void fl_kernel_percpu(struct fl_target *t, struct fl_gen_env *env);

#endif
