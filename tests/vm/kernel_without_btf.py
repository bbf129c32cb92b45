# SPDX-License-Identifier: GPL-2.0-or-later
"""A stock kernel without BTF, made of the image of one that has it.

The image is unpacked to its ELF file, which the emulator boots by the kernel's PVH entry. In it the types are
zeroed, and btf_parse_vmlinux() returns NULL behind its ftrace call: what it does where CONFIG_DEBUG_INFO_BTF is not set.
What is left is the file in sysfs, which shows the zeros."""
import re
import shutil
import struct
import subprocess

PACKERS = ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\xfd7zXZ\0", "xz"), (b"\x1f\x8b\x08", "gzip"))
ENTRY = bytes.fromhex("f30f1efae8")  # endbr64; call __fentry__
RETURN_NULL = bytes.fromhex("31c0c3")  # xor eax, eax; ret


def unpack(image):
    """The ELF file in a bzImage."""
    data = open(image, "rb").read()
    for magic, program in PACKERS:
        if not shutil.which(program):
            continue
        at = data.find(magic)
        while at >= 0:
            out = subprocess.run([program, "-dc"], input=data[at:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
            if out[:4] == b"\x7fELF":
                return bytearray(out)
            at = data.find(magic, at + 1)
    return None


def offset_of(elf, address):
    start, count = struct.unpack_from("<Q", elf, 32)[0], struct.unpack_from("<H", elf, 56)[0]
    for i in range(count):
        kind, _, offset, virtual, _, size = struct.unpack_from("<IIQQQQ", elf, start + 56 * i)
        if kind == 1 and virtual <= address < virtual + size:
            return offset + address - virtual
    raise ValueError(hex(address))


def address(kallsyms, name):
    return int(re.search(rf"^([0-9a-f]+) \w {name}$", kallsyms, re.M).group(1), 16)


def make(image, btf, kallsyms, to):
    """Writes the image @to; a reason where it cannot be made."""
    elf = unpack(image)
    if not elf:
        return "the image is packed by what is not here"
    types = open(btf, "rb").read()
    at = elf.find(types)
    if at < 0:
        return "the image holds other types"
    elf[at:at + len(types)] = bytes(len(types))
    text = open(kallsyms).read()
    base = struct.unpack_from("<Q", elf, struct.unpack_from("<Q", elf, 32)[0] + 16)[0]  # where _text is linked to
    at = offset_of(elf, base + address(text, "btf_parse_vmlinux") - address(text, "_text"))
    if elf[at:at + 5] != ENTRY:
        return "btf_parse_vmlinux() begins otherwise"
    elf[at + 9:at + 12] = RETURN_NULL
    with open(to, "wb") as f:
        f.write(elf)
    return None
