#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-installed.sh BUILD: what `ninja install` leaves, used from another folder and moved to another
# place; and the few files that are all another machine needs.
set -u
build=$1
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
trap 'rm -rf "$work" "$tap_dir"' EXIT
work=$(mktemp -d)
check 'it installs' env DESTDIR="$work/dest" meson install -C "$build" --no-rebuild --quiet
prefix=$(dirname "$(dirname "$(find "$work/dest" -path "*/bin/foreland")")")
mv "$prefix" "$work/moved"
prefix=$work/moved
cd /
prints "$("$build/src/cli/foreland" --version)" 'the program runs' "$prefix/bin/foreland" --version
check 'its manual is a page that man reads' man -l "$prefix/share/man/man1/foreland.1"
completes()
{
	PATH=$prefix/bin:$PATH bash --norc -c '. "$1"; COMP_WORDS=(foreland --vers) COMP_CWORD=1; _foreland; echo "${COMPREPLY[0]}"' \
		- "$prefix/share/bash-completion/completions/foreland"
}
prints --version 'its completion works' completes
prints '' 'nothing of the build tree is in the program' \
	sh -c "strings -n 8 '$prefix/bin/foreland' | grep -F '$build/' | head -n 3"
libraries=$(cd "$prefix" && find . -name 'libforeland-*.so.?' | sed 's,.*/\(.*\)\.so\.,\1,' | sort)
packaged() { (cd "$here/../../debian" && for n in $libraries; do grep -x "Package: $n" control && cat "$n.install"; done); }
prints "$(for n in $libraries; do echo "Package: $n"; echo "usr/lib/*/${n%?}.so.*"; done)" \
	'each library that is installed has a package of its own' packaged

why=$("$prefix/libexec/foreland/vm" --ready 2>&1)
case $? in
0)
	if "$prefix/bin/foreland" trace --help >/dev/null 2>&1; then
		matches '^ .*: switch: ' 'an installation that was moved finds its guest' \
			"$prefix/bin/foreland" trace --vm -n 1 't:demo/switch sched_switch'
		mkdir "$work/two"
		cp "$("$here/../../scripts/static")" "$work/two/foreland"
		cp "$prefix"/libexec/foreland/* "$work/two"
		mv "$work/two/vm" "$work/two/foreland-vm"
		matches '^ .*: switch: ' 'so does the static program with the scripts beside it' \
			"$work/two/foreland" trace --vm -n 1 't:demo/switch sched_switch'
		# The release is in the file's name: kernels are kept by it.
		for series in 6.1 7.3; do
			release=$("$prefix/libexec/foreland/vm" --kernel $series --ready | sed 's/[.+]/\\&/g')
			matches "note: this was a guest with Linux $release\$" "--vm=$series is that kernel, and says so" \
				sh -c "$prefix/bin/foreland trace --vm=$series -n 1 't sched_switch' 2>&1"
		done
		matches "^foreland .* on Linux $release, " 'doctor --vm=7.3 examines it' \
			"$prefix/bin/foreland" doctor --vm=7.3
		status 1 'a kernel that is not there is a failure' "$prefix/bin/foreland" doctor --vm=9.9
	else
		skip 'built without the probe engine' 'trace --vm when installed'
	fi ;;
*)	skip "$why" 'the guest when installed' ;;
esac
done_testing
