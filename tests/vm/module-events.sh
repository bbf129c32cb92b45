# SPDX-License-Identifier: GPL-2.0-or-later
# Modules that come and go while they are traced, as the kernel's own kprobe event sees them.
T=/sys/kernel/tracing
module=$(ls /vm/modules/more/*dummy*)
cat >"$HOME/again" <<EOF
rmmod dummy 2>/dev/null
insmod $module
sleep 0.3
EOF

# as many records as the kernel's own event of that place has, and with the same argument
counted()		# DEFINITION, and words of trace before it
{
	def=$1
	shift
	echo 'p:own/k dummy:dummy_setup d=%di' >$T/kprobe_events
	echo >$T/trace
	echo 1 >$T/events/own/k/enable
	foreland trace "$@" "$def" -- sh "$HOME/again" >out 2>err
	echo 0 >$T/events/own/k/enable
	sed -n 's/.*: k: .* d=//p' $T/trace >kernel
	echo '-:own/k' >$T/kprobe_events
	sed -n 's/.* d=\(0x[0-9a-f]*\).*/\1/p' out >ours
	cat kernel out err
	[ -s kernel ] && diff kernel ours
}
named() { counted "$@" && ! grep -vq '(\(init_module+[0-9a-fx/]* \[dummy\] <- \|[^ ]* <- \)\{0,1\}dummy_setup\(+0x[0-9a-f/x]*\)\{0,1\}\( \[dummy\]\)\{0,1\})' out; }
P='p dummy:dummy_setup d=%di'
F='f:a/f dummy:dummy_setup d=$arg1'
R='f:a/r dummy:dummy_setup%return d=$arg1 n=+0($arg1):string'
for def in "$P" "$F" "$R"; do
	rmmod dummy
	check "a module that is not loaded yet: its first function is seen: $def" counted "$def"
	check "a module that is loaded again: $def" named "$def"
done
rmmod dummy
check 'the same through the kernel'\''s tracer' named "$P" --via tracefs
nothing() { ! grep foreland_ $T/dynamic_events $T/kprobe_events; }
check 'nothing stays in tracefs' nothing
stack() { foreland trace --stack 'p register_netdevice' -- sh "$HOME/again" 2>err | grep -q '\[dummy\]'; }
check 'frames of a module that came after the start have names' stack

# a name that is no module's is said, with what may have been meant
awaited() { foreland trace -t 0.1 "$@"; false; }
waits="no module 'nomod' is loaded.* is armed when it comes"
complains "$waits" 'p of a module that is not there' awaited 'p nomod:nofunc'
complains "$waits" 'f of a module that is not there' awaited 'f nomod:nofunc'
complains "$waits" 'the same through the kernel'\''s tracer' awaited --via tracefs 'p nomod:nofunc'
complains "'p /[^ ]*/sh:main'" "a program's name for a module's" awaited 'p sh:main'

# what depmod wrote of this kernel's modules: on disk (with a dash for the name's other sign), built in, neither
folder=/lib/modules/$(uname -r)
mkdir -p "$folder"
[ ! -e "$folder/modules.dep" ] || mv "$folder/modules.dep" "$HOME/dep"
[ ! -e "$folder/modules.builtin" ] || mv "$folder/modules.builtin" "$HOME/builtin"
echo 'kernel/fs/on-disk_here.ko.xz: kernel/lib/other.ko' >"$folder/modules.dep"
echo 'kernel/fs/built-in.ko' >"$folder/modules.builtin"
complains "no module 'nomod' is loaded, and this kernel's folder has none of that name" 'a module that is nowhere' awaited 'p nomod:nofunc'
complains "no module 'on_disk_here' is loaded: " 'a module on disk, its file with a dash' awaited 'p on_disk_here:nofunc'
complains "'built_in' is built into this kernel: its functions go by their names alone, 'nofunc'" 'a module that is built in' awaited 'p built_in:nofunc'
rm "$folder/modules.dep" "$folder/modules.builtin"
[ ! -e "$HOME/dep" ] || mv "$HOME/dep" "$folder/modules.dep"
[ ! -e "$HOME/builtin" ] || mv "$HOME/builtin" "$folder/modules.builtin"
