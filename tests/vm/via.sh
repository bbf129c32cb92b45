# SPDX-License-Identifier: GPL-2.0-or-later
# --via tracefs: the lines of BPF and of the kernel's tracer are the same, and nothing stays behind,
# however the run ends. The judge is the kernel's own dynamic_events and instances.
T=/sys/kernel/tracing
left() { cat $T/dynamic_events; ls $T/instances; }
values() { sed 's/^.*: [a-z]*: ([^)]*) //' "$1"; }
echo some text >file

DEF='f:my/read vfs_read name=file->f_path.dentry->d_name.name:string count=count mode=(inode)(file->f_inode)->i_mode:x16'
both()
{
	foreland trace --comm busybox "$DEF" -- busybox dd if=file of=/dev/null bs=5 count=1 >bpf 2>err || return 1
	foreland trace --via tracefs --comm busybox "$DEF" -- busybox dd if=file of=/dev/null bs=5 count=1 >via 2>>err || return 1
	values bpf >bpf.values
	values via >via.values
	cat bpf via err
	grep -q 'name="file" count=5 mode=0x81a4' via.values && diff bpf.values via.values
}
check 'the same values as through BPF' both
prints '' 'nothing is left after a run' left

filtered()
{
	foreland trace --via tracefs --comm busybox "$DEF if count == 3" -- busybox dd if=file of=/dev/null bs=5 count=1 2>err ||
		return 1
	foreland trace --via tracefs --comm busybox "$DEF if count == 5" -- busybox dd if=file of=/dev/null bs=5 count=1 2>>err |
		grep -c 'name="file"'
}
prints 1 'a filter is the kernel'\''s' filtered
prints 3 'as many lines as asked for' sh -c "foreland trace --via tracefs -n 3 't sched_switch next->pid' | wc -l"
complains 'VIA_REFUSED|LOWER_' 'what the kernel cannot say is refused' \
	foreland trace --via tracefs -n 1 't sched_switch a=$current->pid'
prints '' 'nothing is left after a refusal' left
complains 'NON_UNIQ|VIA_REFUSED|not unique|BAD_PROBE' 'and what it does not take' \
	foreland trace --via tracefs -n 1 'p:a/b no_such_function_at_all'

gone()			# SIGNAL
{
	foreland trace --via tracefs "$DEF" >/dev/null 2>&1 &
	pid=$!
	while ! grep -q "foreland_$pid" $T/dynamic_events; do sleep 0.1; done
	while [ "$(cat $T/instances/foreland_${pid}_*/events/foreland_*/read/enable)" != 1 ]; do sleep 0.1; done
	kill -"$1" $pid
	wait $pid
	tries=0
	while [ -n "$(left)" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
	left
}
prints '' 'nothing is left after SIGINT' gone INT
prints '' 'nothing is left after SIGKILL: the helper cleans up' gone KILL

# even the helper can be killed; then doctor --clean remains
orphan()
{
	foreland trace --via tracefs "$DEF" >/dev/null 2>&1 &
	pid=$!
	while ! grep -q "foreland_$pid" $T/dynamic_events; do sleep 0.1; done
	sleep 0.5
	kill -KILL $(pidof foreland-clean) $(grep -l foreland-clean /proc/[0-9]*/comm | cut -d/ -f3) 2>/dev/null
	kill -KILL $pid
	wait $pid
	sleep 1
	[ -n "$(left)" ] || echo 'the helper was not killed'
	foreland doctor --clean >/dev/null
	left
}
prints '' 'doctor --clean removes what a killed helper leaves' orphan
