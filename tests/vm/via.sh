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
prints 3 'as many lines as asked for' sh -c "foreland trace --via tracefs -n 3 'e sched.sched_switch p=\$next_pid' | wc -l"
if grep -qF '$current' /sys/kernel/tracing/README; then	# as of 7.3
	current() { foreland trace --via tracefs -n 9 't sched_switch a=$current->pid' | sed 's/^.\{16\}-\([0-9]*\) .* a=/\1 /'; }
	matches '^([0-9]+) \1$' 'what this kernel can say is taken' current
	prints '' 'and is the thread that the line names' sh -c "foreland trace --via tracefs -n 9 \
		't sched_switch a=\$current->pid' | sed 's/^.\{16\}-\([0-9]*\) .* a=/\1 /; /^\([0-9]*\) \1\$/d'"
else
	complains 'REFUSED|LOWER_' 'what the kernel cannot say is refused' \
		foreland trace --via tracefs -n 1 't sched_switch a=$current->pid'
fi
prints '' 'nothing is left after a refusal' left
echo 'p:a/b no_such_function_at_all' 2>/dev/null >>$T/dynamic_events
complains "$(sed -n 's/^.*: error: //p' $T/error_log | tail -n 1)" 'and what it does not take, in its words' \
	foreland trace --via tracefs -n 1 'p:a/b no_such_function_at_all'

# A name that ends the filter's string would say what is traced: all that is not called yy.
quoted()
{
	foreland trace --via tracefs --comm '"||comm!="yy' "$DEF" -- busybox dd if=file of=/dev/null 2>err | wc -l
	foreland trace --via tracefs --comm 'a"b' "$DEF" -- \
		busybox sh -c "printf 'a\"b' >/proc/\$\$/comm; read x <file" 2>>err | grep -q 'name="file"' &&
		echo found
}
prints '0
found' 'a quote in --comm is a part of the name' quoted
complains COMM_QUOTES 'and both kinds of quotes are refused' \
	foreland trace --via tracefs --comm "a\"b'c" -n 1 "$DEF"

# What is read is known: dd reads a file of 11 bytes in blocks of 5, that is 5, 5, 1 and 0 bytes.
printf 'hello world' >known
reads='dd if=known of=copy bs=5'
name='name=file->f_path.dentry->d_name.name:string'

foreland trace --via tracefs "f:demo/rd vfs_read $name count" 'f:demo/ret vfs_read%return $retval:s64' \
	-- $reads >out 2>err
check 'a trace ends well' test $? = 0
grep -o 'rd: (vfs_read+0x[0-9a-f]*/0x[0-9a-f]*) name="known" count=5' out | sort -u >got
prints 4 'four reads of the file, by name and size' sh -c 'grep -c "name=\"known\" count=5" out'
prints '5 5 1 0 ' 'and what they returned' sh -c \
	'sed -n "s/^ *dd-.* ret: .*arg1=//p" out | tail -n 4 | tr "\n" " "; echo'
matches '^ *dd-[0-9]* *\[00[0-9]\] [^ ]* *[0-9]*\.[0-9]*: rd: \(vfs_read\+0x' 'lines are the tracer'"'"'s own' \
	sh -c 'grep -m1 known out'
prints '' 'nothing is left behind' left

foreland trace --via tracefs "f:demo/rd vfs_read $name if name == \"known\"" -- $reads >out 2>err
prints 4 'a filter is the kernel'"'"'s' sh -c 'grep -c . out'
foreland trace --via tracefs --comm nobody "f:demo/rd vfs_read $name" -- $reads >out 2>err
prints '' '--comm leaves others out' cat out
foreland trace --via tracefs --json -n 2 "f:demo/rd vfs_read $name" -- $reads >out 2>err
prints 2 '-n ends it' sh -c 'grep -c time_ns out'
foreland trace --via tracefs --explain 'p:demo/rd vfs_read file=$arg1' -t 0.1 >out 2>err
matches "demo/rd: tracefs, as 'p:foreland_[0-9]*_[0-9]*/rd vfs_read file=.arg1(:x64)?'" \
	'--explain shows the text' cat err

complains 'Probe point is not an instruction boundary' 'the kernel'"'"'s refusal in its own words' \
	foreland trace --via tracefs 'p:demo/rd vfs_read+1'
complains 'Expecting numeric field' 'its refusal of a filter too' \
	foreland trace --via tracefs 'f:demo/rd vfs_read file if file == "x"'
if ! grep -qF '$current' $T/README; then
	complains 'LOWER_' 'what the kernel has no words for' \
		foreland trace --via tracefs 'f:demo/rd vfs_read c=this_cpu_read(count)'
fi
prints '' 'refusals leave nothing behind' left

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

# --clock: what the kernel stamps by mono is shown by the date
dated()
{
	from=$(date +%s)
	foreland trace --via tracefs --clock wall -n 1 "$DEF" -- busybox dd if=file of=/dev/null bs=5 count=1 >out 2>err
	at=$(sed -n 's/.* \([0-9]*\)\.[0-9]*: read: .*/\1/p' out)
	[ "$at" -ge "$from" ] && [ "$at" -le $(($(date +%s) + 1)) ]
}
check 'times by another clock' dated

# Behind a struct by value (a sockptr_t, two registers) is what ping -t gave: IP_TTL (2), four bytes; the length of
# do_sock_setsockopt is on the stack. A kernel that takes the name looks in the wrong register: it gets the number.
# pings VIA DEFINITION: the values of IP_TTL's event
pings()
{
	foreland trace --via "$1" --comm busybox "$2" -- busybox ping -c 1 -t 5 127.0.0.1 2>err >out || { cat err; return 1; }
	sed -n 's/^.*: (.*) \(level=0 optname=2 .*\)/\1/p' out
}
for back in bpf tracefs; do
	for kind in f p; do
		prints 'level=0 optname=2 optlen=4' "$back, $kind: an argument behind a struct by value" \
			pings $back "$kind ip_setsockopt level optname optlen"
	done
	if known functions do_sock_setsockopt; then	# as of 6.7
		prints 'level=0 optname=2 optlen=4' "$back: an argument that such a struct has moved to the stack" \
			pings $back 'f do_sock_setsockopt level optname optlen'
	fi
done
if foreland trace --via tracefs -n 1 'f vfs_read%return count' -- busybox cat file >/dev/null 2>&1; then	# as of 6.12
	prints 'level=0 optname=2 optlen=4' 'and at the return' pings tracefs 'f ip_setsockopt%return level optname optlen'
fi
