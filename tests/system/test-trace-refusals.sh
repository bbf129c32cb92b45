#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-trace-refusals FORELAND: bad input ends with one located diagnostic and exit status 1, and
# usage errors with 2. What is missing on this machine itself is found with setpriv and the kernel's
# own files.
set -u
foreland=$1
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../vm/tap.sh"

trace() { timeout 20 "$foreland" trace -n 1 -t 1 "$@"; }
# One diagnostic: a line "place: error: ... [CODE]", the definition, the caret.
refused()		# CODE CARET-COLUMN NAME DEFINITION
{
	code=$1 column=$2 name=$3
	shift 3
	tap_run trace "$@"
	one()
	{
		[ "$tap_status" = 1 ] && [ ! -s "$tap_dir/out" ] &&
		[ "$(grep -c ': error: ' "$tap_dir/err")" = 1 ] &&
		head -n 1 "$tap_dir/err" | grep -q "^definition: error: .*\[$code\]\$" &&
		[ "$(sed -n 2p "$tap_dir/err")" = "$1" ] &&
		[ "$(sed -n 3p "$tap_dir/err" | sed 's/[^ ].*//' | wc -c)" = $((column + 1)) ]
	}
	tap_judge "$name" "status $tap_status; wanted $code at column $column" one "$1"
}

refused BAD_PROBE_ADDR 2 'unknown function' 'p no_such_function'
refused NO_BTF_FIELD 21 'unknown field' 't sched_switch prev->no_such_field'
refused NO_PTR_STRCT 16 'unknown struct' 't sched_switch (no_such_struct)prev->x'
refused BAD_VAR 17 'unknown variable' 't sched_switch a=$nothing'
refused BAD_ATTACH_EVENT 2 'unknown event' 'e sched/no_such_event'
refused NO_BTFARG 15 'unknown argument' 't sched_switch no_such_argument'
refused BAD_TYPE 20 'unknown type' 't sched_switch prev:u9'
# The next step, where there is one. The names are the kernel's own.
helped()		# HELP NAME DEFINITION
{
	tap_run trace "$3"
	one() { [ "$tap_status" = 1 ] && [ "$(grep '^help: ' "$tap_dir/err")" = "${1:+help: $1}" ]; }
	tap_judge "$2" "status $tap_status; wanted '$1'" one "$1"
}
helped "there is no tracepoint 'sched_swich': did you mean 'sched_switch'?" \
	'arguments of a tracepoint that is nearly there' 't sched_swich next->pid'
helped '' 'arguments of one that is not' 't no_such_tracepoint next->pid'
helped "did you mean 'task_struct'?" 'a struct that is nearly there' 't sched_switch (task_strct)next->pid'
status 1 'not a definition' trace 'q sched_switch'
status 1 'nothing at all' trace ''
status 2 'no definition' "$foreland" trace
status 2 'an unknown option' "$foreland" trace --no-such-option 't sched_switch'
complains 'No such file' 'a file of definitions that is not there' trace --file /no/such/file

if ! trace 't sched_switch' >/dev/null 2>&1; then
	skip 'BPF may not be used here' 'refusals by the kernel'
	done_testing
	exit
else
	complains '^/dev/full: |No space left' 'a full disk is told' sh -c \
		"$foreland trace -n 1 -t 5 -o /dev/full 't sched_switch a=prev->pid'"
	refused TRACE_NOT_FOUND 2 'a tracepoint that is nearly another' 't sched_swich'
	complains "no tracepoint 'no_such_tracepoint' now" 'one that a module may bring is waited for' sh -c \
		"$foreland trace -t 0.1 't no_such_tracepoint'; false"
	helped "did you mean 'sched_switch'?" 'a tracepoint that is nearly there' 't sched_swich'
	check 'a closed pipe ends the trace well' sh -c \
		"{ $foreland trace 't sys_enter id'; echo \$? >$tap_dir/status; } | head -n 1 >/dev/null;
		 [ \$(cat $tap_dir/status) = 0 ]"
	prints '' 'a command that is not there is an error' sh -c \
		"$foreland trace --comm nobody 't sched_switch' -- /no/such/command 2>/dev/null; [ \$? = 127 ]"
fi

if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
	skip 'not root' 'what a process without privileges is told'
else
	cp "$foreland" "$tap_dir/foreland"
	chmod 755 "$tap_dir" "$tap_dir/foreland"
	nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$tap_dir/foreland" trace -n 1 "$@"; }
	complains 'TRACE_NOT_PERMITTED' 'no privilege: one error' nobody 't sched_switch'
	complains 'help: missing: CAP_BPF.*--vm' 'no privilege: what is missing, and that --vm works' \
		nobody 't sched_switch'
	without() { setpriv --inh-caps=-all --bounding-set=-$1,-sys_admin "$foreland" trace -n 1 't sched_switch'; }
	complains 'help: missing: CAP_PERFMON' 'no CAP_PERFMON: it is named' without perfmon
fi

if [ -e /sys/bus/event_source/devices/kprobe ]; then
	skip 'this kernel has kprobes' 'a kernel without the hook'
else
	complains '^note: tried fentry: ' 'a kernel without the hook: the first try' trace 'f vfs_read'
	complains '^note: tried kprobe: ' 'a kernel without the hook: the second' trace 'f vfs_read'
fi
done_testing
