# SPDX-License-Identifier: GPL-2.0-or-later
project = "x"
extensions = []
master_doc = "index"
