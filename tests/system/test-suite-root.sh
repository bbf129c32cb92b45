#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-suite-root.sh [long]: scripts/suite-root. A root says itself of which suite it is, in the file
# that Debian's base-files put there, and its own dpkg knows what is installed. With "long", how a
# root is made: what was left half made is never used, and two who ask at once get one root.
set -u
here=$(cd "$(dirname "$0")" && pwd)
suite_root=$here/../../scripts/suite-root
. "$here/../vm/tap.sh"

why=$("$suite_root" bookworm -- true 2>&1 >/dev/null)
[ $? != 77 ] || { echo "1..0 # SKIP $(tail -n 1 <<<"$why")"; exit 0; }
in_root() { "$suite_root" bookworm "$@"; }

if [ "${1-}" = long ]; then
	export XDG_CACHE_HOME=$tap_dir/cache
	roots=$XDG_CACHE_HOME/foreland/roots
	mkdir -p "$roots/bookworm/etc"
	echo half >"$roots/bookworm/etc/half-made"
	both()
	{
		"$suite_root" bookworm --packages hello -- hello >"$tap_dir/first" 2>&1 &
		"$suite_root" bookworm --packages hello -- hello >"$tap_dir/second" 2>&1
		wait $! && grep -qx 'Hello, world!' "$tap_dir/first" && grep -qx 'Hello, world!' "$tap_dir/second"
	}
	check 'two ask at once, and both have their package' both
	prints 1 'of whom one has made the root' \
		sh -c "cat '$tap_dir/first' '$tap_dir/second' | grep -c 'making a root'"
	check 'what was left half made is not in it' [ ! -e "$roots/bookworm/etc/half-made" ]
	rm "$roots/bookworm.packages"
	echo half >"$roots/bookworm/etc/half-made"
	matches '^VERSION_CODENAME=bookworm' 'a root without its list is made anew' in_root -- cat /etc/os-release
	check 'and the old one is gone' [ ! -e "$roots/bookworm/etc/half-made" ]
	done_testing
	exit
fi

matches '^VERSION_CODENAME=bookworm' 'a root is of its suite' in_root -- cat /etc/os-release
matches '^install ok installed' 'a package is installed in it' \
	in_root --packages hello -- dpkg-query -W -f '${Status}\n' hello
prints '' 'and the next call does nothing but run' \
	sh -c "'$suite_root' bookworm --packages hello -- true 2>&1"
status 7 "the command's status is its own" in_root -- sh -c 'exit 7'
prints 'a b * c' 'and so are its arguments' in_root -- printf '%s %s %s\n' a 'b *' c
echo seen >"$tap_dir/here"
prints seen 'a file of this machine is seen there' in_root --bind "$tap_dir/here:/opt/x/there" -- cat /opt/x/there
prints 'tester CapEff:	0000000000000000' 'a user there has no privilege' \
	in_root --run-as tester -- sh -c 'echo "$(id -un) $(grep CapEff /proc/self/status)"'
prints '' 'the machine is not to be seen' in_root -- sh -c 'ls /dev/kvm /dev/vda "$1" 2>/dev/null; ls /tmp' sh "$tap_dir"
prints '' 'and processes end with the command' \
	sh -c "'$suite_root' bookworm -- sh -c 'sleep 7654 & true'; pgrep -a -x sleep | grep -w 7654; true"
complains "the root 'bookworm' is of bookworm and not of sid" 'a name is not a root of two suites' \
	"$suite_root" sid --name bookworm -- true
complains "is not the name of a suite" 'a path is no suite' "$suite_root" ../x
complains "is not the name of a package" 'an option is no package' in_root --packages -oX=y -- true
status 77 'a package that the suite lacks is a skip' in_root --packages no-such-package -- true
complains 'Unable to locate package no-such-package' 'with the reason' in_root --packages no-such-package -- true
matches '^install ok installed' 'and the root is as it was' \
	in_root -- dpkg-query -W -f '${Status}\n' hello
complains 'no namespace to be root in' 'where no root can be had, that is said' \
	unshare --user --map-root-user "$suite_root" bookworm --name none -- true
done_testing
