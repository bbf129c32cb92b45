# SPDX-License-Identifier: GPL-2.0-or-later
# --pretty: what a value is called, against what the process that caused it knows otherwise (its own
# arguments, errno, stat(2), /proc). How bytes become members is test-show's.
trace() { foreland trace --pretty --comm busybox "$@" 2>err; }
args() { sed -n 's/^.*: [a-z_0-9]*: ([^)]*) //p'; }
echo hello >/tmp/here
rm -f /tmp/missing

# results: a missing file is ENOENT to a function that returns int, and to one that returns a pointer
int_result() { trace 'f vfs_statx%return r=$retval' -- busybox stat /tmp/missing | args | sort -u; }
prints 'r=-ENOENT' 'a negative int that is a result' int_result
opening=$(known functions do_filp_open do_file_open)
pointer_result() { trace "f $opening%return r=\$retval" -- busybox cat /tmp/missing | args | grep -v '{' | sort -u; }
prints 'r=-ENOENT' 'a pointer that is an error' pointer_result
ssize_result() { trace 'f vfs_write%return r=$retval n=count if n == 5' -- busybox sh -c 'echo four | busybox dd of=/dev/full 2>/dev/null' | args | sort -u; }
prints 'r=-ENOSPC n=5
r=5 n=5' 'ssize_t' ssize_result
# what is no result is a number, what has a type of its own is shown so
plain() { trace 'f vfs_statx%return dfd r=$retval:s32 x=$retval:x32' -- busybox stat /tmp/missing | args | sort -u; }
prints 'dfd=-100 r=-2 x=0xfffffffe' 'a type that was asked for' plain

# a struct behind a pointer: what stat(2) says of the same file
pointee()
{
	foreland trace --json --pretty --comm busybox 'f vfs_statx%return stat=stat of=filename->name:string if of == "/tmp/here"' \
		-- busybox stat -c '%i %s %h' /tmp/here >out 2>err
	sed -n 's/.*"nlink":\([0-9]*\),.*"ino":\([0-9]*\),.*"size":\([0-9]*\),.*/\2 \3 \1/p' out
}
prints "$(busybox stat -c '%i %s %h' /tmp/here)" 'the struct that a pointer points to' pointee
text() { trace 'f vfs_statx%return stat=stat' -- busybox stat -c %i /tmp/here | grep -o 'stat=0x[0-9a-f]* {\.result_mask.*\.ino = [0-9]*,.*\.size = 6,.*}$' | wc -l; }
prints 1 'and as text' text

# a struct within a struct, arrays of characters, bool, and bitfields
whole() { trace 'f vfs_write comm=$current->comm q=file->f_path.dentry->d_name' -- busybox dd if=/tmp/here of=/tmp/there 2>/dev/null | args; }
matches '^comm="busybox" q=\{(\{)?\{?\.hash = [0-9]+, \.len = 5\}.*\.name = 0x[0-9a-f]*\}$' 'a struct in a struct, an array of characters' whole
flag() { trace 't sched_switch preempt' -- busybox sleep 0.1 | args | sort -u | sed 's/true/false/' | uniq; }
prints 'preempt=false' 'bool' flag

# enums: signals are delivered to a process group or a thread (enum pid_type)
enums() { trace 'f do_send_sig_info type=type sig=sig' -- busybox sh -c 'kill -0 $$; kill -CONT $$' | args | sort -u; }
prints 'type=PIDTYPE_TGID sig=SIGCONT' 'an enum, and a signal' enums
enums_json() { trace --json 'f do_send_sig_info type=type' -- busybox sh -c 'kill -CONT $$' | grep -o '"args":{"type":1,"type_text":"PIDTYPE_TGID"}'; }
prints '"args":{"type":1,"type_text":"PIDTYPE_TGID"}' 'an enum in JSON' enums_json

# pointers that point nowhere are no faults; those that do not are
nowhere()
{
	foreland trace --pretty --comm busybox "f $opening%return f=\$retval" -- busybox cat /tmp/missing 2>err >out
	grep -c ' 0 faults' err
}
prints 1 'an error is no fault' nowhere

# of a struct that is longer than what is taken, the rest is said to be missing
long_struct() { trace --json -n 1 't sched_switch t=prev' -- busybox sleep 0.1 | grep -o '"cut":.*'; }
prints '"cut":["t"]}' 'a struct that is cut' long_struct
long_text() { trace -n 1 't sched_switch t=prev' -- busybox sleep 0.1 | grep -c ', \.\.\.}$'; }
prints 1 'and as text' long_text

# what an event's own format calls a field's value, as the kernel's own tracer prints it of the same firings
T=/sys/kernel/tracing
own_names()		# SYSTEM/EVENT FIELD, what stands before the name in the kernel's text
{
	echo >$T/trace
	echo 'comm == "busybox"' >$T/events/$1/filter
	echo 1 >$T/events/$1/enable
	trace "e $1 n=\$$2" -- busybox sh -c 'busybox usleep 20000; busybox dd if=/dev/zero of=/tmp/z bs=64k count=4 2>/dev/null' |
		sed 's/^.* n=//' | sort -u >ours
	echo 0 >$T/events/$1/enable
	echo 0 >$T/events/$1/filter
	sed -n "s/^.*[[ ]$3\([^] ]*\).*/\1/p" $T/trace | sort -u >kernel
	cat ours		# the kernel's window is the longer one
	grep -q '[A-Z]' ours && ! grep -vxF -f kernel ours >&2
}
check 'states of tasks' own_names sched/sched_switch prev_state prev_state=
check 'flags of pages' own_names kmem/mm_page_alloc gfp_flags gfp_flags=
check 'softirqs' own_names irq/softirq_entry vec action=
json_name() { trace --json -n 1 'e sched/sched_switch s=$prev_state if prev_state == 1' -- busybox usleep 20000 | grep -o '"s":1,"s_text":"S"'; }
prints '"s":1,"s_text":"S"' 'beside the number in JSON' json_name

# what an event's fields mean by their own names and types: signals, system calls, a moment in jiffies
field_sig() { trace 'e signal/signal_generate s=$sig' -- busybox sh -c 'kill -CONT $$' | grep -o 's=SIGCONT' | sort -u; }
prints 's=SIGCONT' 'the field of an event that is a signal' field_sig
field_call() { trace 'e raw_syscalls/sys_exit n=$id r=$ret' -- busybox cat /tmp/missing | grep -o 'n=[a-z]* r=-ENOENT' | sort -u; }
matches '^n=open(at)? r=-ENOENT$' 'fields that are a system call and its error' field_call
field_jiffies() { foreland trace --pretty -n 1 'e timer/timer_start e=$expires n=$now' 2>err | grep -o 'e=@[0-9]*\.[0-9]*s n=@[0-9]*\.[0-9]*s$' | wc -l; }
prints 1 'fields that are moments in jiffies' field_jiffies
