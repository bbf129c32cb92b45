#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-btf.sh BTF-BPFTOOL: our BTF index against what bpftool prints, type by type and entry by
# entry: of the running kernel, and of the guests' kernels with their modules.
set -u
here=$(cd "$(dirname "$0")" && pwd)
program=$1
vm=$here/../../scripts/vm
. "$here/../vm/tap.sh"
PATH=$PATH:/usr/sbin

vmlinux() { bpftool btf dump file "$1" | "$program" "$1"; }
module()  { bpftool btf dump -B "$2" file "$1" | "$program" "$1" "$2"; }

# All modules of a folder in one check: the names of those that differ.
modules()
{
	bad=0
	for file in "$1"/*; do
		[ "$(basename "$file")" = vmlinux ] || module "$file" "$1/vmlinux" || bad=1
	done
	return $bad
}

if ! command -v bpftool >/dev/null; then
	skip 'bpftool is missing' 'BTF'
	done_testing
	exit
fi
if [ -r /sys/kernel/btf/vmlinux ]; then
	check "the running kernel's BTF is what bpftool says" vmlinux /sys/kernel/btf/vmlinux
else
	skip 'this kernel shows no BTF' "the running kernel's BTF is what bpftool says"
fi
for kernel in 6.12 6.1; do
	if ! folder=$("$vm" --kernel $kernel --exported 2>"$tap_dir/why"); then
		skip "$(tail -n 1 "$tap_dir/why")" "$kernel: the guest's BTF is what bpftool says"
		continue
	fi
	check "$kernel: the guest's BTF is what bpftool says" vmlinux "$folder/btf/vmlinux"
	check "$kernel: so is that of its modules" modules "$folder/btf"
done

# The comparison can fail: one changed letter in what bpftool says is found.
if [ -n "${folder-}" ]; then
	other() { bpftool btf dump file "$folder/btf/vmlinux" | sed "0,/'pid'/s//'pie'/" | "$program" "$folder/btf/vmlinux"; }
	status 1 'a member of another name is found out' other
fi
done_testing
