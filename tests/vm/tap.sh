# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks in shell that speak TAP, for /bin/sh here and for busybox in the guest. A test sources this
# file, calls the functions below, and says done_testing last; where tests/vm/run starts it, both
# are done for it. A command that needs a pipe is a function of the test's, or sh -c.
#
#   check NAME COMMAND...            COMMAND succeeds
#   status N NAME COMMAND...         COMMAND exits with N
#   prints TEXT NAME COMMAND...      COMMAND succeeds and its standard output is TEXT
#   matches REGEX NAME COMMAND...    COMMAND succeeds and a line of its standard output matches
#   complains REGEX NAME COMMAND...  COMMAND fails and a line of its standard error matches
#   skip REASON NAME                 not tested, and why
#   known functions|types NAME...    prints the first that the running kernel has
#   fail NAME                        not ok
#
# What a failed command printed is shown as comments below the failure.

tap_dir=$(mktemp -d)
trap 'rm -rf "$tap_dir"' EXIT
tap_count=0

tap_result()		# ok|not_ok NAME
{
	tap_count=$((tap_count + 1))
	if [ "$1" = ok ]; then
		echo "ok - $2"
		return 0
	fi
	echo "not ok - $2"
	[ ! -s "$tap_dir/why" ] || sed 's/^/#   /' "$tap_dir/why"
	[ ! -s "$tap_dir/out" ] || head -n 60 "$tap_dir/out" | sed 's/^/#   out: /'
	[ ! -s "$tap_dir/err" ] || head -n 60 "$tap_dir/err" | sed 's/^/#   err: /'
	return 0
}

tap_run()
{
	"$@" >"$tap_dir/out" 2>"$tap_dir/err" </dev/null
	tap_status=$?
	: >"$tap_dir/why"
}

tap_judge()		# NAME WHY TEST...
{
	tap_name=$1
	echo "$2" >"$tap_dir/why"
	shift 2
	if "$@"; then tap_result ok "$tap_name"; else tap_result not_ok "$tap_name"; fi
}

status()
{
	tap_want=$1 tap_what=$2
	shift 2
	tap_run "$@"
	tap_judge "$tap_what" "exit status $tap_status, not $tap_want" [ "$tap_status" = "$tap_want" ]
}

check() { status 0 "$@"; }

prints()
{
	printf '%s\n' "$1" >"$tap_dir/want"
	[ -n "$1" ] || : >"$tap_dir/want"
	tap_what=$2
	shift 2
	tap_run "$@"
	tap_same() { [ "$tap_status" = 0 ] && cmp -s "$tap_dir/want" "$tap_dir/out"; }
	tap_judge "$tap_what" "exit status $tap_status; wanted: $(cat "$tap_dir/want")" tap_same
}

matches()
{
	tap_want=$1 tap_what=$2
	shift 2
	tap_run "$@"
	tap_found() { [ "$tap_status" = 0 ] && grep -qE -e "$tap_want" "$tap_dir/out"; }
	tap_judge "$tap_what" "exit status $tap_status; wanted a line like: $tap_want" tap_found
}

complains()
{
	tap_want=$1 tap_what=$2
	shift 2
	tap_run "$@"
	tap_said() { [ "$tap_status" != 0 ] && grep -qE -e "$tap_want" "$tap_dir/err"; }
	tap_judge "$tap_what" "exit status $tap_status; wanted a complaint like: $tap_want" tap_said
}

known()			# functions|types NAME...: the first that this kernel's BTF has
{
	tap_kind=$1
	shift
	for tap_name; do
		foreland probe list "$tap_kind" "$tap_name" 2>/dev/null | grep -q . && { echo "$tap_name"; return; }
	done
	return 1
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok - $2 # SKIP $1"
}

fail() { tap_result not_ok "$1"; }

done_testing() { echo "1..$tap_count"; }
