# SPDX-License-Identifier: GPL-2.0-or-later
# foreland doctor in the guest: what stock kernels can, by the kernels' own history
# (the versions in which each feature came), and what --clean takes away and leaves.
trace=/sys/kernel/tracing
release=$(uname -r)

check 'doctor says that tracing is possible' foreland doctor
matches '^  yes  kprobe ' 'a row of the table' foreland doctor
matches '"type":"schema","command":"doctor"' 'the first line of JSON' foreland doctor --json
foreland doctor --json >/tmp/doctor.json
says() { matches "\"name\":\"$1\".*\"state\":\"$2\"" "$1: $2" cat /tmp/doctor.json; }

for name in cap_bpf cap_perfmon btf kallsyms kallsyms_all bpf jit raw_tp tp_btf tracepoint \
	fentry fexit kprobe uprobe probe_read_kernel current_task_btf get_func_arg ringbuf \
	bpf_loop cookie percpu_ksym copy_from_user tracefs dynamic_events kprobe_events; do
	says $name yes
done
case $release in
6.1.*) later=no ;;	# and Debian's 6.1 has no CONFIG_FPROBE, which kprobe.multi needs
*)     later=yes ;;	# 6.2, 6.5, 6.6 and 6.10
esac
case $release in
6.1.*|6.12.*|6.16.*) void=no ;;
*)                   void=yes ;;	# 6.17
esac
case $release in
[0-6].*|7.[0-2].*) series=no ;;
*)                 series=yes ;;	# 7.3
esac
for name in kprobe_multi rdonly_cast_typed memsx uprobe_multi cookie_raw_tp kprobe_session fprobe_events btf_args; do
	says $name $later
done
says rdonly_cast_void $void
says typecasts $series

# A dead run's events and instance go; other people's, and those of a run that lives, stay.
dead=foreland_999999_1
self=foreland_$$_$(cut -d' ' -f22 /proc/$$/stat)
for group in $dead $self foreland_x other; do
	echo "p:$group/ev vfs_read" >>$trace/dynamic_events
done
echo "p:$dead/ev2 vfs_write" >>$trace/dynamic_events
mkdir $trace/instances/$dead
echo 1 >$trace/instances/$dead/events/$dead/ev/enable
echo 1 >$trace/events/$dead/ev2/enable
prints "$dead/ev
$dead/ev2
instances/$dead" 'doctor --clean names what it removes' sh -c 'foreland doctor --clean | sort'
prints "$self/ev
foreland_x/ev
other/ev" 'the rest stays' sh -c "sed 's/^p:\([^ ]*\) .*/\1/' $trace/dynamic_events | sort"
prints '' 'the instance is gone' ls $trace/instances
prints '' 'a second time there is nothing to do' foreland doctor --clean
echo >$trace/dynamic_events
