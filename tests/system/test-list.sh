#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-list.sh FORELAND: probe list and probe syntax on the files of the 6.12 guest. The judges are
# bpftool (which functions, which types), the folders of tracefs (which events), the symbol table, the
# prototypes in the kernel's headers, and the guest's own README.
set -u
here=$(cd "$(dirname "$0")" && pwd)
foreland=$1
vm=$here/../../scripts/vm
. "$here/../vm/tap.sh"
PATH=$PATH:/usr/sbin

folder=$("$vm" --exported 2>"$tap_dir/why") || { echo "1..0 # SKIP $(tail -n 1 "$tap_dir/why")"; exit 0; }
btf=$folder/btf/vmlinux
list() { "$foreland" probe list "$@"; }

if command -v bpftool >/dev/null; then
	names() { bpftool btf dump file "$btf" | grep -E "^\[[0-9]+\] ($1) '[^(]" | cut -d"'" -f2 | LC_ALL=C sort; }
	listed() { list "$1" --btf "$btf" --json | sed -n 's/.*[{,]"name":"\([^"]*\)","module".*/\1/p'; }
	same_functions() { diff <(names FUNC) <(listed functions); }
	same_types() { diff <(names 'STRUCT|UNION|ENUM|ENUM64|TYPEDEF') <(listed types); }
	check 'functions are those of bpftool, sorted' same_functions
	check 'types are those of bpftool, sorted' same_types
else
	skip 'bpftool is missing' 'functions and types are those of bpftool'
fi

# Prototypes as include/linux/fs.h and kernel/sched/core.c have them.
prints 'ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)' \
	'a prototype' list functions vfs_read --btf "$btf"
prints '{"type":"schema","command":"probe list","version":1,"list":"functions"}
{"name":"vfs_fsync","module":null,"returns":"int","args":[{"name":"file","type":"struct file *"},{"name":"datasync","type":"int"}],"symbols":0,"address":null}
{"type":"summary","rows":1}' 'a prototype in JSON' list functions vfs_fsync --btf "$btf" --json
prints 'struct hlist_node {	/* size 16 */
	struct hlist_node *next;	/* 0 */
	struct hlist_node **pprev;	/* 8 */
};' 'a definition' list types hlist_node --btf "$btf"
matches '^struct task_struct \([0-9]+ members, [0-9]+ bytes\)$' 'a line for a pattern' list types 'task_s*' --btf "$btf"
prints 'sched/sched_process_exit(struct task_struct *p)' 'the arguments of a tracepoint' \
	sh -c "'$foreland' probe list tracepoints sched_process_exit --btf '$btf' --events '$folder/events' | head -n 1"
prints '	char comm[16]; pid_t pid; int prio;' 'the fields of its event' \
	sh -c "'$foreland' probe list tracepoints sched/sched_process_exit --events '$folder/events' | tail -n 1"

events() { (cd "$folder/events" && ls -d */*/format | sed 's,/format,,'); }
same_events() { diff <(events) <(list tracepoints --events "$folder/events" | grep -v '^	'); }
check 'events are the folders of tracefs' same_events

# Every function symbol once, with how often it is there. (Padding symbols are no functions.)
symbols() { awk '$2 ~ /^[tTwW]$/ && $3 !~ /^__(pfx|cfi)_/ && $4 !~ /^\[(bpf|__builtin__)/ { print $3, $4 }' "$folder/kallsyms" | LC_ALL=C sort | uniq -c | awk '{ print $2 $3, $1 }'; }
counted() { list functions --kallsyms "$folder/kallsyms" --json | sed -n 's/^{"name":"\([^"]*\)","module":"*\([^",]*\)"*,.*"symbols":\([0-9]*\),.*/\1[\2] \3/p' | sed 's/\[null\]//'; }
same_symbols() { diff <(symbols | LC_ALL=C sort) <(counted | LC_ALL=C sort); }
check 'functions without types are those of the symbol table' same_symbols

# A program's functions are readelf's, at the offsets that its segment of code gives them.
if command -v readelf nm >/dev/null; then
	moved() { readelf -lW /bin/bash | awk '$1 == "LOAD" && /R E/ { print $2, $3; exit }'; }
	by_readelf() { read -r offset address < <(moved); readelf --dyn-syms -W /bin/bash | awk '$4 ~ /^I?FUNC$/ && $7 != "UND" { print $2 }' |
		while read -r a; do echo "$((0x$a - address + offset))"; done | sort -nu; }
	by_us() { list symbols /bin/bash '*' --json | sed -n 's/.*"offset":\([0-9]*\)[,}].*/\1/p' | sort -nu; }
	same_code() { diff <(by_readelf) <(by_us) && [ "$(by_us | wc -l)" -gt 500 ]; }
	check 'functions of a program are those of readelf, at the same places' same_code
	one() { printf '/bin/bash:readline 0x%x\n' "$(($(nm -D /bin/bash | sed -n 's/ T readline$//p;' | sed 's/^/0x/') $(moved | sed 's/\(.*\) \(.*\)/+ \1 - \2/')))"; }
	prints "$(one)" 'one of them' list symbols /bin/bash readline
else
	skip 'binutils are missing' 'functions of a program are those of readelf'
fi
status 2 'symbols of nothing is a usage error' list symbols
complains '^/no/such: error: No such file or directory' 'a program that is not there' list symbols /no/such
complains 'this is no program of this machine' 'a file that is none' list symbols "$here/test-list.sh"
complains "no symbols of '/bin/bash' match 'no_such'" 'no symbol of that name' list symbols /bin/bash no_such

status 1 'nothing matches: exit status 1' list functions no_such_function_at_all --btf "$btf"
complains "no functions match 'no_such'" 'and it is said' list functions no_such --btf "$btf"
full() { for words in 'list functions vfs_read' 'check -' 'dump -' 'lower -'; do
	echo 'p vfs_read' | "$foreland" probe $words --btf "$btf" --kallsyms "$folder/kallsyms" 2>&1 >/dev/full; done; true; }
prints "$(for i in 1 2 3 4; do echo 'standard output: error: No space left on device [ENOSPC]'; done)" \
	'a full disk is said, and said once' full
status 2 'an unknown list is a usage error' list registers
complains 'this is not BTF' 'a file that is no BTF' list types x --btf "$here/test-list.sh"
complains 'test-list.sh:1: error: .*KSYMS_LINE' 'a file that is no symbol table' list functions x --kallsyms "$here/test-list.sh"
head -c 1000000 "$btf" >"$tap_dir/cut"
complains 'cut: error: .*do not fit.*BTF_SECTION' 'a file that is cut off' list functions x --btf "$tap_dir/cut"
complains '^/no/such: error: No such file or directory' 'a folder that is not there' list tracepoints --events /no/such
complains 'tracepoints cannot be listed' 'nothing to list from' list tracepoints --kallsyms "$folder/kallsyms"

in_readme() { "$foreland" probe syntax --dialect 6.12 | grep -vxFf "$folder/README"; [ $? = 1 ]; }
check "the syntax of 6.12 is in that kernel's README, line by line" in_readme
matches 'this_cpu_read\(<fetcharg>\)' "the series' lines are there by default" "$foreland" probe syntax
matches '^{"line":' 'syntax in JSON' "$foreland" probe syntax --json
done_testing
