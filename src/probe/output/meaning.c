/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/output/meaning.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/util.h"
#include "probe/output/words.h"

#define AF_INET6_KERNEL 10 /* the kernel's numbers, not this system's */
#define AF_INET_KERNEL	2
#define AF_UNIX_KERNEL	1
#define BUFFER_MAX	64 /* bytes of a buffer that are shown as characters in one group */

static const char *const capabilities[] = {
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
	"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
	"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

static const char *const signals[] = {
	"", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
	"TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
	"WINCH", "IO", "PWR", "SYS",
};

static const struct {
	int number;
	const char *name;
} syscalls[] = {
#define SYSCALL(number, name) { number, name },
#include "syscalls.h"
#undef SYSCALL
};

/* Whether one of the names that the type goes by is @name. */
static bool is_called(const struct fl_said *s, const char *name)
{
	struct fl_type t = s->type;

	if (!fl_type_ok(t))
		return fl_str_is(s->c_type, name);
	for (int i = 0; i < 32 && fl_type_ok(t); i++) {
		unsigned int kind = fl_type_kind(t);

		if (kind == BTF_KIND_TYPEDEF && fl_str_is(fl_type_name(t), name))
			return true;
		if (kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_CONST && kind != BTF_KIND_VOLATILE &&
		    kind != BTF_KIND_RESTRICT && kind != BTF_KIND_TYPE_TAG)
			return fl_kind_is_struct(kind) && fl_str_is(fl_type_name(t), name);
		t = fl_type_target(t);
	}
	return false;
}

static bool is_one_of(struct fl_str name, const char *const *names)
{
	for (; *names; names++)
		if (fl_str_is(name, *names))
			return true;
	return false;
}

static bool has_word(struct fl_str name, const char *word)
{
	return memmem(name.p, name.n, word, strlen(word)) != NULL;
}

static void add_ip4(const void *bytes, struct fl_buf *out)
{
	const uint8_t *b = bytes;

	fl_buf_addf(out, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

static void add_ip6(const void *bytes, struct fl_buf *out)
{
	char text[INET6_ADDRSTRLEN];

	fl_buf_addz(out, inet_ntop(AF_INET6, bytes, text, sizeof(text)) ? text : "?");
}

/* ---- numbers ---- */

static bool is_address(struct fl_str name)
{
	return has_word(name, "addr") || has_word(name, "ip");
}

/* @v is what a little-endian machine reads of bytes that stand the other way round. */
static bool network_order(const struct fl_said *s, uint64_t v, struct fl_buf *out)
{
	uint32_t word = (uint32_t)v;

	if (is_called(s, "__be16"))
		fl_buf_add_u64(out, be16toh((uint16_t)v));
	else if (is_called(s, "__be32") && (is_address(s->name) || is_address(s->called)))
		add_ip4(&word, out);
	else if (is_called(s, "__be32"))
		fl_buf_add_u64(out, be32toh(word));
	else if (is_called(s, "__be64"))
		fl_buf_add_u64(out, be64toh(v));
	else
		return false;
	return true;
}

static bool signal_name(int64_t v, struct fl_buf *out)
{
	if (v > 0 && v < (int64_t)FL_ARRAY_SIZE(signals))
		fl_buf_addf(out, "SIG%s", signals[v]);
	else if (v >= 32 && v <= 64)
		fl_buf_addf(out, "SIGRTMIN+%d", (int)v - 32);
	else
		return false;
	return true;
}

const char *fl_syscall_name(int64_t number)
{
	for (size_t i = 0; i < FL_ARRAY_SIZE(syscalls); i++)
		if (syscalls[i].number == number)
			return syscalls[i].name;
	return NULL;
}

static bool syscall_name(int64_t v, struct fl_buf *out)
{
	const char *name = fl_syscall_name(v);

	if (name)
		fl_buf_addz(out, name);
	return name;
}

/* An operation in the low 8 bits, flags above them: the names are two enums of the kernel's. */
static bool block_operation(const struct fl_said *s, uint64_t v, struct fl_buf *out)
{
	struct fl_type op = fl_btf_find(s->type.btf, FL_STR("req_op"), FL_KIND(BTF_KIND_ENUM));
	struct fl_type bits = fl_btf_find(s->type.btf, FL_STR("req_flag_bits"), FL_KIND(BTF_KIND_ENUM));
	struct fl_enum_value e;
	size_t from = out->len;

	for (uint32_t i = 0; fl_type_ok(op) && fl_type_enum_value(op, i, &e); i++)
		if (e.value == (v & 255) && out->len == from)
			fl_buf_add_str(out, e.name);
	if (out->len == from)
		return false;
	for (uint32_t i = 0; fl_type_ok(bits) && fl_type_enum_value(bits, i, &e); i++)
		if (e.value >= 8 && e.value < 64 && v >> e.value & 1 && fl_str_starts(e.name, "__REQ_"))
			fl_buf_addf(out, "|%.*s", FL_STR_ARG(fl_str_from(e.name, 2)));
	return true;
}

/* ---- jiffies ---- */

#define JIFFIES_START (UINT64_C(1) << 32) /* 300 seconds behind the first */

/* A tick's length is the resolution of the clocks that only ticks move. */
static uint32_t ticks_a_second(void)
{
	struct timespec ts;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &ts) < 0 || ts.tv_sec || ts.tv_nsec <= 0)
		return 0;
	return (uint32_t)((1000000000 + ts.tv_nsec / 2) / ts.tv_nsec);
}

void fl_meaning_jiffies(uint64_t v, uint32_t hz, struct fl_buf *out)
{
	uint64_t first = JIFFIES_START - UINT64_C(300) * hz;
	bool is_moment = v >= first;
	uint64_t ticks = is_moment ? v - first : v;

	fl_buf_addf(out, "%s%lu.%03lus", is_moment ? "@" : "", ticks / hz, ticks % hz * 1000 / hz);
}

static bool is_unsigned_long(const struct fl_said *s)
{
	return fl_type_ok(s->type) ? fl_str_is(fl_type_name(fl_type_strip(s->type)), "long unsigned int")
				   : fl_str_is(s->c_type, "unsigned long");
}

static bool jiffies(const struct fl_said *s, uint64_t v, struct fl_buf *out)
{
	static const char *const names[] = { "expires", "jiffies", "clk", NULL };
	static const char *const of_timers[] = { "now", "baseclk", NULL };
	uint32_t hz;

	if (!is_unsigned_long(s) || (!is_one_of(s->name, names) && !fl_str_ends(s->name, "_jiffies") &&
				     !(fl_str_starts(s->event, "timer_") && is_one_of(s->name, of_timers))))
		return false;
	hz = ticks_a_second();
	if (!hz)
		return false;
	fl_meaning_jiffies(v, hz, out);
	return true;
}

static bool is_int(const struct fl_said *s)
{
	static const char *const ints[] = { "int", "unsigned int", "long", "unsigned long", "s32", "u32", "s64", "u64",
					    "pid_t", "ssize_t", NULL };
	struct fl_int info;

	if (!fl_type_ok(s->type))
		return is_one_of(s->c_type, ints);
	return fl_type_int(fl_type_strip(s->type), &info) == 0 && !info.is_bool;
}

/* Of a plain int only its own name tells what it is. */
static bool by_name(const struct fl_said *s, int64_t v, struct fl_buf *out)
{
	static const char *const signal_names[] = { "sig", "signo", "signr", "signal", "exit_signal", "si_signo",
						    "pdeath_signal", NULL };
	static const char *const errors[] = { "err", "error", "errno", "ret", "retval", "rc", "result", "res",
					      "si_errno", "sk_err", NULL };
	static const char *const numbers[] = { "syscall_nr", "__syscall_nr", "syscall", NULL };
	bool is_syscall = fl_str_is(s->event, "sys_enter") || fl_str_is(s->event, "sys_exit");

	if (!is_int(s))
		return false;
	if (jiffies(s, (uint64_t)v, out))
		return true;
	if (is_one_of(s->name, signal_names))
		return signal_name(v, out);
	if (is_one_of(s->name, errors) && v < 0)
		return fl_show_error(v, out);
	if (is_one_of(s->name, numbers) || (is_syscall && fl_str_is(s->name, "id")))
		return syscall_name(v, out);
	if (fl_str_is(s->name, "cap") && v >= 0 && v < (int64_t)FL_ARRAY_SIZE(capabilities)) {
		fl_buf_addz(out, capabilities[v]);
		return true;
	}
	return false;
}

static void add_seconds(bool negative, uint64_t ns, struct fl_buf *out)
{
	fl_buf_addf(out, "%s%lu.%09lu", negative ? "-" : "", ns / 1000000000, ns % 1000000000);
}

bool fl_meaning_number(const struct fl_said *s, uint64_t v, struct fl_buf *out)
{
	if (!fl_type_ok(s->type) && !s->c_type.n)
		return false;
	if (network_order(s, v, out))
		return true;
	if (is_called(s, "dev_t"))
		fl_buf_addf(out, "%u:%u", (uint32_t)v >> 20, (uint32_t)v & 0xfffff);
	else if (is_called(s, "umode_t"))
		fl_buf_addf(out, "0%o", (unsigned int)v & 0xffff);
	else if (is_called(s, "ktime_t"))
		add_seconds((int64_t)v < 0, (int64_t)v < 0 ? 0 - v : v, out);
	else if (is_called(s, "blk_opf_t"))
		return fl_type_ok(s->type) && block_operation(s, v, out);
	else
		return by_name(s, (int64_t)v, out);
	return true;
}

/* ---- bytes ---- */

static bool socket_address(const uint8_t *b, size_t n, struct fl_buf *out)
{
	uint16_t family = n >= 2 ? fl_get_le16(b) : 0;
	size_t length;

	if (family == AF_INET_KERNEL && n >= 8) {
		add_ip4(b + 4, out);
		fl_buf_addf(out, ":%u", fl_get_be16(b + 2));
	} else if (family == AF_INET6_KERNEL && n >= 24) {
		fl_buf_addc(out, '[');
		add_ip6(b + 8, out);
		fl_buf_addf(out, "]:%u", fl_get_be16(b + 2));
	} else if (family == AF_UNIX_KERNEL && n > 2) {
		bool abstract = !b[2] && n > 3 && b[3];
		const char *path = (const char *)b + 2 + abstract;

		length = strnlen(path, FL_MIN(n - 2, (size_t)108) - abstract);
		fl_buf_addz(out, abstract ? "unix:@" : "unix:");
		fl_show_c_string(out, fl_str_n(path, length));
	} else {
		return false;
	}
	return true;
}

/* "68656c6c6f |hello|" */
static void hex_and_text(const uint8_t *b, size_t n, struct fl_buf *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		fl_buf_addc(out, hex[b[i] >> 4]);
		fl_buf_addc(out, hex[b[i] & 15]);
	}
	fl_buf_addz(out, " |");
	for (size_t i = 0; i < n; i++)
		fl_buf_addc(out, b[i] >= ' ' && b[i] < 127 && b[i] != '|' ? (char)b[i] : '.');
	fl_buf_addc(out, '|');
}

/* Not "char", of which arrays are strings. */
static bool is_byte(struct fl_type t)
{
	struct fl_int info;

	while (fl_type_kind(t) == BTF_KIND_CONST || fl_type_kind(t) == BTF_KIND_VOLATILE)
		t = fl_type_target(t);
	if (fl_str_is(fl_type_name(t), "char"))
		return false;
	return fl_type_int(fl_type_strip(t), &info) == 0 && info.size == 1 && !info.is_bool && !info.is_signed;
}

/* Six bytes are a MAC address where their name says so; many are a buffer. */
static bool array(const struct fl_said *s, const uint8_t *b, size_t n, struct fl_buf *out)
{
	static const char *const macs[] = { "h_dest", "h_source", "ha", "mac", "bssid", "lladdr", NULL };
	struct fl_type t = fl_type_strip(s->type);
	uint32_t length = fl_type_array_len(t);

	if (!is_byte(fl_type_target(t)))
		return false;
	if (length == 6 && n >= 6 && (is_one_of(s->name, macs) || has_word(s->name, "addr"))) {
		fl_buf_addf(out, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
		return true;
	}
	if (length < BUFFER_MAX)
		return false;
	n = FL_MIN(n, (size_t)length);
	while (n && !b[n - 1]) /* zeros at its end are left out, as everywhere */
		n--;
	hex_and_text(b, n, out);
	return true;
}

bool fl_meaning_bytes(const struct fl_said *s, const uint8_t *b, size_t n, struct fl_buf *out)
{
	static const char *const sockets[] = { "sockaddr", "sockaddr_in", "sockaddr_in6", "sockaddr_un",
					       "sockaddr_storage", "__kernel_sockaddr_storage", "sockaddr_unsized",
					       NULL };
	struct fl_type t;

	if (!fl_type_ok(s->type))
		return false;
	t = fl_type_strip(s->type);
	if (fl_type_kind(t) == BTF_KIND_ARRAY)
		return array(s, b, n, out);
	if (!fl_kind_is_struct(fl_type_kind(t)))
		return false;
	if (is_one_of(fl_type_name(t), sockets))
		return socket_address(b, n, out);
	if (fl_str_is(fl_type_name(t), "in_addr") && n >= 4)
		add_ip4(b, out);
	else if (fl_str_is(fl_type_name(t), "in6_addr") && n >= 16)
		add_ip6(b, out);
	else if ((is_called(s, "kuid_t") || is_called(s, "kgid_t")) && n >= 4)
		fl_buf_add_u64(out, fl_get_le32(b));
	else if (fl_str_is(fl_type_name(t), "timespec64") && n >= 16 && fl_get_le64(b + 8) < 1000000000)
		fl_buf_addf(out, "%lld.%09lld", (long long)fl_get_le64(b), (long long)fl_get_le64(b + 8));
	else
		return false;
	return true;
}
