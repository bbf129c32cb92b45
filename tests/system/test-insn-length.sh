#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# test-insn-length.sh INSN_LENGTH: instruction lengths against objdump's, over programs and libraries of
# this machine. What objdump calls "(bad)" is left out.
. "$(dirname "$0")/../vm/tap.sh"
lengths=$1
command -v objdump >/dev/null || { echo "1..0 # SKIP there is no objdump (binutils)"; exit 0; }
[ "$(uname -m)" = x86_64 ] || { echo "1..0 # SKIP the decoder is x86-64's"; exit 0; }

# An instruction of more than the line holds goes on in the next, which names nothing.
compare()
{
	objdump -d -w --insn-width=16 "$1" | awk -F'\t' 'NF >= 3 && $1 ~ /^ +[0-9a-f]+:/ && $3 !~ /\(bad\)/ {
		sub(/:/, "", $1); print $1, split($2, bytes, " ") }' | "$lengths" "$1"
}
for file in /bin/busybox $(ldd /bin/cat | awk '$3 ~ /libc/ { print $3 }') "$lengths" /bin/bash; do
	check "as objdump: $file" compare "$file"
done
done_testing
