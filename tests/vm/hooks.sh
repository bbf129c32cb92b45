# SPDX-License-Identifier: GPL-2.0-or-later
# The places that hooks find hard: each against a fact that is known otherwise.
T=/sys/kernel/tracing
args() { sed 's/^.*: [a-z_0-9]*: ([^)]*) //' | sort -u; }
trace() { foreland trace --comm busybox "$@" 2>err; }
hook() { foreland trace --explain -t 0.1 "$1" 2>&1 | sed -n 's/^[^ ]*: \([a-z.]*\), reads by.*/\1/p'; }

# which hook is taken
prints fentry 'f takes fentry' hook 'f vfs_read'
prints fexit 'f%return takes fexit' hook 'f vfs_read%return'
many=kprobe		# of each
! foreland doctor --json | grep -q '"name":"kprobe_multi".*"state":"yes"' || many=kprobe.multi
prints $many 'f on many takes kprobe.multi, where there is that' hook 'f vfs_re*'
prints kprobe 'f with the stack takes a kprobe' hook 'f vfs_read $stack0'
prints kprobe 'p takes a kprobe' hook 'p vfs_read'
prints kretprobe 'r takes a kretprobe' hook 'r vfs_read'
prints 'raw tracepoint' 't takes a raw tracepoint' sh -c \
	"foreland trace --explain -t 0.1 't sched_switch' 2>&1 | sed -n 's/^[^ ]*: \(raw tracepoint\), reads by.*/\1/p'"
because() { foreland trace --explain -t 0.1 "$1" 2>&1 | sed -n 's/^    because: //p'; }
matches 'cheapest hook of a function' '--explain says why: fentry' because 'f vfs_read'
matches 'still has the arguments' 'why: fexit' because 'f vfs_read%return'
[ $many = kprobe ] || matches 'all functions of the pattern' 'why: kprobe.multi' because 'f vfs_re*'
matches 'kprobes only' 'why: a kprobe instead of fentry' because 'f vfs_read $stack0'
matches 'any instruction' 'why: kprobe' because 'p vfs_read'
matches 'arguments as they are' 'why: raw tracepoint' because 't sched_switch'
matches 'record' 'why: tracepoint' because 'e sched/sched_switch'
matches 'user code' 'why: uprobe' because 'p /bin/busybox:0x1000'
matches 'not taken: fentry: .*several functions' 'an ambiguous name: what was tried, and why not' sh -c \
	"foreland trace --explain -t 0.1 'f name_show' 2>&1"

# more arguments than registers: a mapping's length and place in the file are what dd asks mmap for;
# the loader's are known from the program itself
mapped()
{
	trace 'f do_mmap len=len prot=prot:x64 pgoff=pgoff' -- busybox true >f.out
	pgoff=\$arg$(foreland probe list functions do_mmap |	# its place has moved more than once
		awk -F, '{ for (i = 1; i <= NF; i++) if ($i ~ /pgoff/) print i }')
	trace "p do_mmap len=len prot=prot:x64 pgoff=$pgoff" -- busybox true >p.out
	echo "p:k/m do_mmap len=\$arg3:u64 prot=\$arg4:x64 pgoff=$pgoff:u64" >>$T/dynamic_events
	echo 'comm == "busybox"' >$T/events/k/m/filter
	echo 1 >$T/events/k/m/enable
	busybox true
	sleep 0
	foreland trace --comm busybox 'f do_mmap len=len prot=prot:x64 pgoff=pgoff' -- busybox true >f.out 2>err
	echo 0 >$T/events/k/m/enable
	grep ': m: ' $T/trace | args >k.args
	echo >$T/dynamic_events
	args <f.out >f.args
	cat f.args k.args
	[ -s f.args ] && diff f.args k.args
}
check 'more than six arguments: as the kernel'\''s own probe' mapped

# a struct by value takes two registers: what stands behind it is still found, as the kernel's own probe finds
# it in the third. Writing stamps the file, whose file system is known; a static program has asked for
# /proc/self/exe before, whose inodes are stamped by the same function where the kernel does not inline it.
echo x >stamped
by_value()
{
	foreland probe lower --level 6.1 'p:k/t timestamp_truncate fs=(inode)$arg3->i_sb->s_type->name:string' \
		>>$T/dynamic_events
	echo 'comm == "busybox"' >$T/events/k/t/filter
	echo >$T/trace
	echo 1 >$T/events/k/t/enable
	trace 'f timestamp_truncate fs=inode->i_sb->s_type->name:string' -- busybox touch -t 202001010101 stamped |
		sed 's/^.* fs=/fs=/' >ours
	echo 0 >$T/events/k/t/enable
	sed -n 's/^.*: t: .* fs=/fs=/p' $T/trace >kernel
	echo >$T/dynamic_events
	cat ours
	diff kernel ours >&2 && grep -qx "fs=\"$(awk '$2 == "/" { type = $3 } END { print type }' /proc/mounts)\"" kernel
}
check 'an argument behind a struct by value' by_value

# a function of a module, and its own types
in_module()
{
	foreland trace --comm busybox 'f dummy_dev_init mtu=dev->mtu name=dev->name:string' \
		-- busybox ip link add dummy7 type dummy 2>err >out || { cat err; return 1; }
	grep -q '(dummy_dev_init+0x0/0x[0-9a-f]* \[dummy\])' out || cat out
	args <out
}
prints 'mtu=1500 name="dummy7"' 'a function of a module' in_module
in_module_by_name()
{
	busybox ip link del dummy7
	foreland trace --comm busybox 'p dummy:dummy_dev_init name=+0($arg1):x8' \
		-- busybox ip link add dummy7 type dummy 2>err | grep -c '\[dummy\]'
}
prints 1 'MODULE:FUNCTION' in_module_by_name

# by address, as an ambiguous name must be probed
address=$(awk '$3 == "vfs_write" { print "0x" $1 }' /proc/kallsyms)
by_address() { trace "p:a/b $address len=%dx" -- busybox sh -c 'echo four; echo again' | sed -n '/len=/{s/.*(\([a-z_]*\)+.*len=/\1 /;p}'; }
prints 'vfs_write 0x5
vfs_write 0x6' 'by address' by_address
# all of one name: two attributes of that name in two drivers
all_of_a_name()
{
	n=$(awk '$3 == "name_show" { n++ } END { print n }' /proc/kallsyms)
	[ "$n" -gt 1 ] || return 1
	file=$(ls /sys/class/rtc/*/name /sys/class/virtio-ports/*/name 2>/dev/null | head -n 1)
	trace 'f name_show' -- busybox cat "$file" | grep -c '(name_show+0x0/0x[0-9a-f]*)'
}
prints 1 'each function of an ambiguous name' sh -c "$(sed -n '/^trace()/p' hooks.sh); $(sed -n '/^all_of_a_name()/,/^}/p' hooks.sh); all_of_a_name | tail -n 1"

# at any offset: the kernel's own probes say which offsets are instructions, and what registers held there
anywhere()
{
	n=9
	: >anywhere
	while [ $(wc -l <anywhere) -lt 6 ] && [ $n -lt 200 ]; do
		echo "p:k/p$n vfs_read+$n ip=%ip sp=%sp ax=%ax di=%di bx=%bx" >>$T/dynamic_events 2>/dev/null &&
			echo "p:o/p$n vfs_read+$n ip=%ip sp=%sp ax=%ax di=%di bx=%bx" >>anywhere
		n=$((n + 1))
	done
	for f in $T/events/k/*/filter; do echo 'comm == "busybox"' >$f; done
	echo >$T/trace
	echo 1 >$T/events/k/enable
	foreland trace --comm busybox --file anywhere -- busybox dd if=stamped of=/dev/null bs=1 count=2 2>err |
		sed -n 's/^.*: \(p[0-9]*\): /\1 /p' | sort >ours
	echo 0 >$T/events/k/enable
	sed -n 's/^.*: \(p[0-9]*\): /\1 /p' $T/trace | sort >kernel
	echo >$T/dynamic_events
	cat anywhere
	diff ours kernel && [ $(cut -d' ' -f1 ours | uniq | wc -l) -ge 3 ]
}
check 'p at any offset: places and registers as the kernel sees them' anywhere

# interrupts off is seen in the registers: the kernel's own probe on the same function says so too (with D
# and b where bottom halves are off besides)
irqs()
{
	echo "p:k/irqs $1" >>$T/dynamic_events
	echo >$T/trace
	echo 1 >$T/events/k/irqs/enable
	foreland trace "p:o/irqs $1" -- sh -c 'usleep 300000; read x <stamped; cat stamped' 2>err |
		sed -n 's/^.*\] \(.\).*: irqs: .*/\1/p' | sort -u >ours
	echo 0 >$T/events/k/irqs/enable
	sed -n 's/^.*\] \(.\).*: irqs: .*/\1/p' $T/trace | tr Db d. | sort -u >kernel
	echo >$T/dynamic_events
	cat ours
	diff ours kernel >&2 || { cat err >&2; false; }
}
prints d 'interrupts are off in the tick' irqs "$(known functions tick_sched_timer tick_nohz_handler)"
prints . 'and on where a file is read' irqs vfs_read

# recursion: entry words of a return probe are those of its own call
recursive()
{
	foreland trace --comm busybox 'r vfs_write c=$arg3 r=$retval' 'f:a/w vfs_write%return c=count r=$retval' \
		-- busybox sh -c 'for n in 1 22 333 4444; do echo $n; done' 2>err | grep ' c=' >out
	sed 's/.*: [a-z_0-9]*: ([^)]*) //' out | while read -r c r; do
		[ $((${c#c=})) = $((${r#r=})) ] || echo "$c $r"
	done
	[ $(wc -l <out) = 8 ] || wc -l out
}
prints '' 'r keeps the words of its own entry' recursive

# per-CPU variables where addresses of symbols are hidden: over the run queue. What they hold is the CPU
# in brackets and the thread in front
if known types pcpu_hot >/dev/null; then	# 6.2 to 6.14 keep them in one struct
	number='(pcpu_hot)(this_cpu_ptr(@pcpu_hot))->cpu_number:s32'
	thread='(task_struct)((pcpu_hot)(this_cpu_ptr(@pcpu_hot))->current_task)->pid:s32'
else
	number='this_cpu_read(@cpu_number):s32'
	thread='(task_struct)(this_cpu_read(@current_task))->pid:s32'
fi
per_cpu()
{
	foreland trace --explain --dialect mainline "t:per/cpu sys_enter cpu=$number pid=$thread" \
		-- sh -c 'taskset 1 true; taskset 2 true' 2>err |
		sed -n 's/^.*-\([0-9]*\) *\[\([0-9]*\)\] .* cpu=\([0-9]*\) pid=\([0-9]*\)$/\2 \3 \1 \4/p' |
		awk '{ seen[$1] = 1 } $1 + 0 != $2 || $3 != $4 { print } END { print length(seen) " CPUs" }'
	! grep error err
}
prints '2 CPUs' 'per-CPU variables by their addresses' per_cpu
echo 2 >/proc/sys/kernel/kptr_restrict
prints '2 CPUs' 'per-CPU variables without any address' per_cpu
echo 0 >/proc/sys/kernel/kptr_restrict

# what is done for COMMAND before exec has its name already (59 is execve on x86-64)
if [ "$(uname -m)" = x86_64 ]; then
	prints true 'the moment before exec has the command'\''s name' sh -c \
		"foreland trace --json 't sys_enter id if id == 59' -- /bin/true 2>/dev/null | sed -n 's/.*\"comm\":\"\([^\"]*\)\".*/\1/p' | sort -u"
fi
