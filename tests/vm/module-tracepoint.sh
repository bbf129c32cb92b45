# SPDX-License-Identifier: GPL-2.0-or-later
# A tracepoint of a module that comes after the trace has begun has as many records as the kernel's own event of it.
# xfs owns more tracepoints than any other; to look for it on an empty disk is enough for one to fire.
T=/sys/kernel/tracing
xfs=$(ls /vm/modules/more/*xfs.ko)
rmmod xfs
cat >looks <<EOF
insmod $xfs
sleep 0.5
echo >$T/trace
echo 1 >$T/events/xfs/xfs_buf_rele/enable
for n in 1 2 3; do mount -t xfs /dev/vda /mnt; done 2>/dev/null
echo 0 >$T/events/xfs/xfs_buf_rele/enable
EOF
waited()
{
	foreland trace 't:a/t xfs_buf_rele b=$arg1:x64' -- sh looks 2>err >out
	grep -c ': xfs_buf_rele: ' $T/trace >kernel
	grep -c ' t: (.*xfs_buf_rele) b=0xff[0-9a-f]*$' out >ours
	cat err kernel ours
	[ "$(cat kernel)" -gt 2 ] && diff kernel ours >&2 && grep -q "no tracepoint 'xfs_buf_rele' now" err &&
		! grep -q 'no module has brought' err
}
check 'a tracepoint that comes with a module' waited
check 'and the module goes again afterwards' rmmod xfs
complains "no module has brought the tracepoint 'xfs_buf_rele'" 'one that does not come is said' sh -c \
	"foreland trace -t 0.1 't xfs_buf_rele'; false"
complains 'did you mean .sched_switch.' 'a slip is refused' foreland trace -t 0.1 't sched_swich'
if { echo 't:own/w xfs_buf_rele' >>$T/dynamic_events; } 2>/dev/null; then	# as of 6.10
	check 'the same through the kernel'\''s tracer' sh -c "foreland trace --via tracefs -t 0.1 't xfs_buf_rele'"
	echo '-:own/w' >>$T/dynamic_events
fi
