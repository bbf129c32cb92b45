# SPDX-License-Identifier: GPL-2.0-or-later
# Modules that come and go while they are traced, as the kernel's own kprobe event sees them.
T=/sys/kernel/tracing
module=$(ls /vm/modules/more/*dummy*)
cat >"$HOME/again" <<EOF
rmmod dummy 2>/dev/null
insmod $module
sleep 0.3
EOF

# as many records as the kernel's own event of that place has
counted()		# WORDS of trace before the definition
{
	echo 'p:own/k dummy:dummy_setup' >$T/kprobe_events
	echo >$T/trace
	echo 1 >$T/events/own/k/enable
	foreland trace "$@" 'p dummy:dummy_setup' -- sh "$HOME/again" >out 2>err
	echo 0 >$T/events/own/k/enable
	kernel=$(grep -c ': k: ' $T/trace)
	echo '-:own/k' >$T/kprobe_events
	echo "kernel $kernel"
	cat out err
	[ "$kernel" -gt 0 ] && [ "$(wc -l <out)" = "$kernel" ]
}
named() { counted "$@" && ! grep -vq '(dummy_setup+0x[0-9a-f/x]* \[dummy\])' out; }
rmmod dummy
check 'a module that is not loaded yet: its first function is seen' counted
check 'a module that is loaded again' named
rmmod dummy
check 'the same through the kernel'\''s tracer' named --via tracefs
nothing() { ! grep foreland_ $T/dynamic_events $T/kprobe_events; }
check 'nothing stays in tracefs' nothing
stack() { foreland trace --stack 'p register_netdevice' -- sh "$HOME/again" 2>err | grep -q '\[dummy\]'; }
check 'frames of a module that came after the start have names' stack
