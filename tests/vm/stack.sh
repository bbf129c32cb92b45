# SPDX-License-Identifier: GPL-2.0-or-later
# --stack, --ustack and stacks as keys, against the kernel's own: options/stacktrace and the hist
# trigger, switched on beside ours, for the same firings of the same command.
T=/sys/kernel/tracing
# Each stack in a line, from the traced place on: what tracing itself puts on it is its own.
stacks()		# TITLE <lines
{
	awk -v title="$1" '
		/^ => / { if (on) { sub(/^ => /, ""); line = line ";" $0 } next }
		{ if (on) print line; on = 0; line = "" }
		index($0, title) { on = 1 }
		END { if (on) print line }' |
	sed -E 's/^.*;(__traceiter_|__probestub_)[^;]*//; s/^.*;(trace_event_raw_event|perf_trace)_[^;]*//;
		s/^.*;(trace_event_buffer_commit|ftrace_syscall_enter)//; s/^.*;\[FTRACE TRAMPOLINE\]//;
		s/^;(kprobe|fentry|fexit|kretprobe)_[a-z_]*//; s/^;//; s/^vfs_write;ksys/ksys/
		s/(\[\+0x[0-9a-f]+\]) [^;]*/\1/g'	# names of functions, which the kernel has not
}


# The kernel's own event of the same place: before 6.5 functions have kprobes alone, and tracepoints none.
kernels()		# DEFINITION
{
	if grep -q ' f\[:' $T/README; then
		echo "$1" | sed 's/^\([a-z]\)/\1:k\/x/'
		return
	fi
	echo "$1" | sed 's/^\([a-z]\)/\1:k\/x/; s/^f:\(.*\)%return/r:\1/; s/^f/p/; s/^t:\([^ ]*\) sys_enter id=.*/e:\1 raw_syscalls.sys_enter id=$id:u32/'
}

# ours against the kernel's: the same stacks as often
both()			# NAME DEFINITION [FILTER]
{
	rm -f /tmp/go; : >ours
	echo >$T/trace
	for o in stacktrace userstacktrace sym-userobj; do echo 1 >$T/options/$o; done
	kernels "$2" >>$T/dynamic_events || { fail "$1"; return; }
	echo "comm == \"stacks\"${3:+ && $3}" >$T/events/k/x/filter
	echo 1 >$T/events/k/x/enable
	foreland trace --stack --ustack --comm stacks "$2${3:+ if $3}" -- ./stacks >ours 2>err &
	while [ "$(grep -c '<user stack' ours)" -lt 3 ]; do sleep 0.1; done
	echo 0 >$T/events/k/x/enable
	cat $T/trace >kernel
	touch /tmp/go
	wait
	for o in stacktrace userstacktrace sym-userobj; do echo 0 >$T/options/$o; done
	echo >$T/dynamic_events
	stacks '<stack trace>' <ours | sort >ours.k
	stacks '<stack trace>' <kernel | sort >kernel.k
	stacks '<user stack trace>' <ours | sort >ours.u
	stacks '<user stack trace>' <kernel | sort >kernel.u
	check "$1: the process's stacks" sh -c '[ $(grep -c "^[^;]*/stacks\[+0x[0-9a-f]*\];[^;]*/stacks" ours.u) = 3 ] && diff ours.u kernel.u'
	if [ "$1" = tracepoint ] && ! grep -q ' f\[:' $T/README; then	# 6.1 gives a program none of its stacks there
		check "$1: that there is no kernel stack is said" sh -c '
			[ $(grep -c "(none: ENODATA)" ours) = 3 ] && grep -q " 3 records.* 3 without stack" err'
		return
	fi
	check "$1: the kernel's stacks" sh -c '[ $(grep -c do_syscall_64 ours.k) = 3 ] && diff ours.k kernel.k || { cat ours.k; false; }'
	check "$1: none is missing" grep -q ' 3 records.* 0 without stack' err
}

both 'kprobe' 'p vfs_write'
both 'kretprobe' 'r vfs_write'
both 'fentry' 'f vfs_write'
both 'fexit' 'f vfs_write%return'
both 'raw tracepoint' 't sys_enter id=id:u32' 'id == 110'
both 'tracepoint' 'e syscalls.sys_enter_getppid'

# a name in BTF's place: JSON has the same frames, with offsets
json()
{
	touch /tmp/go
	foreland trace --json --stack --comm stacks -n 1 'p vfs_write' -- ./stacks 2>&1 |
		grep -o '"stack":\["vfs_write+0x[0-9a-f]*/0x[0-9a-f]*","ksys_write+'
}
check 'JSON' json

# as many frames as there can be: 127, then the mark
full()
{
	foreland trace --ustack --comm stacks -n 1 'p vfs_write' -- ./stacks 200 | awk '/^ => / { n++; last = $2 } END { print n, last }'
	foreland trace --json --ustack --comm stacks -n 1 'p vfs_write' -- ./stacks 200 | grep -o '"cut":.*"user_stack":'
}
prints '128 ...
"cut":["user_stack"],"user_stack":' 'a stack of the greatest depth is marked' full

# a recording has them, and is read again
recorded()
{
	foreland trace --stack --ustack --comm stacks -o a.dat 'f vfs_write' -- ./stacks &&
		foreland report a.dat >again && stacks '<stack trace>' <again | sort | uniq -c
}
matches '^ *3 ksys_write;do_syscall_64;entry_SYSCALL_64_after_hwframe$' 'a recording' recorded

# keys: as the kernel's trigger prints them, which had a shorter name for stacks before 6.3
stack=stacktrace
! grep -q common_stacktrace $T/README || stack=common_stacktrace
keys()			# NAME SYSTEM/EVENT SPEC DEFINITION
{
	trigger=$T/events/$2/trigger
	theirs=$(echo "$3" | sed "s/common_stacktrace/$stack/")
	echo "hist:$theirs if comm == \"stacks\"" >$trigger || { fail "$1"; return; }
	foreland trace --comm stacks --hist "$3" "$4" -- ./stacks >out 2>err
	cat $T/events/$2/hist >kernel
	echo "!hist:$theirs if comm == \"stacks\"" >$trigger
	sed -n '/^# event histogram/,$p' out | sed '/^#/d' >ours.body
	sed '/^#/d; s/^{ stacktrace:/{ common_stacktrace:/' kernel >kernel.body
	check "$1" sh -c 'grep -q common_stacktrace ours.body && diff kernel.body ours.body'
}
keys 'a stack as key' sched/sched_process_exit keys=common_stacktrace 't sched_process_exit'
keys 'a stack and a number as keys' sched/sched_process_exit keys=common_stacktrace,pid.hex \
	'e sched/sched_process_exit pid=$pid:u32'
keys 'the short name' sched/sched_process_exit keys=stacktrace:vals=hitcount 'e sched/sched_process_exit'
