#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""header.py METADATA.DEF: prints the <linux/pci-ep-dma.h> that the posted host driver includes and that was not
part of its series, layout A. Offsets and bits are metadata.def's; the names are those that the driver uses."""
import re, sys

fields = {}
for where, name, off, hi, lo in re.findall(r"^F\((\w+), (\w+), (0x\w+), (\d+), (\d+)", open(sys.argv[1]).read(), re.M):
    fields[name] = int(off, 16), int(hi), int(lo)
out = {"MAGIC": "0x4d444550", "REV": "1", "HDR_LEN": "0x1c", "CH_ENTRY_SIZE": "0x2c", "REG_LAYOUT_DW_EDMA": "1",
       "CH_CTRL": "0x0"}
for name, field in (("HDR", "LEN"), ("CTRL", "READY"), ("REG_LAYOUT", "REG_LAYOUT_ID"), ("REG_SIZE", "REG_SIZE"),
                    ("CH_DESC_SIZE", "CH_DESC_SIZE"), ("CH_AUX_SIZE", "CH_AUX_SIZE")):
    out[name] = hex(fields[field][0])
for name in ("REG_OFF", "CH_DESC_OFF", "CH_DESC_ADDR", "CH_AUX_OFF", "CH_AUX_ADDR"):
    out[name + "_LO"], out[name + "_HI"] = hex(fields[name][0]), hex(fields[name][0] + 4)
for name, field in (("HDR_REV", "REV"), ("HDR_LEN_FIELD", "LEN"), ("CTRL_REG_BAR", "REG_BAR"),
                    ("CTRL_WR_CH_COUNT", "WR_CH_COUNT"), ("CTRL_RD_CH_COUNT", "RD_CH_COUNT"),
                    ("CTRL_CH_ENTRY_SIZE", "CH_ENTRY_SIZE"), ("CTRL_HOST_REQ", "HOST_REQ"), ("CTRL_READY", "READY"),
                    ("REG_LAYOUT_ID", "REG_LAYOUT_ID"), ("REG_LAYOUT_DATA", "REG_LAYOUT_DATA"),
                    ("CH_CTRL_HW_CH", "CH_HW_CH"), ("CH_CTRL_DESC_BAR", "CH_DESC_BAR"),
                    ("CH_CTRL_AUX_BAR", "CH_AUX_BAR"), ("CH_CTRL_AUX_VALID", "CH_AUX_VALID")):
    out[name] = "GENMASK(%d, %d)" % fields[field][1:]
print("/* SPDX-License-Identifier: GPL-2.0-or-later */\n#include <linux/bits.h>")
for name, value in out.items():
    print(f"#define PCI_EP_DMA_METADATA_{name} {value}")
