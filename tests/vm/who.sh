# SPDX-License-Identifier: GPL-2.0-or-later
# Whose events: for each process of a tree the trace has as many as it wrote down itself (who.c), by every kind
# of hook, by control group, and in a pid namespace.
T=/sys/kernel/tracing

# The processes' own log, and how many lines each has in the trace: both "PID N", sorted.
told() { grep -E '^[0-9]+ [0-9]+$' "$1" | sort; }
traced() { sed -nE 's/^ *.{1,16}-([0-9]+) +\[[0-9]+\] .*/\1/p' "$1" | sort | uniq -c | awk '{ print $2, $1 }' | sort; }

same()			# OPTION... -- COMMAND...
{
	foreland trace --strict "$@" >out 2>err || { cat err >&2; return 1; }
	told out >want; traced out >got
	[ -s want ] && cmp -s want got || { diff want got; cat err; return 1; } >&2
}

check '--children, a raw tracepoint' same --children 't sys_enter id if id == 110' -- ./who-static tree
check '--children, an event' same --children 'e syscalls.sys_enter_getppid' -- ./who-static tree
check '--children, a kprobe' same --children 'p __x64_sys_getppid' -- ./who-static tree
check '--children, fentry' same --children 'f __x64_sys_getppid' -- ./who-static tree
check '--children, fexit' same --children 'f __x64_sys_getppid%return' -- ./who-static tree
check '--children, a kretprobe' same --children 'r __x64_sys_getppid' -- ./who-static tree
check '--children, functions by pattern' same --children 'f __x64_sys_getpp*' -- ./who-static tree

mkdir -p cg; mount -t cgroup2 none cg
mkdir -p cg/group/within cg/docker-0123456789abcdef.scope
check '--cgroup' same --cgroup "$PWD/cg/group" 't sys_enter id if id == 110' -- \
	sh -c 'echo 0 >cg/group/within/cgroup.procs; exec ./who-static tree'
check '--cgroup by its path among groups' same --cgroup /group 'e syscalls.sys_enter_getppid' -- \
	sh -c 'echo 0 >cg/group/cgroup.procs; exec ./who-static tree'
check '--container' same --container 01234567 'f __x64_sys_getppid' -- \
	sh -c 'echo 0 >cg/docker-0123456789abcdef.scope/cgroup.procs; exec ./who-static tree'
outside() { foreland trace --json --cgroup /group 'e syscalls.sys_enter_getppid' -- ./who-static tree | grep -q '"records":0,'; }
check '--cgroup: nobody from outside' outside

# by every kind of hook: the user, the number of the group's folder, the container
id=4f2a9bd3c6e17058a1b2c3d4e5f60718293a4b5c6d7e8f900112233445566778
mkdir cg/libpod-$id.scope
with()			# DEFINITION
{
	foreland trace --strict --cgroup /libpod-$id.scope --with uid,cgroup,container "$1" -- \
		sh -c "echo 0 >cg/libpod-$id.scope/cgroup.procs; exec ./who-static tree" >out 2>err || { cat err; return 1; } >&2
	lines=$(grep -c '\] ' out)
	[ "$lines" -gt 0 ] && [ "$(grep -c " uid=0 cgroup=$(stat -c %i cg/libpod-$id.scope) container=\"$id\"" out)" = "$lines" ] ||
		{ head out; cat err; return 1; } >&2
}
for def in 't sys_enter id if id == 110' 'e syscalls.sys_enter_getppid' 'p __x64_sys_getppid' 'f __x64_sys_getppid' \
	   'f __x64_sys_getppid%return' 'r __x64_sys_getppid' "p $PWD/who-static:main"; do
	check "--with: $def" with "$def"
done

in_namespace()		# COMMAND...
{
	unshare -p -f sh -c 'mount -t proc none /proc; "$@" >out 2>err' sh "$@"
	status=$?
	umount /proc 2>/dev/null
	told out >want; traced out >got
	[ "$status" = 0 ] && [ -s want ] && cmp -s want got || { diff want got; cat err; return 1; } >&2
}
check 'in a pid namespace: numbers are its own' in_namespace foreland trace --strict --children \
	't sys_enter id if id == 110' -- ./who-static tree
check 'in a pid namespace, an event' in_namespace foreland trace --strict --children \
	'e syscalls.sys_enter_getppid' -- ./who-static tree
check 'in a pid namespace, fentry' in_namespace foreland trace --strict --children 'f __x64_sys_getppid' -- ./who-static tree

budget()
{
	foreland trace --json --children --task-budget 50/s 't sys_enter id if id == 110' -- ./who-static flood 20000 >out || return
	[ "$(sed -n 's/.*"over_budget":\([0-9]*\).*/\1/p' out)" = $((20000 - $(grep -c '"time_ns"' out))) ]
}
check '--task-budget: all adds up' budget
