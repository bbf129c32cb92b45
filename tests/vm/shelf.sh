# SPDX-License-Identifier: GPL-2.0-or-later
# The tools of the shelf, each with a program that fires it and writes down what it did (shelf-load.c): the trace
# has the same facts, each as often.
ifconfig lo up
mkdir -p cg
mount -t cgroup2 none cg

# EXPR makes of each line of the trace the words of a fact.
whose=--children
same()			# TOOL EXPR OP [ARG]...
{
	tool=$1 expr=$2
	shift 2
	foreland trace --strict $whose --file "$tool" -- "$@" >out 2>err || { cat err; return 1; } >&2
	sed -nE 's/^fact //p' out | sort >want
	sed -E "/^fact /d" out | sed -nE "$expr" | sort >got
	[ -s want ] && cmp -s want got && return
	{ echo want; cat want; echo got; cat got; grep -v '^fact' out | head -30; cat err; return 1; } >&2
}

# What is done in interrupts is done on behalf of whoever runs there.
same_of_all() { whose=; same "$@"; set -- $?; whose=--children; return $1; }

attached() { foreland trace -t 0.2 --file "$1"; }

check 'execsnoop: arguments and parent' same execsnoop 's/.*args: .*(ppid=[0-9]+ argv=.*"a","b c",).*/\1/p' \
	./shelf-load cmdline a 'b c'
check 'opensnoop: names, results, the folder' same opensnoop \
	's/.*(name="[^"]*" ret=[^ ]*) (cwd=.*)/\1 \2/p' ./shelf-load open
check 'statsnoop: names and errors' same statsnoop 's/.*stat.*: .*(name="[^"]+" ret=.*)/\1/p' ./shelf-load stat
check 'killsnoop: signal, target, result' same killsnoop 's/.*kill: .*(tpid=.*)/\1/p' ./shelf-load kill
check 'naptime: how long, and whose child' same naptime 's/.*(ns=[0-9]*) (ppid=[0-9]*) pcomm=".*" ret=0/\1 \2/p' ./shelf-load nap
check 'syncsnoop: each call by its name' same syncsnoop 's/.* syncsnoop[^ ]*: \(syscalls\.(sys_enter_[a-z_]*)\).*|.*(sys_enter_[a-z_]*sync[a-z_]*):.*/\1\2/p' \
	./shelf-load sync
check 'setuids: from whom to whom, and the result' same setuids 's/.* set[a-z]*uid: (uid=.*)/\1/p' ./shelf-load setuid
check 'tcpconnect: both ends' same tcpconnect \
	's/.*(saddr=[^ ]* sport=[^ ]* daddr=[^ ]* dport=[^ ]*).*/\1/p' ./shelf-load tcp connect
check 'tcpaccept: both ends, and the queue' same tcpaccept \
	's/.*(raddr=[^ ]* rport=[^ ]* laddr=[^ ]* lport=[^ ]*) .* (waiting=.*)/\1 \2/p' ./shelf-load tcp accept
check 'tcplife: bytes, and whose it was' same_of_all tcplife \
	'/comm=shelf-load.*sent=1002/s/.* tcplife: (pid=.* received=[0-9]*) .*/\1/p' ./shelf-load tcp life
check 'tcpretrans: which, and in which state' same_of_all tcpretrans \
	'/again/s/.*(lport=[0-9]*) .*(rport=[0-9]*) (state=[^ ]*) .*/\1 \2 \3/p' ./shelf-load retransmit
check 'undump: sizes' same undump 's/.*receive: .*(len=[0-9]+) .*/\1/p' ./shelf-load unix
messages() { grep -c '  |message-[012]' out; }
prints 3 'undump: what was sent' messages
check 'biosnoop: each request' same_of_all biosnoop \
	's/.*biosnoop: .*(sector=[0-9]*) (bytes=[0-9]*) (comm=shelf-load) (pid=[0-9]*) us=.*/\1 \2 \3 \4/p' ./shelf-load disk /dev/vda
check 'pidpersec: as many as were made' same pidpersec \
	'/parent: shelf-load/s/^(\{ parent: [^ ]*) *(\} hitcount: ) *([0-9]*)$/\1 \2\3/p' ./shelf-load fork
check 'capable: who asks for what, and the answer' same capable \
	'/SYS_ADMIN audit=0/s/.*(uid=[0-9]*) (cap=[^ ]*) .*ret=([^ ]*).*/\1 \2 ret=\3/p' ./shelf-load hostname
check 'solisten: address, port and room' same solisten 's/.*(addr=[^ ]* port=.*)/\1/p' ./shelf-load listen
check 'bindsnoop: what was asked for, and given' same bindsnoop 's/.*(addr=[^ ]* port=.*)/\1/p' ./shelf-load bind
check 'mountsnoop: what, where, and the error' same mountsnoop 's/.*mount: \([^)]*\) (.*)/\1/p' ./shelf-load mount
check 'shmsnoop: each call, and what it gave' same shmsnoop 's/.* shm[a-z]*: \([^)]*\) (.*)/\1/p' ./shelf-load shm
check 'filelife: the name' same filelife 's/.*filelife: (name=.*) us=.*/\1/p' ./shelf-load file life
lived() { [ "$(sed -n 's/.*filelife: .* us=//p' out)" -ge 20000 ]; }
check 'filelife: the age' lived
check 'fileslower: what took long' same fileslower 's/.*slowread: (name=.*) us=[1-9][0-9]{4,}$/\1/p' ./shelf-load wait slow
whose='--children --interval 1m'
check 'filetop: bytes by process and file' same filetop 's/ +/ /g; s/^(\{ common_pid: .*name: shelf-file .*)/\1/p' ./shelf-load file top
whose=--children
check 'tcpconnlat: whose, and both ends' same_of_all tcpconnlat 's/.*tcpconnlat: (pid=.*) us=.*/\1/p' ./shelf-load tcp connlat
states()
{
	foreland trace --strict --file tcpstates -- ./shelf-load tcp states >out || return
	sed -n 's/^fact //p' out >want
	port=$(sed -n 's/.*rport=//p' want | head -n 1)
	sed -nE "/^fact/d; / rport=$port\$/s/.*(from=[0-9]* to=[0-9]*) .*(rport=.*)/\\1 \\2/p" out >got
	[ -s want ] && cmp -s want got || { cat out >&2; return 1; }
}
check 'tcpstates: as RFC 9293 has them, in their order' states
sent() { [ "$(sed -n 's/^fact dev: lo //p' out)" = "$(awk '/^\{ dev: lo / { n += $NF } END { print n }' out)" ]; }
udp() { foreland trace --strict --file netqtop -- ./shelf-load udp >out && sent; }
check 'netqtop: as many as the device says' udp
check 'wakeuptime: by whom' same_of_all wakeuptime \
	's/ +/ /g; s/^(\{ waker: shelf-waker) (, target: shelf-load) (\} hitcount: 1) .*/\1\2 \3/p' ./shelf-load wait by
waits()
{
	foreland trace --strict --file runqslower -- ./shelf-load spin >out || return
	awk '/^fact/ { split($2, a, "="); all[a[2]] = $3 }
		/runqslower: / { match($0, /pid=[0-9]+ us=/); split(substr($0, RSTART), a, "[= ]"); n[a[2]] += a[4] }
		END { for (p in all) { print p, all[p], n[p]; bad += n[p] > all[p] + 1000; some += n[p] >= 10000 }
		      exit bad || !some }' out
}
check "runqslower: no more than the kernel's own account" waits
check 'bashreadline: what is typed' same bashreadline 's/.* line: .*(line=.*)/\1/p' ./shelf-load type /bin/bash

oom()
{
	echo +memory >cg/cgroup.subtree_control
	mkdir -p cg/small
	echo 16M >cg/small/memory.max
	same oomkill 's/.*(pid=[0-9]* comm="[^"]*") .*cgroup="small".*/\1/p' \
		sh -c 'echo 0 >cg/small/cgroup.procs; exec ./shelf-load hog'
}
check 'oomkill: whom, and of which group' oom

# A histogram of times has as many entries as there were of what it times.
hits()			# TOOL N COMMAND...: at least N hits
{
	tool=$1 n=$2
	shift 2
	foreland trace --file "$tool" -- "$@" >out 2>err || return
	[ "$(awk '/Hits:/ { n += $2 } END { print n + 0 }' out)" -ge "$n" ] || { cat out err >&2; return 1; }
}
check 'biolatency: each request' hits biolatency 3 ./shelf-load disk /dev/vda
check 'biolatency-kp: each request' hits biolatency-kp 3 ./shelf-load disk /dev/vda
check 'biostacks: each request' hits biostacks 3 ./shelf-load disk /dev/vda
who_asked() { grep -qE 'submit_bio|blkdev_direct_IO|vfs_read' out; }
check 'biostacks: by the code that asked' who_asked
check 'bitesize: each request' hits bitesize 3 ./shelf-load disk /dev/vda
check 'runqlat: each sleep is followed by a wait for a CPU' hits runqlat 3 ./shelf-load nap
check 'runqlen: each tick' hits runqlen 1 sleep 1
check 'cpuwalk: who works is seen' hits cpuwalk 10 sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done'
check 'syscount' hits syscount 6 ./shelf-load sync
by_name() { grep -qE '\{ id: sys_fdatasync +\[ *75\] \} hitcount: +1$' out; }
syncs() { foreland trace --children --file syscount --top 1000 -- ./shelf-load sync >out; by_name; }
check 'syscount: a call by its name, once' syncs
check 'vfscount: by function' hits vfscount 3 ./shelf-load open
opens() { foreland trace --children --file vfsstat -- ./shelf-load open >out && grep -qE 'vfs_open' out; }
check 'vfsstat: by function' opens
nine() { foreland trace --children --file tcpsynbl -- ./shelf-load tcp synbl >out && grep -q 'limit: *9,' out; }
check 'tcpsynbl: the limit that was set' nine

for tool in dcsnoop swapin tcpdrop writeback; do
	check "$tool is attached" attached $tool
done
