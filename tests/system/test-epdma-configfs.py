#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""foreland epdma plan: options, the posted how-to's own lines, and scripts that go wrong.

The errno of each refused line is the one that the posted driver, Linux's pci-ep-cfs.c or configfs
gives. TAP output.
"""
import json, os, re, subprocess, sys, tempfile

from tap import check, done

FORELAND, HOWTO, GUIDE = sys.argv[1:4]


def plan(*args, stdin=None):
    p = subprocess.run([FORELAND, "epdma", "plan", *args], input=stdin, capture_output=True, text=True)
    return p.returncode, p.stdout, p.stderr


# --- the how-to, word for word but for its placeholders
howto = open(HOWTO).read().replace("<vendor-id>", "0x1912").replace("<device-id>", "0x0031")
for what, args in [("fixed", []), ("as posted", ["--seed-compat"])]:
    code, out, err = plan("--configfs", "-", *args, stdin=howto)
    check(code == 0 and not err, f"the how-to runs without a word, {what}")
    check("01:00.1 0801: 1912:0031\n\tKernel driver in use: dw-edma-pcie\n" in out, "lspci shows it bound")
    check("metadata in BAR 0, layout A" in out and "window in BAR 2" in out, "with the how-to's BARs")
# as it stands in the mail, where it is part of a patch
mail = "".join(f"+{l}\n" for l in howto.splitlines())
check(plan("--configfs", "-", stdin=mail) == plan("--configfs", "-", stdin=howto), "the same as the mail has it")
code, out, err = plan("--configfs", "-", stdin=open(HOWTO).read())
check(code == 1 and "-:77:16: error: syntax error" in err and "help: put a value in the place of <device-id>" in err,
      "a placeholder that was left standing is named")
# what the how-to shows of its directories is there
code, out, err = plan("--configfs", "-", stdin=howto)
shown = [l.split() for l in howto.splitlines() if l.startswith("\t") and not re.match(r"\t[#\t]", l)]
names = {w for l in shown for w in l if re.match(r"[a-z_]+(\.0)?$", w)} - {"pci_epf_test", "e"}
check(len(names) > 15 and names <= set(out.split()), f"every name that it shows exists: {names - set(out.split())}")
code, out, err = plan("--configfs", "-", "--json", stdin=howto)
last = json.loads(out.splitlines()[-1])
check(code == 0 and last["ready"] and last["function"] == 1 and last["metadata_bar"] == 0, "JSON")
code, out, err = plan("--configfs", "-", "--board", "rk3588", stdin=howto)
check(code == 1 and "No such file" in err, "another board has another controller's name")

# --- our own guide's lines
if os.path.exists(GUIDE):
    code, out, err = plan("--configfs", GUIDE)
    check(code == 0 and not err, "the guide's lines run")
    check("Kernel driver in use: dw-edma-pcie" in out, "and bind the driver")

# --- options
for board, md, win in [("generic", 0, 1), ("r-car-s4", 0, 2), ("rk3588", 0, 1), ("spacemit-k3", 0, 1)]:
    code, out, err = plan("--board", board, "--json")
    last = json.loads(out.splitlines()[-1])
    check(code == 0 and (last["metadata_bar"], last["window_bar"]) == (md, win), f"--board {board}")
code, out, err = plan("--board", "rk3588", "--wr-chans", "2", "--rd-chans", "2", "--msi", "4")
check(code == 0 and "no window needed" not in out and "read channel 1" in out, "the issue's endpoint")
subs = [json.loads(l) for l in plan("--board", "r-car-s4", "--json")[1].splitlines() if '"submap"' in l]
check([(x["address"], x["size"], x["slack"]) for x in subs] ==
      [(0xe6500000, 0x100000, 0x100000 - 0x1200), (0x480000000, 0x100000, 0x100000 - 4 * 0x1000)],
      "what R-Car S4's pieces show beside the resources")
subs = [json.loads(l) for l in plan("--board", "rk3588", "--json")[1].splitlines() if '"submap"' in l]
check([(x["size"], x["slack"], x["own_memory"]) for x in subs] ==
      [(0x10000, 0x10000 - 0x4000, False), (0xf0000, 0, True)], "and the tail is the BAR's own memory")
refusals = [
    (["--board", "rk3588", "--wr-chans", "1"], "EPF_WHOLE", "EOPNOTSUPP"),
    (["--board", "rk3588", "--wr-chans", "3"], "EPF_TOO_MANY", "EINVAL"),
    (["--board", "rk3588", "--wr-chans", "0", "--rd-chans", "0"], "EPF_NO_CHANS", "EINVAL"),
    (["--board", "rk3588", "--msi", "0"], "EPF_NO_VECTORS", "EINVAL"),
    (["--board", "rk3588", "--msi", "33"], "EPF_VECTORS", "EINVAL"),
    (["--board", "r-car-s4", "--msix", "4"], "EPF_NO_VECTORS", "EINVAL"),
    (["--board", "generic", "--wr-chans", "9"], "ATTR_CHANS", "EINVAL"),
    (["--board", "generic", "--vendor", "0x10000"], "ATTR_RANGE", "EINVAL"),
    (["--board", "generic", "--vendor", "0xffff"], "EPF_NO_ID", "EINVAL"),
]
for args, why, errno in refusals:
    code, out, err = plan(*args, "--json")
    last = json.loads(out.splitlines()[-1])
    check(code == 1 and (last["reason"], last["errno"]) == (why, errno) and f"[{why}] -{errno}" in err,
          " ".join(args))
for args in ([], ["--board", "rk3588", "--msi", "0"]):
    out = plan("--json", *args)[1].splitlines()
    check(json.loads(out[0]) == {"type": "schema", "command": "epdma plan", "version": 1} and
          json.loads(out[-1])["type"] == "summary", "JSON has a schema line first and a summary last")
check(plan("--board", "generic", "--msi", "33", "--seed-compat")[0] == 0, "--seed-compat binds with 33 vectors")
check(plan("--metadata-layout", "C")[0] == 2 and plan("x")[0] == 2, "usage")

# --- a board of one's own, and a broken one
with tempfile.TemporaryDirectory() as tmp:
    path = tmp + "/my.board"
    board = open(os.path.join(os.path.dirname(__file__), "../../boards/generic.board")).read()
    open(path, "w").write(board.replace("bar 1 programmable", "bar 1 reserved"))
    code, out, err = plan("--board", path, "--json")
    check(code == 0 and json.loads(out.splitlines()[-1])["window_bar"] == 2, "a board file")
    open(path, "w").write(board.replace("align 4K", "align 3K"))
    code, out, err = plan("--board", path)
    line = 1 + board[:board.index("align 4K")].count("\n")
    check(code == 1 and f"{path}:{line}:7: error:" in err and "align 3K\n      ^~\n" in err,
          "an error in it is located")
    code, out, err = plan("--board", tmp + "/none")
    check(code == 1 and "No such file" in err, "a board file that is not there")

# --- scripts, line by line: what each is answered with
F = "functions/pci_epf_dma/dma0"
OWN = F + "/pci_epf_dma.0"
SETUP = f"""cd /sys/kernel/config/pci_ep
mkdir {F}
echo 0x1234 > {F}/vendorid
echo 1 > {F}/msi_interrupts
echo 2 > {OWN}/wr_chans
echo 2 > {OWN}/rd_chans
"""
LINK = f"ln -s controllers/e65d0000.pcie-ep {F}/primary/\n"
START = "echo 1 > controllers/e65d0000.pcie-ep/start\n"
DEV = "/sys/bus/pci/devices/0000:01:00.1"
OVERRIDE = f"echo dw-edma-pcie > {DEV}/driver_override\n"
PROBE = "echo 0000:01:00.1 > /sys/bus/pci/drivers_probe\n"
STRERROR = {e: os.strerror(getattr(__import__("errno"), e)) for e in
            "EEXIST EPERM ENOENT EBUSY EINVAL ERANGE EOPNOTSUPP EALREADY ENODEV EACCES ENOMEM ETIMEDOUT".split()}

lines = [  # what went before, the line, its errno (None: it works), and with --seed-compat
    ("cd /sys/kernel/config/pci_ep\n", "mkdir functions/x", "EPERM", "EPERM"),
    ("cd /sys/kernel/config/pci_ep\n", "mkdir controllers/x", "EPERM", "EPERM"),
    (SETUP, f"mkdir {F}", "EEXIST", "EEXIST"),
    (SETUP, f"mkdir {F}/sub", "EPERM", "EPERM"),
    (SETUP, f"rmdir {F}", None, None),
    (SETUP, f"rmdir {F}/primary", "EPERM", "EPERM"),
    (SETUP + LINK, f"rmdir {F}", "EBUSY", "EBUSY"),
    (SETUP + LINK, f"rm {F}/primary/e65d0000.pcie-ep", None, None),
    (SETUP + LINK, f"rm {F}/primary/e65d0000.pcie-ep && rmdir {F} && mkdir {F} && cat {OWN}/wr_chans", None, None),
    (SETUP, f"echo 0x10000 > {F}/vendorid", "EINVAL", "EINVAL"),
    (SETUP, f"echo zwei > {F}/vendorid", "EINVAL", "EINVAL"),
    (SETUP, f"echo 256 > {F}/revid", "EINVAL", "EINVAL"),
    (SETUP, f"echo 9 > {OWN}/wr_chans", "EINVAL", "EINVAL"),
    (SETUP, f"echo 70000 > {OWN}/wr_chans", "ERANGE", "ERANGE"),
    (SETUP, f"echo 6 > {OWN}/metadata_bar", "EINVAL", "EINVAL"),
    (SETUP + f"echo 2 > {OWN}/metadata_bar\n", f"echo 2 > {OWN}/dma_window_bar", "EINVAL", "EINVAL"),
    (SETUP + LINK, f"echo 1 > {OWN}/wr_chans", "EOPNOTSUPP", "EOPNOTSUPP"),
    (SETUP + LINK, f"echo 1 > {OWN}/metadata_bar", "EOPNOTSUPP", "EOPNOTSUPP"),
    (SETUP + LINK, f"echo 9 > {F}/revid", None, None),
    (SETUP, f"echo 1 > {F}/nothing", "EACCES", "EACCES"),
    (SETUP + f"echo 0 > {F}/msi_interrupts\n", LINK.strip(), "EINVAL", "EINVAL"),
    (SETUP + f"echo 1 > {OWN}/wr_chans\n", LINK.strip(), "EOPNOTSUPP", "EOPNOTSUPP"),
    (SETUP + f"echo 0 > {OWN}/wr_chans\necho 0 > {OWN}/rd_chans\n", LINK.strip(), "EINVAL", "EINVAL"),
    (SETUP + f"echo 1 > {OWN}/metadata_bar\n", LINK.strip(), "EINVAL", "EINVAL"),
    (SETUP + f"echo 4 > {OWN}/metadata_bar\n", LINK.strip(), "ENOMEM", "ENOMEM"),
    (SETUP + f"echo 0xffff > {F}/vendorid\n", LINK.strip(), "EINVAL", None),
    (SETUP + f"echo 33 > {F}/msi_interrupts\n", LINK.strip(), "EINVAL", None),
    (SETUP + LINK, LINK.strip(), "EEXIST", "EEXIST"),
    (SETUP + LINK, f"ln -s {F} controllers/e65d0000.pcie-ep/", "EBUSY", "EBUSY"),
    (SETUP, f"ln -s {F} controllers/e65d0000.pcie-ep/", None, None),
    (SETUP + f"ln -s {F} controllers/e65d0000.pcie-ep/\n", "rm controllers/e65d0000.pcie-ep/dma0", None, None),
    (SETUP, f"ln -s controllers/e65d0000.pcie-ep {F}/secondary/", "EINVAL", "EINVAL"),
    (SETUP, f"ln -s controllers/none {F}/primary/", "ENOENT", "ENOENT"),
    (SETUP, f"ln -s functions {F}/primary/", "EPERM", "EPERM"),
    (SETUP, "mkdir functions/pci_epf_dma/dma1 && ln -s functions/pci_epf_dma/dma1 " + F, "EOPNOTSUPP", "EOPNOTSUPP"),
    (SETUP + "mkdir functions/pci_epf_dma/dma1\n", "ls functions/pci_epf_dma/dma1/pci_epf_dma.1", None, None),
    (SETUP, "echo 2 > controllers/e65d0000.pcie-ep/start", "EINVAL", "EINVAL"),
    (SETUP, "echo 0 > controllers/e65d0000.pcie-ep/start", "EALREADY", "EALREADY"),
    (SETUP + START, START.strip(), "EALREADY", "EALREADY"),
    (SETUP + START, "echo n > controllers/e65d0000.pcie-ep/start", None, None),
    (SETUP + LINK, PROBE.strip(), "ENODEV", "ENODEV"),
    (SETUP + LINK + START, PROBE.strip(), "ENODEV", None),
    (SETUP + LINK + START, "echo 0000:01:00.1 > /sys/bus/pci/drivers/dw-edma-pcie/bind", "ENODEV", "ENODEV"),
    (SETUP + LINK + START + f"echo vfio-pci > {DEV}/driver_override\n", PROBE.strip(), "ENODEV", None),
    (SETUP + LINK + START + OVERRIDE + f"echo > {DEV}/driver_override\n", PROBE.strip(), "ENODEV", None),
    (SETUP + LINK + START + OVERRIDE, PROBE.strip(), None, None),
    (SETUP + LINK + START + OVERRIDE + PROBE, PROBE.strip(), None, None),
    (SETUP + LINK + START + OVERRIDE, "echo 0000:02:00.1 > /sys/bus/pci/drivers_probe", "ENODEV", "ENODEV"),
    (SETUP + LINK + START + OVERRIDE + PROBE, "echo 0000:01:00.1 > /sys/bus/pci/drivers/dw-edma-pcie/bind", "EBUSY", "EBUSY"),
    (SETUP + LINK + START + OVERRIDE + PROBE, "echo 0000:01:00.1 > /sys/bus/pci/drivers/dw-edma-pcie/unbind", None, None),
    (SETUP + LINK + START, "echo 0000:01:00.1 > /sys/bus/pci/drivers/dw-edma-pcie/unbind", "ENODEV", "ENODEV"),
    (SETUP + START + LINK, f"cat {DEV}/vendor", "ENOENT", "ENOENT"),
    (SETUP + START + LINK + "echo 1 > /sys/bus/pci/rescan\n", f"cat {DEV}/vendor", None, None),
    (SETUP + LINK + START, f"echo 1 > {DEV}/vendor", "EACCES", "EACCES"),
    ("", "mount -t configfs none /sys/kernel/config", None, None),
    ("mount -t configfs none /mnt/config\n", "ls /mnt/config/pci_ep/functions/pci_epf_dma", None, None),
    ("mount -t configfs none /mnt/config\n", "ls /mnt/other", "ENOENT", "ENOENT"),
    (SETUP + LINK + START + f"rm {F}/primary/e65d0000.pcie-ep\n", f"cat {DEV}/vendor", "ENOENT", "ENOENT"),
]
for before, line, fixed, posted in lines:
    for args, want in [([], fixed), (["--seed-compat"], posted)]:
        script = before + line + "\n"
        code, out, err = plan("--configfs", "-", *args, stdin=script)
        number = script.rstrip("\n").count("\n") + 1
        errors = [l for l in err.splitlines() if re.match(r"-:\d+:\d+: error:", l)]
        if want is None:
            good = not errors
        else:
            good = len(errors) == 1 and errors[0].startswith(f"-:{number}:") and STRERROR[want] in errors[0]
        check(good, f"{line}: {want or 'works'}{' (as posted)' if args else ''}" + ("" if good else f" {err}"))

# --- an endpoint that cannot map its window: READY never comes (row 14)
with tempfile.TemporaryDirectory() as tmp:
    path = tmp + "/few.board"
    board = open(os.path.join(os.path.dirname(__file__), "../../boards/r-car-s4.board")).read()
    open(path, "w").write(board.replace("inbound-windows 16", "inbound-windows 2"))
    script = SETUP + LINK + START + OVERRIDE + PROBE
    code, out, err = plan("--board", path, "--configfs", "-", stdin=script)
    check(code == 1 and STRERROR["ETIMEDOUT"] in err and "[HOST_TIMEOUT] -ETIMEDOUT" in err, "READY never comes")
    for args, left in ([], False), (["--seed-compat"], True):
        last = json.loads(plan("--board", path, "--configfs", "-", "--json", *args, stdin=script)[1].splitlines()[-1])
        check(last["requested"] is left and not last["ready"], f"the request is {'left' if left else 'withdrawn'} (W3)")
    code, out, err = plan("--board", path, "--configfs", "-", "--seed-compat", stdin=script + "lspci -nk\n")
    check("ETIMEDOUT" not in err and "Kernel driver in use" not in out, "as posted, drivers_probe does not tell")

# --- two functions on one controller: the channels are taken
two = """cd /sys/kernel/config/pci_ep
mkdir functions/pci_epf_dma/a && mkdir functions/pci_epf_dma/b
echo 1 > functions/pci_epf_dma/a/vendorid && echo 1 > functions/pci_epf_dma/a/msi_interrupts
echo 2 > functions/pci_epf_dma/b/vendorid && echo 1 > functions/pci_epf_dma/b/msi_interrupts
echo 8 > functions/pci_epf_dma/a/pci_epf_dma.0/wr_chans
echo 8 > functions/pci_epf_dma/b/pci_epf_dma.1/%s_chans
ln -s controllers/10000000.pcie-ep functions/pci_epf_dma/a/primary/
ln -s controllers/10000000.pcie-ep functions/pci_epf_dma/b/primary/
echo 1 > controllers/10000000.pcie-ep/start
lspci -n
"""
code, out, err = plan("--board", "generic", "--configfs", "-", stdin=two % "wr")
check("[EPF_DELEGATE] -EBUSY" in err and out.count("0801:") == 1, "a second function cannot have the same channels")
code, out, err = plan("--board", "generic", "--configfs", "-", stdin=two % "rd")
check(code == 0 and not err and "01:00.0 0801: 0001:ffff\n01:00.1 0801: 0002:ffff" in out, "but it can have the others")

# --- what lines print
def shows(script, want, what, *args):
    code, out, err = plan("--configfs", "-", *args, stdin=SETUP + script)
    check(want in out, what if want in out else f"{what}: {out[:300]} {err}")


shows(f"cat {F}/vendorid {F}/baseclass_code {F}/msi_interrupts {OWN}/metadata_bar {OWN}/rd_chans\n",
      "0x1234\n0x0008\n1\n-1\n2\n", "attributes print as in Linux")
shows("cat controllers/e65d0000.pcie-ep/start\n", "0\n", "start is 0")
shows(LINK + START + f"cat {DEV}/class {DEV}/vendor {DEV}/driver_override\n", "0x080100\n0x1234\n(null)\n", "the host sees class and ids")
shows(LINK + START + f"cat {DEV}/resource\n", "0x0000000090000000 0x00000000900fffff 0x0000000000040200\n",
      "and assigned BARs")
shows(LINK + f"rm {F}/primary/e65d0000.pcie-ep\ncat {OWN}/metadata_bar\n", "-1\n", "W13 a chosen BAR is forgotten")
shows(LINK + f"rm {F}/primary/e65d0000.pcie-ep\ncat {OWN}/metadata_bar\n", "0\n", "W13 as posted", "--seed-compat")
shows(f"mkdir functions/pci_epf_dma/dma1\necho 0x4321 > {F}/vendorid\ncat functions/pci_epf_dma/dma1/vendorid\n",
      "0xffff\n", "W14 instances have ids of their own")
shows(f"mkdir functions/pci_epf_dma/dma1\necho 0x4321 > {F}/vendorid\ncat functions/pci_epf_dma/dma1/vendorid\n",
      "0x4321\n", "W14 as posted", "--seed-compat")
sys.exit(done())
