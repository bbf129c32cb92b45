/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ids of containers: the files are as Docker 24 and containerd 1.6 leave them (their documentation shows such lines);
 * rules of attributes are OpenTelemetry's (its resource SDK, and the percent-encoding of W3C's baggage). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fleet/otlp/resource.h"

#define ID    "4f66ad9a0b2e8f3f1c1e0d9c8b7a695847362514039281706f5e4d3c2b1a0918"
#define OTHER "00000000000000000000000000000000000000000000000000000000000000aa"

static void expect(const char *cgroup, const char *mounts, const char *want)
{
	struct fl_str id = fl_otlp_container(fl_str(cgroup), fl_str(mounts));

	assert_int_equal(id.n, strlen(want));
	if (id.n)
		assert_memory_equal(id.p, want, id.n);
}

static void test_container(void **state)
{
	expect("0::/system.slice/docker-" ID ".scope\n", "", ID);
	expect("12:pids:/docker/" ID "\n1:name=systemd:/docker/" ID "\n", "", ID);
	expect("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n", "", ID);
	expect("0::/\n", "638 633 254:1 /docker/containers/" ID "/hostname /etc/hostname rw - ext4 /dev/vda1 rw\n", ID);
	/* a layer of an image, and a pod's sandbox */
	expect("0::/\n", "1 2 0:1 / / rw - overlay overlay lowerdir=/var/lib/docker/overlay2/" OTHER "/diff\n", "");
	expect("0::/\n", "1 2 0:1 /sandboxes/" OTHER "/hosts /etc/hosts rw - ext4 /dev/vda1 rw\n", "");
	expect("0::/user.slice/user-0.slice/session-1.scope\n", "", "");
	expect("0::/docker/" ID "0\n", "", "");
	expect("", "", "");
	expect("/", "/containers/", "");
}

static bool has(const struct fl_buf *b, const char *text)
{
	return memmem(b->data, b->len, text, strlen(text));
}

static void expect_given(const char *given, const char *service, const char *want, bool is_wrong)
{
	_cleanup_buf_ struct fl_buf why = {};
	struct fl_otlp_resource r;

	assert_int_equal(fl_otlp_resource(given, service, &r, &why), 0);
	assert_int_equal(why.len != 0, is_wrong);
	assert_true(!want || has(&r.attributes, want));
	assert_true(has(&r.attributes, "os.type"));
	fl_otlp_resource_fini(&r);
}

static void test_given(void **state)
{
	expect_given(NULL, NULL, "foreland", false);
	expect_given("", "", "foreland", false);
	expect_given("a=b%20c", NULL, "b c", false);
	expect_given("service.name=one", NULL, "one", false);
	expect_given("service.name=one", "two", "two", false);
	expect_given("a=1,a=second", NULL, "second", false);
	expect_given("a=", NULL, NULL, false);
	expect_given("a=x=y", NULL, "x=y", false);
	expect_given("a", NULL, NULL, true);
	expect_given("=b", NULL, NULL, true);
	expect_given("a=%", NULL, NULL, true);
	expect_given("a=%2", NULL, NULL, true);
	expect_given("a=%zz", NULL, NULL, true);
	expect_given("a=%+1", NULL, NULL, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
