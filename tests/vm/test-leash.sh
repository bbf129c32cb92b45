#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# scripts/leash, which ./check runs under: what is left of a meson run with a guest in it, of a process
# that will not end, and of one that has lost its parent. The judge is the kernel's list of processes.
set -u
here=$(cd "$(dirname "$0")" && pwd)
leash=$here/../../scripts/leash
. "$here/tap.sh"
trap 'rm -rf "$work" "$tap_dir"' EXIT
work=$(mktemp -d)
chmod 711 "$work"
export TMPDIR=$work

prints 'a b' 'output is the command'"'"'s' "$leash" echo 'a b'
status 7 'and so is the status' "$leash" sh -c 'exit 7'
input() { echo in | "$leash" cat; }
prints in 'and the input' input

left() { pgrep -f "^[^ ]*(sleep 10203|sh $work|qemu-system.*$work|python3.*$work)" -a; }
ends()			# SIGNAL SCRIPT: starts it, waits for the file "ready", sends SIGNAL: its status, what is left
{
	rm -f "$work/ready"
	echo "$2" >"$work/script"
	python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$leash" sh "$work/script" >"$work/out" 2>&1 &
	local pid=$! tries=0
	while [ ! -e "$work/ready" ] && [ $tries -lt 1200 ]; do sleep 0.1; tries=$((tries + 1)); done
	[ -e "$work/ready" ] || { cat "$work/out"; kill -KILL $pid; return 1; }
	kill -"$1" $pid
	wait $pid
	echo "status $?"
	left
	true
}
prints 'status 143' 'a process that ignores SIGTERM ends' \
	ends TERM "trap '' TERM; touch $work/ready; sleep 10203; sleep 10203"
prints 'status 130' 'so does one whose parent is gone, in another session' \
	ends INT "(setsid sleep 10203 &) ; sleep 0.2; touch $work/ready; sleep 10203"

why=$("$here/../../scripts/vm" --ready 2>&1)
if [ $? = 77 ] || ! command -v meson >/dev/null; then
	skip "${why:-no meson}" 'a guest in a test of meson ends'
else
	mkdir "$work/tree"
	cat >"$work/tree/meson.build" <<-END
		project('guest')
		test('guest', find_program('$here/../../scripts/vm'), timeout: 3000, is_parallel: false,
		     args: ['--timeout', '3000', '--', 'sh', '-c', 'echo up >/dev/console; sleep 10203'])
	END
	prints 'status 143' 'a guest in a test of meson ends' ends TERM "
		meson setup $work/tree/build $work/tree >/dev/null || exit
		meson test -C $work/tree/build >/dev/null &
		until cat $work/foreland-vm.*/console 2>/dev/null | grep -q up; do sleep 0.2; done
		touch $work/ready; wait"
fi
done_testing
