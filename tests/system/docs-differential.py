#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-differential FORELAND TREE [MUTATIONS [SEED]]: docutils and foreland over the same texts.

All .rst files below TREE (or the tree that a program of that name prints) as they are (MUTATIONS 0),
or that many mutations of them: a blank line added or removed, an underline shortened, a table cell
widened, an indent moved, a marker dropped. FORELAND_DOCUTILS is a command that prints where another
docutils lies. Prints the disagreements by class, and the two rates; fails below 98 %.
"""
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
from multiprocessing import Pool



def output(command):
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode:
        print(run.stderr.strip().split("\n")[-1])
        sys.exit(77)
    return run.stdout.strip()


if os.environ.get("FORELAND_DOCUTILS"):
    sys.path.insert(0, output(os.environ["FORELAND_DOCUTILS"].split()))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from docutils_judge import BLOCK_CLASSES, VERSION, Judge  # noqa: E402

FAMILY = "0.22" if VERSION >= (0, 22) else "0.21"


def pages(tree):
    out = []
    for base, dirs, files in os.walk(tree):
        dirs.sort()
        out += [os.path.join(base, f) for f in sorted(files) if f.endswith(".rst")]
    return out


def mutate(text, rng):
    lines = text.split("\n")
    for _ in range(50):
        i = rng.randrange(len(lines))
        line = lines[i]
        kind = rng.randrange(8)
        bare = line.strip()
        if kind == 0 and not bare:
            del lines[i]
        elif kind == 1 and bare:
            lines.insert(i, "")
        elif kind == 2 and len(bare) > 3 and len(set(bare)) == 1 and not bare[0].isalnum():
            lines[i] = line.rstrip()[:-rng.randint(1, 3)]
        elif kind == 3 and set(bare) & set("=|+") and (bare[0] in "=|+"):
            at = rng.randrange(len(line))
            lines[i] = line[:at] + line[at] + line[at:]
        elif kind == 4 and bare:
            lines[i] = " " * rng.randint(1, 3) + line
        elif kind == 5 and line.startswith(" "):
            lines[i] = line[rng.randint(1, 2):]
        elif kind == 6 and bare[:2] in ("* ", "- ", ".."):
            lines[i] = line.replace(bare[:2], "", 1)
        elif kind == 7 and "  " in bare and i and set(lines[i - 1].strip()) <= set("= -"):
            lines[i] = line.replace("  ", "xx ", 1)
        else:
            continue
        break
    return "\n".join(lines)


JUDGE = None


def judge(item):
    global JUDGE
    if JUDGE is None:
        JUDGE = Judge()
    path, text = item
    try:
        return path, [m for m in JUDGE.messages(text)]
    except Exception as e:  # docutils itself fails on some mutations
        return path, [(0, "crash: %r" % e)]


def ours(foreland, top):
    run = subprocess.run([foreland, "docs", "check", "--json", "--docutils", FAMILY, top],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = collections.defaultdict(list)
    for line in run.stdout.splitlines():
        row = json.loads(line)
        if "file" in row:
            out[row["file"]].append((row.get("docutils_line", row["line"]), row["code"], row["line"]))
    return out


def compare(texts, theirs, mine):
    """Counts over block-level classes: (said by docutils, of those also by us, only ours)."""
    total = same = extra = true_line = 0
    missing, added = collections.Counter(), collections.Counter()
    shown = []
    for path, said in theirs.items():
        if any(c.startswith("crash") for _, c in said):
            continue
        # as sets: docutils repeats itself where it reads a title again one section up
        want = collections.Counter({(l, c) for l, c in said if c in BLOCK_CLASSES})
        have = collections.Counter({(l, c) for l, c, _ in mine.get(path, []) if c in BLOCK_CLASSES})
        true = collections.Counter({(l, c) for _, c, l in mine.get(path, []) if c in BLOCK_CLASSES})
        total += sum(want.values())
        same += sum((want & have).values())
        true_line += sum((want & true).values())
        for (l, c), n in (want - have).items():
            missing[c] += n
            shown.append("- %s:%d %s" % (path, l, c))
        for (l, c), n in (have - want).items():
            if not want:
                extra += n
            added[c] += n
            shown.append("+ %s:%d %s" % (path, l, c))
    return total, same, true_line, extra, missing, added, shown


def main():
    foreland, tree = sys.argv[1:3]
    if not os.path.isdir(tree):
        tree = os.path.join(output([tree]), "Documentation")
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    files = pages(tree)
    texts = {}
    if count:
        for k in range(count):
            name = rng.choice(files)
            with open(name, encoding="utf-8", errors="replace", newline="\n") as f:
                texts["%06d.rst" % k] = mutate(f.read(), rng)
    else:
        for k, name in enumerate(files):
            with open(name, encoding="utf-8", errors="replace", newline="\n") as f:
                texts["%06d.rst" % k] = f.read()
    keep = os.environ.get("KEEP")
    with tempfile.TemporaryDirectory() as top:
        top = keep or top
        os.makedirs(top, exist_ok=True)
        for name, text in texts.items():
            with open(os.path.join(top, name), "w", encoding="utf-8", newline="\n") as f:
                f.write(text)
        mine = ours(foreland, top)
        with Pool(2) as pool:
            theirs = dict(pool.imap_unordered(judge, texts.items(), chunksize=8))
    # What a text leaves behind in docutils (roles, names) can change its answer to a later one: where the two
    # disagree, a docutils that has read nothing before is asked once more.
    differ = [p for p in theirs if compare(texts, {p: theirs[p]}, mine)[6]]
    with Pool(2, maxtasksperchild=1) as pool:
        theirs.update(pool.imap_unordered(judge, [(p, texts[p]) for p in differ], chunksize=1))
    total, same, true_line, extra, missing, added, shown = compare(texts, theirs, mine)
    for line in shown[:int(os.environ.get("SHOW", "40"))]:
        print(line)
    crashes = sum(any(c.startswith("crash") for _, c in m) for m in theirs.values())
    other = collections.Counter(c for m in theirs.values() for _, c in m if c.startswith("other"))
    print("docutils' other messages:", dict(other.most_common(8)))
    print("missing by class:", dict(missing))
    print("added by class:", dict(added))
    print("docutils %d.%d, family %s: %d texts, %d on which docutils itself fails" %
          (*VERSION, FAMILY, len(texts), crashes))
    rate = 100.0 * same / total if total else 100.0
    print("docutils reports %d block-level problems; the same class at the same line: %.2f %%"
          " (at the true line: %.2f %%)" % (total, rate, 100.0 * true_line / total if total else 100.0))
    print("block-level messages on texts of which docutils reports none: %d" % extra)
    return 1 if rate < 98 or extra else 0


if __name__ == "__main__":
    sys.exit(main())
