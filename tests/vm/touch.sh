# SPDX-License-Identifier: GPL-2.0-or-later
# Strings of a process on pages that are not in memory: a user probe waits for them, as the kernel's own
# does; a function where nobody can wait says (fault), and never shows an empty string.
T=/sys/kernel/tracing
./touch make
at=$(./touch where)
values() { sed -n 's/.*: touched: ([^)]*) //p'; }

ours() { foreland trace "$1:u/touched $PWD/touch:$at $2" -- ./touch 2>err | values; }
kernels()
{
	echo "$1:u/touched $PWD/touch:$at $2" >$T/dynamic_events || return 1
	echo >$T/trace
	echo 1 >$T/events/u/touched/enable
	./touch
	echo 0 >$T/events/u/touched/enable
	values <$T/trace
	echo >$T/dynamic_events
}
same()			# NAME LETTER ARGUMENTS
{
	# of a number at the address that is nowhere the kernel shows 0, and we the fault
	ours "$2" "$3" | sed 's/n=(fault) a=(fault)/n=0 a={0,0,0,0,0,0,0,0,0,0,0,0}/' >ours.out
	kernels "$2" "$3" >kernel.out
	check "$1" sh -c 'cat ours.out; [ -s ours.out ] && diff ours.out kernel.out'
}
same 'a string' p 's=+0(%di):string'
same 'a string by its name for users' p 's=+0(%di):ustring'
same 'numbers' p 'n=+0(%di):u32 a=+0(%di):u8[12]'
same 'at the return' r 's=$retval c=$comm'
prints 's="first"
s="xxxxxxxxxxxxxxxx"
s=(fault)
s="first"' 'what the file holds' ours p 's=+0(%di):string'
prints 's=(fault)
s=(fault)
s=(fault)
s="first"' 'behind a pointer on such a page' ours p 's=+0(+0(%si)):string'
hook() { foreland trace --explain -t 0.1 "p:u/touched $PWD/touch:$at $1" 2>&1 | sed -n 's/^[^ ]*: \([a-z.]*\), reads by.*/\1/p'; }
prints uprobe.s 'the hook that may sleep' hook 's=+0(%di):string'
prints uprobe 'is taken only where memory is read' hook 'a=%di'

# many at once on few CPUs: whoever comes while others were preempted in the midst of their records loses
# nothing of its own
many()
{
	foreland trace "p:u/touched $PWD/touch:$at s=+0(%di):string" -- \
		sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do ./touch & done; wait' 2>err | values | sort | uniq -c
}
prints '     20 s="first"
     10 s="xxxxxxxxxxxxxxxx"
     10 s=(fault)' 'several processes at once' many

# at a function's entry nobody can wait: told, and not empty
entry() { foreland trace --comm touch 'f do_sys_openat2 n=filename:ustring' 'f do_sys_openat2%return n=filename:ustring' -- ./touch open 2>err | sed -n 's/.*n=//p' | tail -n 2; }
prints '(fault)
"first"' 'a function: (fault) at entry, the string at its return' entry
check 'and the fault is counted' grep -q 'do_sys_openat2__entry: .* 1 faults' err
