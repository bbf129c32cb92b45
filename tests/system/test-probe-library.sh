#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-probe-library.sh FORELAND BUILD SOURCE: what "meson install" leaves of libforeland-probe is enough to
# build tests/system/probe-example.c by pkg-config alone. Listing and dump are those that a kernel with the
# series gave (tests/data/vectors); messages and columns those of its tprobe_syntax_errors.tc; the recording is
# read by the command as well.
set -u
foreland=$1 build=$2 source=$3
. "$source/tests/vm/tap.sh"
trap 'rm -rf "$work" "$tap_dir"' EXIT
work=$(mktemp -d)
check 'it installs' env DESTDIR="$work/dest" meson install -C "$build" --no-rebuild --quiet
mv "$(dirname "$(dirname "$(find "$work/dest" -path "*/bin/foreland")")")" "$work/moved"
pc=$(dirname "$(find "$work/moved" -name libforeland-probe.pc)")
export PKG_CONFIG_PATH=$pc LD_LIBRARY_PATH=$(dirname "$pc")
config() { pkg-config --define-variable=prefix="$work/moved" "$@" libforeland-probe; }
check 'pkg-config accepts the file' pkg-config --validate libforeland-probe
# shellcheck disable=SC2046
check 'the example builds' cc -Wall -Wextra -Wno-unused-parameter -Werror -o "$work/example" \
	"$source/tests/system/probe-example.c" $(config --cflags --libs)
example=$work/example

# README's program, as it stands there.
sed -n '/^```c$/,/^```$/p' "$source/README.md" | sed '/^```/d' >"$work/readme.c"
# shellcheck disable=SC2046
check "README's program builds" cc -Wall -Wextra -Werror -o "$work/readme" "$work/readme.c" $(config --cflags --libs)
[ "$(uname -m)" != x86_64 ] ||
	prints "$(sed -n '/^\$ cc example.c/{n;p}' "$source/README.md")" 'and prints what stands there' "$work/readme"

so=$(find "$LD_LIBRARY_PATH" -name 'libforeland-probe.so.0')
exported=$(nm -D --defined-only "$so" | sed -n 's/.* T \(.*\)@@LIBFORELAND_PROBE_0/\1/p' | sort | tr '\n' ' ')
documented=$(grep -oE '\bfl_(system|definition|tracing|recording)_[a-z_]+\(' "$source/include/foreland/probe.h" |
	tr -d '(' | { cat; echo fl_diag_fini; } | sort -u | tr '\n' ' ')
prints "$documented" 'exported are the documented functions, with a version' echo "$exported"
prints 'libforeland-probe.so.0' 'its soname' sh -c "readelf -d '$so' | sed -n 's/.*soname: \[\(.*\)\]/\1/p'"

prints 'p:kprobes/p_vfs_read_0 vfs_read a=%ax
#  a: REG(80) -> ST_RAW(size=8) -> END
a is x64' 'a definition, its program, its arguments' "$example" check 'p vfs_read a=%ax'
complains '12: BTF is not available or not supported|8: Invalid \$-variable specified' 'a refusal, with its column' \
	"$example" check 't kfree $none_var'
complains '2: Group name is not specified' 'another' "$example" check 't:/bar kfree'
# The older text of a cast says what a kernel with the series has dumped of the cast itself.
if [ -r /sys/kernel/btf/vmlinux ]; then
	DEF='f:c/e vfs_read v=(list_head)buf->next->next->prev'
	dump=$(grep -F "\"def\": \"$DEF\"" "$source/tests/data/vectors/casts.mainline.jsonl" |
		sed 's/.*"dump": \["\([^"]*\)"\].*/\1/')
	older=$("$example" lower 6.12 "$DEF")
	check 'the older text' sh -c "echo '$older' | grep -v '(list_head)\|->'"
	prints "${dump:-nothing recorded}" 'and what it means' sh -c "'$example' check '$older' | grep '^#'"
else
	skip 'no BTF of this kernel' 'the older text'
fi

if "$foreland" trace -n 1 -t 10 't sched_switch' >/dev/null 2>&1; then
	check 'it traces' "$example" trace 3 't:demo/sw sched_switch next=next->comm:string'
	"$example" trace 3 't:demo/sw sched_switch next=next->comm:string' >"$work/out"
	prints 3 'as many lines as wanted' sh -c "grep -c ' sw: (.* next=\"' '$work/out'"
	matches 'records: 3$' 'and they are counted, those alone' tail -n 1 "$work/out"
	prints "$(sed -n 's/.* next="\(.*\)"$/first: \1/p' "$work/out")" 'the argument by itself' \
		grep '^first: ' "$work/out"
	"$example" all 3 't sched_swit[c]h next=next->pid if next > 0' >"$work/out"
	prints 'event 0: next is s32
records: 3' 'globs and filters, as the command takes them' grep -E '^(event|records)' "$work/out"
	check 'what the filter wants, and nothing else' sh -c "! grep -q 'next=0' '$work/out'"
	"$foreland" trace -n 20 -o "$work/f.dat" 't:demo/sw sched_switch next=next->comm:string' 2>/dev/null
	prints "$("$foreland" report "$work/f.dat" 2>/dev/null)" 'it reads recordings' "$example" report "$work/f.dat"
else
	skip 'BPF may not be used here' 'tracing'
fi
complains 'Nothing matches this glob' 'a glob of nothing' "$example" all 1 't no_such_tracepoint_*'
complains 'Invalid [$]-variable specified' 'a refusal, with the same message' "$example" all 1 't kfree $none_var'
complains 'trace.dat|recording' 'what is none is told' "$example" report "$source/README.md"
