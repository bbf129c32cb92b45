#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/vm itself: what goes in arrives, what comes out is the command's own, and nothing stays
# behind, however a run ends. The judge is what the same words do in a shell here.
set -u
here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../../scripts/vm
why=$("$vm" --ready 2>&1)
[ $? != 77 ] || { echo "1..0 # SKIP $why"; exit 0; }

. "$here/tap.sh"
trap 'rm -rf "$work" "$tap_dir"' EXIT
work=$(mktemp -d)
cd "$work" || exit 1
export TMPDIR=$work		# where vm keeps a run's files: empty again after each
export FORELAND_STATIC=		# not the subject here

left_behind() { ls -d "$work"/foreland-vm.* 2>/dev/null; pgrep -f "$work/foreland-vm" -a; }
nothing_left() { sleep 0.3; prints '' "$1: no process and no file is left" sh -c "$(declare -f left_behind); work=$work left_behind; true"; }

# One boot: words with every kind of quoting, both outputs apart, a status, files both ways.
mkdir -p in/sub
echo one >in/a
echo two >in/sub/b
chmod 755 in/a
everything()
{
	"$vm" --kernel "$1" --copy in --copy in/a:/opt/x/ --copy "$(command -v cmp):/bin/other-cmp" \
		--bring /tmp/made:got --bring /proc/version:version -- \
		sh -c 'printf "[%s]" "$@"; echo problem >&2; mkdir /tmp/made; echo "$0" >/tmp/made/zero
		       cat in/sub/b >/tmp/made/b; ls -l /opt/x/a | cut -c1-10 >>/tmp/made/b
		       other-cmp --version | grep -c diffutils >>/tmp/made/b; exit 43' \
		zero "it's" $'two\nlines' '"$HOME" \' '' >out 2>err
}
for kernel in 6.12 6.1; do
	rm -rf got version
	status 43 "$kernel: the command's status comes back" everything $kernel
	prints "[it's][two
lines][\"\$HOME\" \\][]" "$kernel: its words arrive as they are" sh -c 'cat out; echo'
	prints problem "$kernel: standard error is apart" cat err
	prints 'two
-rwxr-xr-x
1' "$kernel: files and a dynamic program went in, a folder came back" cat got/b
	matches "^Linux version ${kernel/./\\.}\\..*Debian" "$kernel: a file of proc came back" cat version
done
nothing_left 'after a run'

script() { printf 'uname -s\nread line && echo got it\nexit 5\n' | "$vm"; }
status 5 'a script on standard input' script
lines() { printf 'a\nb\nc\n' | "$vm" --stdin -- wc -l; }
prints 3 'standard input for a command' lines
complains "can't stat '/no/such'" 'a file that cannot come back is told' "$vm" --bring /no/such -- true
status 124 'a command that hangs is timed out' "$vm" --timeout 6 -- sleep 1000
nothing_left 'after a timeout'

crash() { echo 'echo c >/proc/sysrq-trigger' | "$vm" --timeout 60; }
complains 'Kernel panic - not syncing: sysrq' 'a kernel that dies is told, with its last words' crash
status 125 'a missing file to copy is an error of the guest' "$vm" --copy no-such-file -- true
status 2 'an unknown option is a usage error' "$vm" --no-such-option
status 77 'a kernel that Debian does not have: no guest' "$vm" --kernel 3.2 -- true
complains "no module 'no_such_module'" 'a module that does not exist' "$vm" --modules no_such_module -- true
prints fuse 'a module is loaded with what it needs' \
	"$vm" --kernel 6.1 --modules fuse -- sed -n 's/^\(fuse\) .*/\1/p' /proc/modules

# Output streams: the line is here while the command still runs. Then it is told to end.
# endings SIGNAL COMMAND: starts, waits for the line "ready", sends SIGNAL; prints the status.
endings()
{
	mkfifo stream
	# In a session of its own, as a terminal's foreground job is.
	echo "$2" >script
	python3 -c 'import os, signal, sys
os.setsid(); signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$vm" <script >stream 2>err &
	local pid=$! line
	exec 5<stream
	rm stream
	read -r -t 60 line <&5
	[ "$line" = ready ] || { kill -KILL $pid; return 99; }
	# To all of its process group, as the terminal does.
	kill -"$1" -- -$pid
	cat <&5
	exec 5<&-
	wait $pid
	echo "status $?"
}
prints 'interrupted
status 3' 'Ctrl-C interrupts the command, whose end counts' \
	endings INT "trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 1; done"
prints 'status 130' 'Ctrl-C ends a command that does not care' endings INT 'echo ready; sleep 1000'
prints 'status 143' 'SIGTERM ends the guest' endings TERM 'echo ready; sleep 1000'
nothing_left 'after signals'
killed() { endings KILL 'echo ready; sleep 1000'; rm -rf "$work"/foreland-vm.*; }
prints 'status 137' 'a killed vm' killed
nothing_left 'after that'

reader_gone() { "$vm" --timeout 60 -- yes | head -n 1; return "${PIPESTATUS[0]}"; }
status 141 'a reader that has seen enough ends the guest' reader_gone
nothing_left 'after a closed pipe'

# What the guest exports, judged by bpftool and by the formats' own ids.
export_has()
{
	"$vm" --export facts || return
	bpftool btf dump file facts/btf/vmlinux | grep -q "STRUCT 'task_struct'" &&
		bpftool btf dump -B facts/btf/vmlinux file facts/btf/virtio_net | grep -q virtnet_info &&
		grep -q ' T vfs_read$' facts/kallsyms && grep -q '^name: sched_switch$' \
		facts/events/sched/sched_switch/format && grep -q place facts/README
}
if command -v bpftool >/dev/null; then
	check '--export brings BTF, symbols, formats' export_has
else
	skip 'bpftool is missing' '--export brings BTF, symbols, formats'
fi
done_testing
