# SPDX-License-Identifier: GPL-2.0-or-later
# What is shown is what happened, on each kernel: the kernel's own tracer, /proc and the files that are
# read here say what that is.
T=/sys/kernel/tracing
traced() { foreland trace --comm sh "$@" 2>err; }

# the caller of a function that returns, as the kernel's kretprobe shows it
caller()
{
	echo 'r:own/x vfs_write' >$T/dynamic_events || return
	echo 'comm == "sh"' >$T/events/own/x/filter
	echo 1 >$T/events/own/x/enable
	sh -c 'echo x >/tmp/w'
	echo 0 >$T/events/own/x/enable
	sed -n 's/.*: x: (\([^ ]*\) <- vfs_write).*/\1/p' $T/trace | head -1 >kernel
	echo >$T/dynamic_events
	traced -n 1 'f:a/x vfs_write%return' -- sh -c 'echo x >/tmp/w' |
		sed -n 's/.*: x: (\([^ ]*\) <- vfs_write).*/\1/p' >ours
	cat kernel ours
	[ -s kernel ] && cmp kernel ours
}
check "a return's caller is the kernel's" caller

# functions of one name: as many records as calls, whichever function is called
several()		# FUNCTION FILE
{
	traced "f $1" -- sh -c "read x <$2; read x <$2" >out
	cat out err
	[ "$(wc -l <out)" = 2 ]
}
types=$(grep -c ' [tT] type_show$' /proc/kallsyms)
check "one of $types functions called type_show, called twice" several type_show /sys/class/net/lo/type

# an immediate string has bytes that can be read, and ends
text() { traced -n 1 'f:l/e vfs_write w=(list_head)(\"abcdefghij")->next:x64' -- sh -c 'echo x >/tmp/w' | sed 's/.*) //'; }
prints 'w=0x6867666564636261' 'a word of an immediate string' text
complains 'beyond an immediate string' 'what lies behind it is not shown' \
	foreland trace -n 1 'f:l/e vfs_write w=(list_head)(\"ab")->next:x64' -- true

# @SYMBOL+OFFSET on every kind: the kernel's load averages change too slowly for one second to matter
average=$(grep ' avenrun$' /proc/kallsyms | head -1 | cut -d' ' -f1)
offsets()		# DEFINITION
{
	foreland trace -n 1 "$1 a=@avenrun+8:u64 b=@0x$average:u64 c=@avenrun-0:u64 d=+8(@avenrun):u64" -- \
		sh -c 'echo x >/tmp/w; sleep 0' 2>err | head -1 | sed 's/.*) //' >out
	cat out err
	grep -qE '^a=[0-9]+ b=([0-9]+) c=\1 ' out
}
for def in 'f vfs_write' 'f vfs_write%return' 'p vfs_write' 'r vfs_write' 't sched_switch' 'e sched/sched_switch'; do
	check "symbols with offsets: $def" offsets "$def"
done

complains 'neither registers nor a stack; --via tracefs' 'a tracepoint has no stack, and it is said' \
	foreland trace -n 1 't:l/e sys_enter v=(list_head)$stack0->next:x64' -- true

# the kernel is given the user's own text where it takes casts
written() { foreland trace --via tracefs --explain -t 0.1 'f vfs_write n=(file)file->f_mode:x32' 2>&1 | grep -o "vfs_write n=.*'"; }
if grep -qF '[(structname[,field])]' $T/README; then
	prints "vfs_write n=(file)file->f_mode:x32'" 'a cast goes to the kernel as it was written' written
	check 'doctor knows it' sh -c 'foreland doctor | grep -q "yes  typecasts"'
else
	matches 'n=\+[0-9]+\(\$arg1\):x32' 'a cast is lowered' written
	check 'doctor knows it' sh -c 'foreland doctor | grep -q "no   typecasts"'
fi

# a CPU that comes while it is traced
late_cpu()
{
	echo 0 >/sys/devices/system/cpu/cpu1/online || return
	foreland trace -t 3 't sched_switch' >out 2>err &
	sleep 1
	echo 1 >/sys/devices/system/cpu/cpu1/online
	wait $!
	cat err
	grep -q '\[001\]' out && grep -q ' 0 lost, 0 missed' err
}
check 'a CPU that comes online is recorded' late_cpu

# more probes than the usual limit of open files; what is not enough is named
many()
{
	for i in $(seq 1 100); do echo "t:g/e$i sched_switch c=next->comm:string"; done >defs
	(ulimit -Sn 128 && foreland trace --file defs -t 0.5 -- sh -c 'ulimit -Sn' >out 2>err)
	tail -3 err
	grep -qx 128 out && [ "$(grep -c ' hits' err)" = 100 ]
}
check 'the limit of open files is raised, and not for the command' many
few() { (ulimit -Sn 40; ulimit -Hn 40; foreland trace --file defs -t 0.1); }
complains 'EMFILE' 'what is not enough is named' few

complains 'must not be probed' "a function of the kernel's blacklist" foreland trace -t 0.1 'p do_int3'
name() { traced -t 1 't sched_switch from=prev->comm:string' -- sh -c 'sleep 0.1; sleep 0.1; :' | sed -n 's/.*from="\(sh\)"/\1/p' | sort -u; }
prints sh "a task's name, whatever the sign of the kernel's char" name
status 2 '-n with --hist is refused' foreland trace -n 1 --hist keys=a 't sched_switch a=next->pid'
complains 'did you mean .sched_switch' 'a tracepoint that is not there' foreland trace -n 1 't sched_swithc'

# a refusal of the verifier is told as that, in its words: a tracepoint's context has no twentieth word
complains 'last words: .*invalid bpf_context access off=152 size=8' "the verifier's refusal" \
	foreland trace -t 0.1 't sched_switch x=$arg20'

# Within an instruction a breakpoint changes what the program computes. Where functions begin is in
# busybox's unwind table; where instructions do, tests/system/test-insn-length.sh asks objdump.
within()		# the first offset of a page of code that is refused
{
	for byte in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		foreland trace -t 0.01 "p /bin/busybox:$((0x50000 + byte))" 2>&1 | grep -q NO_BOUNDARY || continue
		foreland trace --force -t 0.01 "p /bin/busybox:$((0x50000 + byte))" 2>/dev/null && return
	done
	return 1
}
check 'a user probe within an instruction is refused, unless it is forced' within
