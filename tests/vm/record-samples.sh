# SPDX-License-Identifier: GPL-2.0-or-later
# record-samples.sh TRACE-CMD DIR all|some|few: recordings of what this kernel can be made to do, in the guest.
T=$1 O=$2 extent=$3
mkdir -p "$O"
cat >/tmp/load.sh <<'L'
ls -lR /sys/kernel/btf /proc/self /bin >/dev/null 2>&1 &
cat /proc/self/maps >/dev/null
sleep 0.02
echo x | grep -q x
kill -0 $$
mkdir -p /tmp/d; echo y >/tmp/d/f; mv /tmp/d/f /tmp/d/g; rm -r /tmp/d
wait
L
load='sh /tmp/load.sh'
marker='echo hello marker >/sys/kernel/tracing/trace_marker
printf "\1\0\0\0raw" >/sys/kernel/tracing/trace_marker_raw
printf "two\nlines\n" >/sys/kernel/tracing/trace_marker'
rec()
{
	name=$1
	shift
	timeout 60 "$T" record -o "$O/$name.dat" "$@" >/tmp/log 2>&1 || echo "not recorded: $name: $(tail -1 /tmp/log)"
}
rec default -e sched_process_exec -e sched_switch $load
for v in 6 7; do
	rec v$v --file-version $v -e sched_process_exec -e sched_switch $load
	rec v$v-marker --file-version $v -e sched_process_exec sh -c "$marker"
	rec v$v-instances --file-version $v -e sched_process_exec -B foo -e sched_process_exit -B bar -e sched_process_fork $load
	rec v$v-cycles --file-version $v -C x86-tsc -e sched_process_exec $load
	rec v$v-date --file-version $v --date -e sched_process_exec $load
	rec v$v-function --file-version $v -p function -l 'vfs_*' $load
	rec v$v-graph --file-version $v -p function_graph -l 'vfs_*' -l ksys_read $load
	rec v$v-stack --file-version $v -e sched_process_exec -T $load
	rec v$v-user-stack --file-version $v -e sched_process_exec -O userstacktrace $load
	rec v$v-small-buffer --file-version $v -b 8 -e kmem -e sched -e syscalls $load
done
for c in global counter uptime perf mono mono_raw boot tai; do
	rec clock-$c -C $c -e sched_process_exec -e sched_process_exit $load
done
[ "$extent" = few ] && exit 0
for z in none zlib zstd; do
	rec packed-$z --compression $z -e sched -e kmem -e syscalls $load
done
# What only shows together: tracers beside events, in buffers with clocks of their own, packed or not.
for z in none zlib zstd; do
	rec both-$z --compression $z -C mono -e sched_process_exec -B foo -p function -l 'vfs_*' -B bar -C boot -e sched_process_exit $load
	rec date-$z --compression $z --date -C mono -e sched_process_fork -T $load
done
for v in 6 7; do
	rec v$v-function-events --file-version $v -p function -l 'vfs_*' -e sched_process_exec -e syscalls:sys_enter_openat $load
	rec v$v-graph-events --file-version $v -p function_graph -l 'vfs_*' -e sched_process_exec -e sched_switch $load
	rec v$v-graph-instance --file-version $v -e sched_process_exec -B foo -p function_graph -l 'vfs_*' $load
	rec v$v-function-stack --file-version $v -p function -l vfs_open -O func_stack_trace $load
	rec v$v-no-comms --file-version $v -e sched_process_exec -O norecord-cmd -O record-tgid $load
	rec v$v-maps --file-version $v --proc-map -e sched_process_exec -F $load
	rec v$v-mine --file-version $v -e sched_switch -F -c $load
	rec v$v-trigger --file-version $v -e sched_process_exec -R stacktrace $load
	rec v$v-filter --file-version $v -e sched_switch -f 'prev_prio == 120' $load
	rec v$v-newest --file-version $v -m 64 -e kmem -e syscalls $load
	rec v$v-buffer-clock --file-version $v -C mono_raw -e sched_process_exec -B foo -e sched_switch -b 16 $load
	rec v$v-cpu --file-version $v -M 1 -e sched $load
done
for option in graph-time funcgraph-tail funcgraph-retval funcgraph-args funcgraph-irqs sleep-time; do
	rec graph-$option -p function_graph -O $option -l 'vfs_*' $load
done
for tracer in wakeup wakeup_rt wakeup_dl irqsoff preemptoff blk hwlat osnoise timerlat mmiotrace; do
	grep -qw $tracer /sys/kernel/tracing/available_tracers && rec tracer-$tracer -p $tracer sleep 0.3
done
[ "$extent" = all ] || exit 0
for system in /sys/kernel/tracing/events/*/; do
	system=${system%/}
	system=${system##*/}
	[ "$system" = ftrace ] || rec system-$system -e $system $load
done
rec all -e all $load
