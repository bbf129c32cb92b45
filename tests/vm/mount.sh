# SPDX-License-Identifier: GPL-2.0-or-later
# foreland mount in a guest: live events through files. The judges are the kernel's own tracefs, which traces the
# same beside it, and its list of kprobes.

T=/sys/kernel/tracing
[ -e $T/events/enable ] || mount -t tracefs none $T
[ -e /sys/kernel/debug/kprobes ] || mount -t debugfs none /sys/kernel/debug
modprobe fuse 2>/dev/null

# In the command's namespace, in the folder that is ours there.
ours() {
	foreland mount --only tracing - -- sh -c "cd $T; $1"
}

# What stands behind the time stamp, of the lines with that pattern.
said() {
	sed -n "s/^.*[0-9]: \($1\)/\1/p" | sort
}

same_as_kernels() {
	for e in $1; do echo 1 >$T/events/$e/enable; done
	ours "for e in $1; do echo 1 >events/\$e/enable; done; $2; cat trace" >/tmp/ours
	for e in $1; do echo 0 >$T/events/$e/enable; done
	cat $T/trace >/tmp/theirs; echo >$T/trace
	said "$3" </tmp/ours >/tmp/ours.said
	said "$3" </tmp/theirs >/tmp/theirs.said
	# The kernel has seen more: the mount, too. Numbers have their 0x since 6.17.
	sed -i s/0x//g /tmp/ours.said /tmp/theirs.said
	[ -s /tmp/ours.said ] && ! grep -Fxv -f /tmp/theirs.said /tmp/ours.said
}

cp /bin/busybox /tmp/marked
check 'a record with a string behind its fields is said as the kernel says it' \
	same_as_kernels sched/sched_process_exec '/tmp/marked true; /tmp/marked true' 'sched_process_exec: filename=.tmp.marked.*'
check 'a system call is said as the kernel says it' \
	same_as_kernels 'syscalls/sys_enter_rmdir syscalls/sys_exit_rmdir' 'rmdir /nowhere /tmp/nowhere 2>/dev/null' 'sys_rmdir.*'
check 'flags and arrays are, too' \
	same_as_kernels 'signal/signal_generate signal/signal_deliver' '(kill -USR1 $(sh -c "echo \$PPID"))' 'signal_[gd].*sig=10 .*'

# The same histogram on the kernel's own event, of the same programs.
same_histogram() {
	e=events/sched/sched_process_exec
	spec='hist:keys=filename:vals=pid if filename == "/tmp/marked"'
	echo "$spec" >$T/$e/trigger
	ours "echo '$spec' >$e/trigger; /tmp/marked true; /tmp/marked true; cat $e/hist" | grep '^{' >/tmp/ours
	grep '^{' $T/$e/hist >/tmp/theirs
	echo "!$spec" >$T/$e/trigger
	[ -s /tmp/ours ] && cmp /tmp/ours /tmp/theirs
}
if grep -q hist $T/events/sched/sched_process_exec/trigger; then
	check "a histogram in a trigger's file counts what the kernel's own counts" same_histogram
fi
prints '0 1' 'a trigger switches the trace for the records behind it' \
	ours 'echo "traceoff:1" >events/sched/sched_process_exec/trigger; echo 1 >events/sched/sched_process_exec/enable
		/tmp/marked true; /tmp/marked true; echo $(cat tracing_on) $(grep -c "count=0" events/sched/sched_process_exec/trigger)'

check 'what a ring has no room for is counted' sh -c "
	foreland mount --only tracing - -- sh -c 'cd $T; echo p:n write_null >kprobe_events; echo 1 >events/kprobes/n/enable
		dd if=/dev/zero of=/dev/null bs=1 count=60000 2>/dev/null
		echo 0 >events/kprobes/n/enable; cat kprobe_profile trace' >/tmp/lost
	hits=\$(sed -n 's/^  n  *\([0-9]*\) .*/\1/p' /tmp/lost); written=\$(sed -n 's/.*entries-written: [0-9]*.\([0-9]*\) .*/\1/p' /tmp/lost)
	[ \"\$hits\" -ge 60000 ] && [ \"\$hits\" = \"\$written\" ]"

prints '200' 'two hundred write at once, and no line is lost' \
	ours 'i=0; while [ $i -lt 200 ]; do echo p:e$i vfs_read >>kprobe_events & i=$((i+1)); done; wait; echo $(wc -l <kprobe_events)'
prints '1 2' 'instances have their own events and their own trace' \
	ours 'mkdir instances/a instances/b; echo 1 >instances/a/events/sched/sched_process_exec/enable
		echo one >instances/a/trace_marker; echo two >instances/b/trace_marker; echo zwei >instances/b/trace_marker
		echo $(cat instances/a/set_event | wc -l) $(grep -c mark_write instances/b/trace); rmdir instances/a instances/b'
prints 'Device or resource busy' 'an enabled definition is not removed' \
	ours 'echo p:a vfs_read >kprobe_events; echo 1 >events/kprobes/a/enable; (echo >kprobe_events) 2>&1 | sed "s/.*: //"'

cp $T/available_filter_functions /tmp/functions
check "the kernel's list of functions is there, as bpftrace reads it" ours 'cmp available_filter_functions /tmp/functions'
# where nobody has mounted tracefs: the server does so, for itself, when the tree has been made
unmounted() { unshare -m sh -c 'umount -l /sys/kernel/tracing; umount -l /sys/kernel/debug/tracing; umount -l /sys/kernel/debug
	! ls /sys/kernel/tracing/README && foreland mount --only tracing - -- cat /sys/kernel/tracing/available_filter_functions' | cmp - /tmp/functions; }
check 'the same where tracefs was not mounted' unmounted

# A server that is killed leaves nothing behind.
killed() {
	mkdir -p /tmp/m
	before=$(cat /sys/kernel/debug/kprobes/list | wc -l)
	foreland mount --only tracing /tmp/m &
	server=$!
	until [ -e /tmp/m/tracing/README ]; do sleep 0.1; done
	echo p:a vfs_read >/tmp/m/tracing/kprobe_events
	echo 1 >/tmp/m/tracing/events/kprobes/a/enable
	during=$(cat /sys/kernel/debug/kprobes/list | wc -l)
	kill -9 $server
	wait $server
	umount /tmp/m
	i=0
	while [ $(cat /sys/kernel/debug/kprobes/list | wc -l) != $before ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done
	[ $during -gt $before ] && [ $i -lt 100 ]
}
check 'a server that is killed leaves no probe behind' killed

# umount -f aborts the connection: who reads is told, and the server ends.
forced() {
	foreland mount --only tracing /tmp/m &
	server=$!
	until [ -e /tmp/m/tracing/README ]; do sleep 0.1; done
	cat /tmp/m/tracing/trace_pipe >/tmp/pipe 2>/tmp/pipe.error &
	reader=$!
	sleep 0.5
	umount -f -l /tmp/m
	kill -9 $reader 2>/dev/null
	wait $server
}
check 'umount -f ends the server, though somebody reads' forced
