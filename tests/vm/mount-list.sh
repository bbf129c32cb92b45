# SPDX-License-Identifier: GPL-2.0-or-later
# What a listing of very many costs, by the kernel's own count of requests to the server. What was told with it is good
# for a second, so that this is no test for a machine that is busy.

T=/sys/kernel/tracing
[ -e $T/events/enable ] || mount -t tracefs none $T
modprobe fuse 2>/dev/null

# Who lists very many, with their attributes, asks the kernel for a page of them at a time.
listed() {
	foreland mount --only tracing - -- sh -c "cd $T; i=0
		while [ \$i -lt 3000 ]; do echo p:g/e\$i vfs_read; i=\$((i+1)); done >/tmp/defs; cat /tmp/defs >kprobe_events
		foreland trace --hist 'keys=opcode' 'e:q fuse.fuse_request_send opcode=\$opcode' -- sh -c 'ls -l events/g >/dev/null' 2>&1" >/tmp/requests
	cat /tmp/requests
	requests=$(sed -n 's/^eprobes.q: \([0-9]*\) hits.*/\1/p' /tmp/requests)
	[ "${requests:-0}" -gt 5 ] && [ "$requests" -le 250 ] # 150 and what opens the folder
}
if [ -e $T/events/fuse/fuse_request_send ]; then
	check 'a listing of 3000 asks for them twenty at a time, and for none by its own name' listed
fi
