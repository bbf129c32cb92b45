#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# test-installed.sh BUILD: what "meson install" leaves of libforeland-alloc, moved to another place,
# is enough to build and run programs with: by pkg-config, and with the one flag that maps malloc.
# What their dumps must say is what the programs below allocate.
set -u
build=$1
. "$(dirname "$0")/../vm/tap.sh"
trap 'rm -rf "$work" "$tap_dir"' EXIT
work=$(mktemp -d)
check 'it installs' env DESTDIR="$work/dest" meson install -C "$build" --no-rebuild --quiet
mv "$(dirname "$(dirname "$(find "$work/dest" -path "*/bin/foreland")")")" "$work/moved"
prefix=$work/moved
pc=$(dirname "$(find "$prefix" -name libforeland-alloc.pc)")
lib=$(dirname "$pc")
cd "$work" || exit 1
export PKG_CONFIG_PATH=$pc LD_LIBRARY_PATH=$lib
config() { pkg-config --define-variable=prefix="$prefix" "$@" libforeland-alloc; }
check 'pkg-config accepts the file' pkg-config --validate libforeland-alloc
prints "$("$build/src/cli/foreland" --version | sed 's/.* //')" 'it has the version' config --modversion

cat >by-hand.c <<'END'
#include <stdlib.h>
#include <foreland/alloc.h>
int main(void) { void *p = malloc(1); free(p); return !malloc(4711); }
END
cat >mapped.c <<'END'
#include <stdlib.h>
#include <string.h>
int main(void) { return !malloc(815) || !strdup("four"); }
END
cat >mapped.cc <<'END'
#include <cstdlib>
template <class T> T *make() { return (T *)std::malloc(sizeof(T)); }
int main() { return !make<long[100]>(); }
END
held() { FORELAND_ALLOC=noserve,dump=$1.dump "./$1" && sed -n 's/^ *\([1-9].*\) $/\1/p' "$1.dump" | tr -s ' ' | sort -rn; }

strict='-Werror -Wall -Wextra -Wpedantic -Wredundant-decls -Wshadow -Wundef -Wcast-align -Wcast-qual -Wconversion'
check 'a program that includes the header builds' cc -O2 $strict -o by-hand by-hand.c $(config --cflags --libs)
cp by-hand.c by-hand.cc
check 'and as C++' c++ -O2 $strict -c by-hand.cc $(config --cflags)
prints '4711 1 by-hand.c:3 func:main' 'and counts' held by-hand
map="-isystem $(config --variable=mapdir)"
for flags in -O2 '-O2 -D_FORTIFY_SOURCE=2' '-O0 -std=c99 -D_POSIX_C_SOURCE=200809L'; do
	check "with the one flag, $flags" cc $flags -Wall -Wextra -Werror $map -o mapped mapped.c \
		$(config --cflags --libs)
	prints '815 1 mapped.c:3 func:main
5 1 mapped.c:3 func:main' "and counts, $flags" held mapped
done
check 'C++ with the one flag' c++ -Wall -Wextra -Werror $map -o mapped++ mapped.cc $(config --cflags --libs)
prints '800 1 mapped.cc:2 func:make' 'and counts in C++' held mapped++

# A static program: the C library's own calls are ours, too, and any pointer to free().
cat >still.c <<'END'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
	void (*volatile release)(void *) = free;
	char *line = NULL, *text = NULL;
	size_t n = 0;
	FILE *f = fopen("/proc/self/status", "r");

	if (!malloc(4711) || getline(&line, &n, f) < 0 || asprintf(&text, "%d", 5) < 0)
		return 1;
	release(line);
	release(text);
	release(malloc(9));
	release(strdup("x"));
	fclose(f);
	return 0;
}
END
check 'a static program builds' cc -static -O1 -w $map -o still still.c $(config --static --cflags --libs)
prints '4711 1 still.c:12 func:main' 'and counts, without a block lost or freed twice' held still
matches 'LIBFORELAND_ALLOC_0' 'symbols have the version of the interface' \
	sh -c "readelf -W --dyn-syms $lib/libforeland-alloc.so.0 | grep ' fl_alloc_malloc@@'"
check 'none of the names that replace the C library has one' \
	sh -c "! readelf -W --dyn-syms $lib/libforeland-alloc.so.0 | grep ' malloc@'"

# With rights that its caller does not have a program reads no environment and keeps nothing readable.
if [ "$(id -u)" = 0 ] && setpriv --reuid 4711 --clear-groups true 2>/dev/null; then
	chmod 755 "$work"
	cc -O2 $map -o secure mapped.c $(config --cflags --libs) -Wl,-rpath,"$lib"
	cp -p secure secure.suid && chmod 4755 secure.suid
	mkdir -m 1777 open
	FORELAND_ALLOC=dump=$work/open/plain setpriv --reuid 4711 --clear-groups ./secure
	check 'as any program it writes the dump that was asked for' [ -s open/plain ]
	FORELAND_ALLOC=dump=$work/open/dump setpriv --reuid 4711 --clear-groups ./secure.suid
	check 'with other rights it writes none' [ ! -e open/dump ]
fi
for header in alloc.h allocinfo.h; do
	echo "#include <foreland/$header>" >one.c
	check "$header stands alone" cc -Wall -Wextra -Werror -fsyntax-only $(config --cflags) one.c
done
unset LD_LIBRARY_PATH
matches '^ *BYTES' 'the program that was moved finds its library' \
	"$prefix/bin/foreland" alloc run -- true
done_testing
