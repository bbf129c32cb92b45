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
chmod 711 "$work"		# the emulator, which is nobody, finds its files below
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
for kernel in 6.12 6.1 7.3; do
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

# A disk and a card, for block and network questions: what is written comes back, and what stands
# behind 10.0.2.2 is out of reach.
devices()
{
	"$vm" --kernel "$1" <<-'END'
		echo written | dd of=/dev/vda bs=512 seek=9 conv=sync 2>/dev/null
		sync; echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda bs=512 skip=9 count=1 2>/dev/null | head -n 1
		mke2fs -q /dev/vda >/dev/null && mount /dev/vda /mnt && echo kept >/mnt/file && umount /mnt
		mount /dev/vda /mnt && cat /mnt/file
		ping -c 1 -w 5 10.0.2.2 | grep -o '[01] packets received'
		ping -c 1 -w 1 192.0.2.1 | grep -o '[01] packets received'
		(nc -l -p 7 -w 5 >/tmp/heard &); sleep 0.3; echo over tcp | nc -w 1 127.0.0.1 7; cat /tmp/heard
	END
}
for kernel in 6.12 7.3; do
	prints 'written
kept
1 packets received
0 packets received
over tcp' "$kernel: a disk and a network card" devices $kernel
done

# Who the emulator is while a guest runs, and that the kernel filters its calls (seccomp mode 2).
emulator_is()
{
	"$vm" -- sleep 30 & local pid=$! qemu='' tries=0
	while [ $tries -lt 100 ] && ! { qemu=$(pgrep -f "^qemu-system.*$work/foreland-vm") && grep -q 'Seccomp:.2' "/proc/$qemu/status"; }; do
		sleep 0.1; tries=$((tries + 1))
	done
	sleep 1
	grep -E '^(Uid|NoNewPrivs|Seccomp|CapEff):' "/proc/$qemu/status"
	kill $pid; wait $pid 2>/dev/null; true
}
who=$(id -u); [ "$who" != 0 ] || ! setpriv --reuid nobody --regid nogroup --init-groups true 2>/dev/null || who=$(id -u nobody)
prints "Uid:	$who	$who	$who	$who
CapEff:	0000000000000000
NoNewPrivs:	1
Seccomp:	2" 'the emulator has no privilege, and a filter on its calls' emulator_is

# A kernel of the user's own: the same one, as files.
own=$(dirname "$(readlink -f "$vm")")
own=$("$own/debian-kernel" --arch amd64 6.1)
own_kernel() { "$vm" --kernel-image "$own/boot/vmlinuz-${own##*/}" --modules-dir "$own/lib/modules/${own##*/}" --modules fuse -- sh -c 'uname -r; grep -c ^fuse /proc/modules; ls /dev/vda'; }
prints "${own##*/}
1
/dev/vda" 'an own kernel and its modules' own_kernel
complains 'is no lib/modules/RELEASE' 'a folder that has no modules is refused' "$vm" --kernel-image "$own/boot/vmlinuz-${own##*/}" --modules-dir "$own/boot" -- true
prints "${own##*/}" 'a cached kernel answers to less than its whole name' "$vm" --kernel "${own##*/}" --ready
short=${own##*/}; short=${short%%-cloud*}
prints "${own##*/}" 'up to where a word of it ends' "$vm" --kernel "$short" --ready
status 77 'and not in the middle of a number' "$vm" --kernel "${short%?}" --ready

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
# What uname says of the machine decides, and nothing is booted for it.
mkdir -p arm fails
printf '#!/bin/sh\necho aarch64\n' >arm/uname
chmod 755 arm/uname
on_arm() { PATH=$work/arm:$PATH "$vm" --kernel 6.1 --ready; }
why=$(on_arm 2>&1)
if [ $? = 77 ]; then
	skip "$why" 'on a machine of arm64 the guest is of arm64'
else
	matches '-arm64$' 'on a machine of arm64 the guest is of arm64' on_arm
fi

# An emulator that is gone before anybody waits for it: which of the two is first is a matter of luck.
printf '#!/bin/sh\nkill -SEGV $$\n' >fails/qemu-system-x86_64
chmod 755 fails fails/qemu-system-x86_64
dies() { for i in 1 2 3 4 5; do PATH=$work/fails:$PATH timeout 60 "$vm" -- true 2>/dev/null; echo $?; done | xargs; }
[ "$(uname -m)" != x86_64 ] || prints '125 125 125 125 125' 'an emulator that dies at once is a failed guest' dies

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
