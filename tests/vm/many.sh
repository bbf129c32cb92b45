# SPDX-License-Identifier: GPL-2.0-or-later
# Many definitions on one link, each with its own program: whose record it is, the values say.

# Kernel functions: a glob's records have the function that was hit, as the kernel tells it, and the number of
# the system call that the task was in. Records of one definition each must pair the same name and number.
known functions __x64_sys_getppid >/dev/null || { skip 'system calls are called otherwise here' 'many definitions'; return; }
pairs() { sed -n "s/^.*: \(__x64_sys_[a-z0-9_]*\)[^ ]*: .* nr=\([0-9]*\).*/\1 \2/p" | sort -u; }
by_place() { sed -n 's/^.*(\(__x64_sys_[a-z0-9_]*\)+0x0.* nr=\([0-9]*\).*/\1 \2/p' | sort -u; }
work() { foreland trace --comm busybox "$@" -- busybox sh -c 'cd /; ls >/dev/null; kill -0 $$; echo x >/tmp/w; umask 022; true | cat' 2>err; }
foreland probe list functions '__x64_sys_*' | sed -n 's/.*[ *]\(__x64_sys_[a-z0-9_]*\)(.*/\1/p' | sort -u | head -n 200 >names
for name in getppid write openat read close fork clone kill umask chdir pipe2 getdents64 exit_group; do
	known functions __x64_sys_$name
done >>names
sort -u names | sed 's/\(.*\)/f:many\/\1 \1 nr=(pt_regs)$arg1->orig_ax:u64/' >defs
one_link()
{
	work 'f __x64_sys_* nr=(pt_regs)$arg1->orig_ax:u64' | by_place >glob
	work --file defs | pairs | awk 'NR == FNR { known[$1] = 1; next } known[$1]' glob - >each
	awk 'NR == FNR { wanted[$1] = 1; next } wanted[$1]' names glob >wanted	# but for those of two names
	[ "$(wc -l <wanted)" -ge 8 ] && diff wanted each
}
check 'a record is of its own definition' one_link
link() { foreland trace --explain -t 0.1 --file defs 2>&1 | grep -c 'one link holds many'; }
kprobe_multi=no
! foreland doctor --json | grep -q '"name":"kprobe_multi".*"state":"yes"' || kprobe_multi=yes
if [ $kprobe_multi = yes ]; then
	prints "$(wc -l <defs)" 'one link holds them' link
	sed 's/^f:\([^ ]*\) \([^ ]*\) .*/r:\1 \2 nr=$retval:s64/' defs >returns
	prints "$(wc -l <returns)" 'returns of kretprobes, too' sh -c "foreland trace --explain -t 0.1 --file returns 2>&1 | grep -c 'one link holds many'"
	grep 'sys_getppid ' defs | sed 's,many/,also/,' | cat - defs >twice
	both() { foreland trace --comm many --file twice -- ./many 2>err | grep -c ' nr=110$'; }
	prints 2 'two definitions of one function both have their record' both

	# What reads a user's string is hit while a program of the same link reads one: nobody can say that of one
	# event, and the kernel's own kprobe counts how often it was.
	together()
	{
		{
			sed 's/^f:many/f:tog/' defs
			echo 'f:tog/open do_sys_openat2 n=filename:ustring'
			echo 'f:tog/reads strncpy_from_user_nofault'
		} >together.defs
		echo 'p:k/reads strncpy_from_user_nofault' >>/sys/kernel/tracing/kprobe_events
		echo 1 >/sys/kernel/tracing/events/k/reads/enable
		foreland trace --json --strict --file together.defs -o together.json -- busybox sh -c 'cat many.c defs >/dev/null' 2>err
		echo "status $?"
		echo 0 >/sys/kernel/tracing/events/k/reads/enable
		opened=$(grep -c '"event":"open".*"place"' together.json)
		missed=$(sed -n 's/^{"type":"summary","missed":\([0-9]*\),.*/\1/p' together.json)
		awk -v opened="$opened" -v missed="${missed:-0}" '$1 == "reads" {
			print(opened + 0 && missed + 0 && missed + 0 <= $2 + 0 ? "missed of all" :
			      $2 " reads, " opened " opened, " missed " missed") }' /sys/kernel/tracing/kprobe_profile
		echo >/sys/kernel/tracing/kprobe_events
		grep -o '"missed":[0-9]*' together.json | sort | uniq -c | grep -vw 0 | grep -c .
	}
	if known functions strncpy_from_user_nofault >/dev/null; then
		prints 'status 1
missed of all
1' 'what the link has missed is said of all of its events, and of none' together
	fi
fi

# user functions: each is called once, with its own number
for i in 0 1 2 3 4 5 6 7 8 9; do
	for k in 0 1 2 3 4 5 6 7 8 9; do
		echo "p:user/fn_$i$k $PWD/many:fn_$i$k n=%di:s64"
	done
done >defs
numbers() { foreland trace --file defs -- ./many 2>err | sed -n 's/^.*: fn_0*\([0-9][0-9]*\): .* n=\([0-9]*\)$/\1 \2/p' | awk '$1 != $2 { print } END { print NR }'; }
prints 100 'functions of a program' numbers

# Where a user function returns to, and where it begins: kernels before 6.6 do not tell a program so by their helper.
place=$(foreland probe list symbols "$PWD/many" fn_07 | sed 's/.* //')
returned() { foreland trace "$@" "r:user/back $PWD/many:$place n=\$retval:s64" -- ./many 2>err | grep -o '(0x.*'; }
same_return() { returned --via tracefs >kernel; returned >ours; grep -q ' <- 0x.*) n=' kernel && diff kernel ours; }
check 'a user function that returns, and where to, by its offset' same_return
