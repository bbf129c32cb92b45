# SPDX-License-Identifier: GPL-2.0-or-later
# What has a limit says so: strings of more than 4095 characters, many strings in one record, faults
# that the cheap reads cannot tell; and times between two probes by a shared key.
trace() { foreland trace --comm busybox "$@" 2>err; }
value() { sed -n 's/.*s=//p'; }

# dd writes N times 'x' from one buffer, at one go
dd_x() { busybox yes x | tr -d '\n' | busybox head -c "$1" >/tmp/xs; busybox dd if=/tmp/xs of=/tmp/ys bs="$1" count=1 2>/dev/null; }
written() { dd_x "$1"; foreland trace --comm busybox 'f vfs_write s=+0(buf):ustring n=count if n > 1000' -- busybox dd if=/tmp/xs of=/tmp/ys bs="$1" count=1 2>/dev/null | sed -n 's/.* s="\(x*\)[^x]*"\(\.*\) n=.*/\1 \2/p' | awk '{ print length($1), $2 }'; }
prints '4095 ...' 'a string of 5000 is cut at 4095, and marked' written 5000
json() { dd_x 5000; foreland trace --json --comm busybox 'f vfs_write s=+0(buf):ustring n=count if n > 1000' -- busybox dd if=/tmp/xs of=/tmp/ys bs=5000 count=1 2>/dev/null | grep -o '"cut":.*'; }
prints '"cut":["s"]}' 'and named in JSON' json

# the longest that is whole: a path's limit, by the kernel's own PATH_MAX
path() { p=$(printf '%04093d' 0 | sed 's/0/.\//g' | cut -c1-4094); trace 'f do_sys_openat2%return s=filename:ustring' -- busybox cat "${p%/}" 2>/dev/null | value | awk '{ print length($0) }' | sort -n | tail -n 1; }
matches '^40[0-9][0-9]$' 'one of 4094 is not' path

# many strings share a record of 30000 bytes: each has less, and is marked at that
many() { dd_x 5000; foreland trace --comm busybox "f vfs_write $(for i in 0 1 2 3 4 5 6 7 8 9; do printf 's%d=+0(buf):ustring ' $i; done) n=count if n > 1000" -- busybox dd if=/tmp/xs of=/tmp/ys bs=5000 count=1 2>/dev/null | grep -o '"\.\.\.' | wc -l; }
prints 10 'ten strings of 5000 are all cut and marked' many

# a bad kernel address: 0 by loads, told with --exact-faults, counted
bad() { trace "$@" 'f vfs_write s=+0(\-8192):u64' -n 1 -- busybox dd if=/dev/zero of=/tmp/ys bs=1 count=1 2>/dev/null | value; }
cheaply=0		# where reads are calls, they tell
! foreland trace --explain -t 0.1 'f vfs_write s=+0(buf):u64' 2>&1 | grep -q 'reads by bpf_probe_read' || cheaply='(fault)'
prints "$cheaply" 'a bad kernel address, cheaply' bad
prints '(fault)' 'a bad kernel address, exactly' bad --exact-faults
check 'and it is counted' grep -qE ' [1-9][0-9]* faults' err
# what the cheap reads tell as well: null, what lies around it, the user's half
told() { trace 'f vfs_write s=+0(\0):u64 b=+16(\0):u32 c=+0(+0(\0)):string' -n 1 -- busybox dd if=/dev/zero of=/tmp/ys bs=1 count=1 2>/dev/null | value; }
prints '(fault) b=(fault) c=(fault)' 'null pointers, cheaply' told

# a time between two probes: each sleep lasts at least as long as it was asked to
latency()
{
	foreland trace --json --comm busybox 'e syscalls/sys_enter_clock_nanosleep' \
		'e syscalls/sys_exit_clock_nanosleep' \
		--hist 'keys=common_pid:t0=common_timestamp.usecs' \
		--hist 'keys=common_pid:vals=lat:lat=common_timestamp.usecs-$t0' -- busybox usleep 20000 >out 2>err
	grep '"hitcount"' out | sed -n 's/.*"sys_exit_clock_nanosleep".*"hitcount":\([0-9]*\),"vals":{"lat":\([0-9]*\)}.*/\1 \2/p' |
		while read -r n us; do echo "$n" $((us >= 20000)); done
}
prints '1 1' 'a time between two probes' latency
unpaired() { foreland trace --json --comm busybox 'e syscalls/sys_exit_clock_nanosleep' 'e syscalls/sys_enter_getppid' --hist 'keys=common_pid:vals=lat:lat=common_timestamp.usecs-$t0' --hist 'keys=common_pid:t0=common_timestamp.usecs' -- busybox usleep 10 2>err | grep -o '"event":"sys_exit_clock_nanosleep","hits":[1-9][0-9]*,"records":0,"filtered":[0-9]*,"lost":0,"unpaired":1'; }
check 'one without its beginning is counted as such' unpaired
