/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of groups as Docker's, Podman's, containerd's, CRI-O's, LXC's and systemd's documents show them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "probe/output/groups.h"

#define ID "4f2a9bd3c6e17058a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778"
#define ID2 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_names(void **state)
{
	static const struct { const char *path, *container; } cases[] = {
		{ "/sys/fs/cgroup/system.slice/docker-" ID ".scope", ID },
		{ "/sys/fs/cgroup/docker/" ID, ID },
		{ "/sys/fs/cgroup/docker/" ID "/init.scope", ID },
		{ "/machine.slice/libpod-" ID ".scope/container", ID },
		{ "/machine.slice/libpod-conmon-" ID ".scope", "" },
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12345678_1234_1234_1234_123456789abc"
		  ".slice/cri-containerd-" ID ".scope", ID },
		{ "/kubepods/besteffort/pod12345678-1234-1234-1234-123456789abc/" ID, ID },
		{ "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID, ID },
		{ "/kubepods.slice/crio-" ID ".scope", ID },
		{ "/docker/" ID "/kubepods/" ID2, ID2 }, /* the innermost */
		{ "/lxc.payload.web-1/system.slice/nginx.service", "web-1" },
		{ "/lxc.monitor.web-1", "" },
		{ "/machine.slice/machine-debian.scope/payload", "debian" },
		{ "/", "" },
		{ "", "" },
		{ "/user.slice/user-1000.slice/session-2.scope", "" },
		{ "/docker/" ID "0", "" }, /* one digit more */
		{ "/docker/x" ID, "" },
		{ "/kubepods/pod12345678-1234-1234-1234-123456789abc", "" },
	};

	for (size_t i = 0; i < FL_ARRAY_SIZE(cases); i++) {
		struct fl_str got = fl_container_of_path(fl_str(cases[i].path));

		if (!fl_str_is(got, cases[i].container))
			fail_msg("%s: '%.*s'", cases[i].path, FL_STR_ARG(got));
	}
}

/* Nobody has a group of this id: that is no "none". */
static void test_gone(void **state)
{
	struct fl_groups *g;

	assert_int_equal(fl_groups_new(&g), 0);
	assert_true(fl_str_is(fl_groups_container(g, UINT64_MAX - 1), "?"));
	assert_true(fl_str_is(fl_groups_container(g, UINT64_MAX - 1), "?"));
	fl_groups_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
