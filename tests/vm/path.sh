# SPDX-License-Identifier: GPL-2.0-or-later
# The type path against what the kernel itself says of the same open files: the links in /proc/PID/fd.
# Each file is held open by this shell, and a seek in it (a probe on ksys_lseek's file) tells its path.
T=/tmp/tree
deep=$T/one/two/three
mkdir -p "$deep" $T/bound $T/mem
echo x >"$deep/file"
mount -t tmpfs none $T/mem
mkdir -p $T/mem/in/side
echo x >$T/mem/in/side/file
mount --bind $T/mem/in $T/bound
mount -t tmpfs none $T/bound/side
echo x >$T/bound/side/over
long=$(printf '%0200d' 7)
mkdir "$T/$long"
echo x >"$T/$long/file"

# what we say of each file that is written to, and what its link says
both()			# COMMAND that writes to descriptor 7, which is FILE...
{
	foreland trace 'f vfs_write f=file:path p=file->f_path:path c=count if c == 7' --comm sh -- sh -c "$1" 2>err |
		sed -n 's/^.* f="\(.*\)" p="\(.*\)" c=7$/\1\n\2/p' | uniq >ours
	cat link
	cat ours
	[ -s ours ] && diff link ours
}
opened() { both "exec 7>>'$1'; readlink /proc/\$\$/fd/7 >link; printf 1234567 >&7"; }

check 'a file' opened "$deep/file"
check 'in a mount' opened $T/mem/in/side/file
check 'in a mount in a bind mount' opened $T/bound/side/over
check 'a long name' opened "$T/$long/file"
check 'a device' opened /dev/null
check 'a file that was removed' both "exec 7>$deep/gone; rm $deep/gone; readlink /proc/\$\$/fd/7 >link; printf 1234567 >&7"
check 'a file whose folder was removed' both "mkdir $deep/d; exec 7>$deep/d/gone; rm -r $deep/d; readlink /proc/\$\$/fd/7 >link; printf 1234567 >&7"
check 'a fifo' both "mkfifo /tmp/fifo; exec 7<>/tmp/fifo; readlink /proc/\$\$/fd/7 >link; printf 1234567 >&7; rm /tmp/fifo"
check 'a pipe without a name' both "readlink /proc/self/fd/1 >/dev/null; { readlink /proc/self/fd/7 >link; printf 1234567 >&7; } 7>&1 | cat >/dev/null"
# without a trace-command in between: what is no file of a tree
sockets()
{
	foreland trace 'f vfs_write f=file:path c=count if c == 7' --comm pathfd -- ./pathfd >out 2>err
	sed -n 's/^.* f="\(.*\)" c=7$/\1/p' out >ours
	cat link ours
	[ -s ours ] && diff link ours
}
check 'sockets, memfd, eventfd, a detached mount, the root' sockets

# deeper than the walk goes: the mark, and as much of the end as there are steps
d=/tmp/deep
mkdir $d
cd $d
n=0
while [ $n -lt 70 ]; do mkdir d$n; cd d$n; n=$((n + 1)); done
echo x >bottom
deepest() { foreland trace 'f vfs_write f=file:path c=count if c == 7' --comm sh -- sh -c 'printf 1234567 >bottom' 2>/dev/null | sed -n 's/ c=7$//; s/.* f="//p' >/tmp/out; }
deepest
want=$(pwd -P | tr / '\n' | tail -n 63 | tr '\n' /)bottom
matches '^\.\.\./' 'too deep: it does not begin as a path' cat /tmp/out
prints ".../$want\"" 'too deep: the end of it' cat /tmp/out
json() { foreland trace --json 'f vfs_write f=file:path c=count if c == 7' --comm sh -- sh -c 'printf 1234567 >bottom' 2>/dev/null | grep -o '"cut":.*'; }
prints '"cut":["f"]}' 'too deep: JSON says so' json
cd /root

# a dentry knows its file system alone, as the kernel's %pd does
dentry() { foreland trace 'f vfs_write f=file->f_path.dentry:path n=file->f_path.dentry:%pd c=count if c == 7' --comm sh -- sh -c "printf 1234567 >>$T/mem/in/side/file" 2>/dev/null | sed -n 's/ c=7$//; s/^.*vfs_write+[^)]*) //p'; }
prints 'f="/in/side/file" n="file"' 'a dentry' dentry

# no pointer, no path
nowhere() { foreland trace 'f vfs_write f=(file)(\0)->f_path:path g=(file)(\16)->f_path:path c=count if c == 7' --comm sh -- sh -c "printf 1234567 >>$T/mem/in/side/file" 2>/dev/null | sed -n 's/ c=7$//; s/^.*vfs_write+[^)]*) //p'; }
prints 'f=(fault) g=(fault)' 'no pointer' nowhere

# it is a string like others: filters and keys
filtered() { foreland trace 'f vfs_write f=file:path if f == "/tmp/tree/mem/in/side/file"' --comm sh -- sh -c "printf 1 >>$T/mem/in/side/file; printf 2 >>$T/bound/side/over" 2>/dev/null | grep -c ' f='; }
prints 1 'in a filter' filtered
keys() { foreland trace --hist keys=f 'f vfs_write f=file:path' --comm sh -- sh -c "printf 1 >>$T/mem/in/side/file; printf 1 >>$T/mem/in/side/file" 2>/dev/null | grep '^{'; }
matches '^\{ f: /tmp/tree/mem/in/side/file +\} hitcount: +2$' 'as a key' keys
recorded() { foreland trace -o a.dat 'f vfs_write f=file:path c=count if c == 7' --comm sh -- sh -c "printf 1234567 >>$T/mem/in/side/file" && foreland report a.dat | sed -n 's/ c=7$//; s/^.*vfs_write+[^)]*) //p'; }
prints 'f="/tmp/tree/mem/in/side/file"' 'in a recording' recorded

complains 'NO_BTF|BAD_TYPE|help: string is' 'of something else it is refused' foreland trace 'f vfs_write c=count:path'
complains 'BAD_TYPE' 'probe check knows what the kernel does not' foreland probe check 'f vfs_write f=file:path'

# nor can the kernel's tracer: its own words, where it is given the user's text, and ours where it is not
K=/sys/kernel/tracing
said='no kernel walks paths'
! grep -qF '[(structname[,field])]' $K/README || said=$(
	echo 'f:k/path vfs_write f=file:path' 2>/dev/null >>$K/dynamic_events
	sed -n 's/^.*: error: //p' $K/error_log | tail -n 1)
complains "${said:-nothing}" "nor can the kernel's tracer: ${said:-it took it}" \
	foreland trace --via tracefs 'f vfs_write f=file:path'
