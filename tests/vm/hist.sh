# SPDX-License-Identifier: GPL-2.0-or-later
# --hist against the kernel's own hist trigger on the same firings of the same events: the bodies and
# the totals are the same text. Both look at one command alone, by its name.
T=/sys/kernel/tracing
body() { sed '/^#/d'; }
info() { sed -n '/^# trigger info/p'; }

same()			# NAME SYSTEM/EVENT SPEC DEFINITION
{
	trigger=$T/events/$2/trigger
	# a histogram of the kernel keeps its map's size as the next power of two
	if ! echo "hist:$3 if comm == \"busybox\"" >$trigger; then
		fail "$1: the kernel takes hist:$3"
		return
	fi
	foreland trace --comm busybox --hist "$3" "$4" -- busybox find /proc/sys/kernel /etc \
		>/tmp/out 2>/tmp/err
	sed -n '/^# event histogram/,$p' /tmp/out >/tmp/ours
	cat $T/events/$2/hist >/tmp/kernel
	echo "!hist:$3 if comm == \"busybox\"" >$trigger
	body </tmp/kernel >/tmp/kernel.body
	body </tmp/ours >/tmp/ours.body
	check "$1: entries and totals" sh -c 'diff /tmp/kernel.body /tmp/ours.body && grep -q "^{" /tmp/ours'
	info </tmp/kernel | sed 's/ if .*\[active\]/ [active]/' >/tmp/kernel.info
	info </tmp/ours >/tmp/ours.info
	check "$1: the trigger's text" diff /tmp/kernel.info /tmp/ours.info
}

same 'a number' raw_syscalls/sys_enter keys=id:sort=id 't sys_enter id'
same 'hexadecimal' raw_syscalls/sys_enter keys=id.hex:sort=id 't sys_enter id'
same 'log2' raw_syscalls/sys_enter keys=id.log2:sort=id 't sys_enter id'
same 'buckets' raw_syscalls/sys_enter keys=id.buckets=10:sort=id 't sys_enter id'
same 'two keys' raw_syscalls/sys_enter keys=common_pid,id:sort=id 't sys_enter id'
same 'execname' raw_syscalls/sys_enter keys=common_pid.execname 't sys_enter id'
same 'values' kmem/kmalloc keys=bytes_req:vals=bytes_alloc:sort=bytes_req.descending \
	'e kmem/kmalloc bytes_req=$bytes_req:u64 bytes_alloc=$bytes_alloc:u64'
same 'symbols' kmem/kmalloc keys=call_site.sym,bytes_req:vals=bytes_req,bytes_alloc:sort=call_site,bytes_req:size=512 \
	'e kmem/kmalloc call_site=$call_site:u64 bytes_req=$bytes_req:u64 bytes_alloc=$bytes_alloc:u64'
same 'strings' sched/sched_process_exec keys=filename 'e sched/sched_process_exec filename=+0($filename):string'
same 'parts of a sum' kmem/kmalloc keys=bytes_req:vals=bytes_alloc.percent,bytes_req.graph:sort=bytes_req:size=512 \
	'e kmem/kmalloc bytes_req=$bytes_req:u64 bytes_alloc=$bytes_alloc:u64'
same 'system calls' raw_syscalls/sys_enter keys=id.syscall:sort=id 't sys_enter id'
if grep -q nohitcount $T/README; then # 6.1 has none
	same 'no hitcount' kmem/kmalloc keys=bytes_req:vals=bytes_alloc:sort=bytes_req:size=512:nohitcount \
		'e kmem/kmalloc bytes_req=$bytes_req:u64 bytes_alloc=$bytes_alloc:u64'
fi
same 'onmax() and save()' kmem/kmalloc 'keys=bytes_alloc:v=bytes_req:sort=bytes_alloc:onmax($v).save(bytes_req,gfp_flags)' \
	'e kmem/kmalloc bytes_req=$bytes_req:u64 bytes_alloc=$bytes_alloc:u64 gfp_flags=$gfp_flags:u64'
same 'onchange()' raw_syscalls/sys_enter 'keys=common_pid:v=id:onchange($v).save(id)' 't sys_enter id'

# Written again with a word behind it: stopped, going on, begun anew.
again()			# WORD...: what each shows is the same
{
	trigger=$T/events/raw_syscalls/sys_enter/trigger
	echo 't sys_enter id' >/tmp/defs
	for word in '' "$@"; do
		echo "hist:keys=id:sort=id$word if comm == \"busybox\"" >>$trigger || return
		echo "hist:keys=id:sort=id$word" >>/tmp/defs
	done
	foreland trace --comm busybox --file /tmp/defs -- busybox find /etc 2>/tmp/err | sed -n '/^# trigger info/,$p' >/tmp/ours
	sed -n '/^# trigger info/,$p' $T/events/raw_syscalls/sys_enter/hist | sed '/^# trigger info/s/ if .* \[/ [/' >/tmp/kernel
	echo '!hist:keys=id:sort=id if comm == "busybox"' >$trigger
	cat /tmp/err
	diff /tmp/kernel /tmp/ours && grep -q "$state" /tmp/ours
}
state='\[paused\]' check 'a histogram that is stopped' again :pause
state='\[active\]' check 'a histogram that goes on' again :pause :cont
state='\[active\]' check 'a histogram that begins anew' again :clear
state='\[paused\]' check 'a histogram that begins anew, and is stopped' again :pause :clear

# What is made of pairs, and counted: as often, and by the same keys, by the kernel's synthetic event and by ours.
pairs()
{
	S=$T/events/syscalls C='if comm == "busybox"'
	echo 's:lat u64 lat; u64 how; long ret' >>$T/dynamic_events
	echo "hist:keys=common_pid:ts0=common_timestamp.usecs,f=flag $C" >$S/sys_enter_newfstatat/trigger
	echo "hist:keys=common_pid:lat=common_timestamp.usecs-\$ts0,g=\$f:onmatch(syscalls.sys_enter_newfstatat).trace(lat,\$lat,\$g,ret) $C" \
		>$S/sys_exit_newfstatat/trigger
	echo 'hist:keys=how:vals=how' >$T/events/synthetic/lat/trigger
	cat >/tmp/defs <<-'E'
	s:lat u64 lat; u64 how; s64 ret
	hist:keys=how:vals=how
	e syscalls/sys_enter_newfstatat flag=$flag:u64
	hist:keys=common_pid:ts0=common_timestamp.usecs,f=flag
	e syscalls/sys_exit_newfstatat ret=$ret:s64
	hist:keys=common_pid:lat=common_timestamp.usecs-$ts0,g=$f:onmatch(syscalls.sys_enter_newfstatat).trace(lat,$lat,$g,ret)
	E
	foreland trace --comm busybox --file /tmp/defs -- busybox find /proc/sys/kernel /etc 2>/tmp/err | sed -n '/^{ how/p; /Hits:/p' >/tmp/ours
	sed -n '/^{ how/p; /Hits:/p' $T/events/synthetic/lat/hist >/tmp/kernel
	echo '!hist:keys=how:vals=how' >$T/events/synthetic/lat/trigger
	: >$S/sys_exit_newfstatat/trigger
	: >$S/sys_enter_newfstatat/trigger
	echo '-:lat' >>$T/dynamic_events
	cat /tmp/kernel /tmp/err
	diff /tmp/kernel /tmp/ours && grep -q '^{' /tmp/ours
}
check 'pairs, and what is made of them' pairs

# The stack of a pair's first event, kept in a variable, and a key of what is made of the pair.
stacks()
{
	S=$T/events/syscalls C='if comm == "busybox"'
	cat >/tmp/defs <<-'E'
	s:lat u64 lat; long[] st; long ret
	hist:keys=st.stacktrace
	e syscalls/sys_enter_newfstatat flag=$flag:u64
	hist:keys=common_pid:ts0=common_timestamp.usecs,s=common_stacktrace
	e syscalls/sys_exit_newfstatat ret=$ret:s64
	hist:keys=common_pid:lat=common_timestamp.usecs-$ts0:onmatch(syscalls.sys_enter_newfstatat).trace(lat,$lat,$s,ret)
	E
	echo 's:lat u64 lat; long[] st; long ret' >>$T/dynamic_events
	echo "hist:keys=common_pid:ts0=common_timestamp.usecs,s=common_stacktrace $C" >$S/sys_enter_newfstatat/trigger
	echo "hist:keys=common_pid:lat=common_timestamp.usecs-\$ts0:onmatch(syscalls.sys_enter_newfstatat).trace(lat,\$lat,\$s,ret) $C" \
		>$S/sys_exit_newfstatat/trigger
	echo hist:keys=st.stacktrace >$T/events/synthetic/lat/trigger
	foreland trace --comm busybox --file /tmp/defs -- busybox find /proc/sys/kernel /etc 2>/tmp/err | sed -n '/^{/,/^}/p; /Hits:/p' >/tmp/ours
	# the kernel ends no line behind that key
	sed -n '/^{/,/^}/p; /Hits:/p' $T/events/synthetic/lat/hist | sed 's/^{ st.stacktrace /{ st.stacktrace:\n /' >/tmp/kernel
	echo '!hist:keys=st.stacktrace' >$T/events/synthetic/lat/trigger
	: >$S/sys_exit_newfstatat/trigger
	: >$S/sys_enter_newfstatat/trigger
	echo '-:lat' >>$T/dynamic_events
	cat /tmp/kernel /tmp/err
	diff /tmp/kernel /tmp/ours && grep -q do_syscall_64 /tmp/ours
}

case $(uname -r) in # 6.1's variables are no stacks
6.1.*) ;;
*) check 'stacks of pairs, as keys' stacks ;;
esac
case $(uname -r) in
6.*) ;;
*) same 'names of tasks' raw_syscalls/sys_enter keys=common_comm,id:sort=id 't sys_enter id' ;;
esac

# the function as the key of a glob
glob()
{
	foreland trace --json --comm busybox --hist 'keys=__probe_ip.sym:sort=hitcount' 'f vfs_rea[d]*' -- \
		busybox dd if=/dev/zero of=/dev/null bs=77 count=50 2>/tmp/err | grep -o '"__probe_ip":"[a-z_]*"},"hitcount":[0-9]*' >/tmp/ips
	cat /tmp/ips /tmp/err
	grep -q '"vfs_read"' /tmp/ips
}
check 'functions of a glob' glob
