#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs-conf.py FORELAND: what a tree's conf.py and its extensions say of directives, roles and pages.

The expected answers are Sphinx's: what its reference says of the classes and calls used here.
"""
import os
import re
import subprocess
import sys
import tempfile

from tap import check, done

FORELAND = os.path.abspath(sys.argv[1])

CONF = """extensions = ['mine', "sphinx.ext.todo"]%s
exclude_patterns = []
if condition:
    exclude_patterns += ['drafts', 'old/*.rst']
else:
    exclude_patterns.append("deep/**/x.rst")
primary_domain = 'c'
"""
MINE = '''"""add_directive("docstring", No)"""
from docutils.parsers.rst import Directive, directives


class Base(Directive):
    required_arguments = 1
    option_spec = {'one': directives.flag, "two": lambda x: {"three": 3}}


class Mine(Base):
    has_content = True


class Computed(Base):
    option_spec = Base.option_spec.copy()


class Dom(Domain):
    name = 'my'
    directives = {'thing': Thing}
    roles = {'ref': XRef()}


def setup(app):
    # app.add_directive("comment", No)
    app.add_directive('mine', Mine)
    app.add_directive('computed', Computed)
    app.add_domain(Dom)
    app.add_role("myrole", fn)
'''
# line of the page -> what is said of it; None: nothing
PAGE = [
    ("Page\n====\n", None),
    (".. mine:: a\n   :one:\n", None),
    (".. mine:: a\n   :three:\n", 'unknown option: "three"'),
    (".. mine::\n", "1 argument(s) required, 0 supplied"),
    (".. computed:: a\n   :any:\n", None),
    (".. my:thing:: x\n", None),
    (".. todo:: x\n", None),
    (".. graphviz::\n\n   x\n", 'Unknown directive type "graphviz"'),
    (".. docstring:: x\n", 'Unknown directive type "docstring"'),
    (".. comment:: x\n", 'Unknown directive type "comment"'),
    (".. ntoe:: x\n", 'Unknown directive type "ntoe"'),
    (".. collapse:: x\n", 'Unknown directive type "collapse"'),
    (".. function:: int a(void)\n", None),
    (".. class:: x\n", None),
    (".. method:: x\n", 'Unknown directive type "method"'),
    (".. py:method:: x\n", None),
    (".. versionremoved:: 1.0\n", None),
    (".. std:option:: x\n", None),
    (".. option:: --x\n", None),
    (".. sectionauthor:: x\n", None),
    (".. role:: own(code)\n   :language: c\n", None),
    (":my:ref:`x` :myrole:`y` :own:`x` :func:`x` :js:func:`x` :rst:dir:`x`\n", None),
    (":other:`z`\n", 'Unknown interpreted text role "other"'),
    (":emphsis:`z`\n", 'Unknown interpreted text role "emphsis"'),
]


def put(top, path, text):
    full = os.path.join(top, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w") as f:
        f.write(text)


def run(top, *args):
    p = subprocess.run([FORELAND, "docs", "check", *args], cwd=top, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True)
    return p.stdout


def tree(top, conf):
    put(top, "MAINTAINERS", "x\n")
    put(top, "Documentation/conf.py", conf)
    put(top, "Documentation/sphinx/mine.py", MINE)
    put(top, "Documentation/index.rst", "\n".join(text for text, said in PAGE))


def words():
    with tempfile.TemporaryDirectory() as top:
        tree(top, CONF % "")
        out = run(top)
        line = 1
        for text, said in PAGE:
            found = re.findall(r"^Documentation/index\.rst:%d:.*" % line, out, re.M)
            check(len(found) == (said is not None) and (not said or said in found[0]),
                  "%s: %s" % (text.split("\n")[0], said or "known"), out)
            line += text.count("\n") + 1
        tree(top, CONF % "\nextensions.append('from.elsewhere')")
        out = run(top, "--level", "style")
        check('error: Unknown directive type "ntoe"' in out, "a known word misspelt stays an error", out)
        check('style: Unknown directive type "collapse". [directive-foreign]' in out and
              'style: Unknown interpreted text role "other". [role-foreign]' in out,
              "but not what an extension may have that is not in the tree", out)
        tree(top, CONF % " + more")
        out = run(top, "--level", "style")
        check("Documentation/conf.py:1:1: style: what extensions is given here is computed" in out,
              "what is computed is told with its line", out)


def pages():
    with tempfile.TemporaryDirectory() as top:
        tree(top, CONF % "")
        put(top, "Documentation/index.rst", "Page\n====\n\ntext\n")
        excluded = ["drafts/a.rst", "drafts/b/c.rst", "old/d.rst", "deep/a/b/x.rst"]
        for page in excluded + ["old/e/f.rst", "deep/a/y.rst", "draft.rst"]:
            put(top, "Documentation/" + page, "Page\n====\n\ntext\n")
        orphans = re.findall(r"^Documentation/(.*?): .*\[toctree-orphan\]", run(top), re.M)
        check(orphans == ["deep/a/y.rst", "draft.rst", "old/e/f.rst"],
              "pages that conf.py excludes, in either branch, need no toctree", orphans)


def profiles():
    with tempfile.TemporaryDirectory() as top:
        put(top, "MAINTAINERS", "A SUBSYSTEM\nP:\tDocumentation/a.rst\nS:\tMaintained\n")
        put(top, "Documentation/conf.py", "extensions = ['maint']\n")
        put(top, "Documentation/sphinx/maint.py", "class M(Include):\n    required_arguments = 0\n\n\n"
            "def setup(app):\n    app.add_directive('maintainers-profile-toc', M)\n")
        put(top, "Documentation/index.rst", "Page\n====\n\n.. maintainers-profile-toc::\n")
        put(top, "Documentation/a.rst", "Page\n====\n\ntext\n")
        put(top, "Documentation/b.rst", "Page\n====\n\ntext\n")
        out = run(top)
        check(re.findall(r"^\S*", out)[0] == "Documentation/b.rst:" and out.count("[") == 1,
              "profiles of MAINTAINERS are in a toctree where a page asks for it", out)


def roots():
    """Other trees: their pages lie where conf.py does, and what only Linux has is silent there."""
    for doc in ("doc", "docs", "manual"):
        with tempfile.TemporaryDirectory() as top:
            put(top, doc + "/conf.py", "extensions = []\n")
            put(top, doc + "/index.rst", "T\n=\n\n.. toctree::\n\n   a\n   gone\n")
            put(top, doc + "/a.rst", "T\n=\n\nSee :doc:`/index`, :ref:`b`, :ref:`c` and Documentation/linux.txt.\n")
            put(top, doc + "/b.rst", ".. _b:\n\nTitle\n====\n\ntext\n")
            put(top, "MAINTAINERS", "X\nF:\tnowhere/at/all\n")
            out = run(top, *(("--doc-root", doc) if doc == "manual" else ()))
            found = re.findall(r"^(\S+?):.*\[(\S+)\]$", out, re.M)
            check(found == [(doc + "/a.rst", "label-undefined"), (doc + "/b.rst", "toctree-orphan"),
                            (doc + "/b.rst", "title-underline-short"), (doc + "/index.rst", "toctree-missing")],
                  "pages in %s: labels, toctrees, titles, and nothing of Linux" % doc, out)
            p = subprocess.run([FORELAND, "docs", "check", "--doc-root", "nowhere"], cwd=top, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
            check(p.returncode == 1 and "nowhere" in p.stderr, "a folder that is not there is told", p.stderr)


def around():
    """What conf.py puts around every page has names, too; where they cannot be read, any may be among them."""
    page = "T\n=\n\n|one| |TWO| |three| here_ `far away`_ gone_\n"
    given = "rst_prolog = \"\"\"\n.. |one| replace:: 1\n.. |Two| image:: x.svg\n\"\"\"\n"
    given += "rst_epilog = '.. _here: x\\n' + '.. _`far away`: y'\n"
    for more, said in (("", ["gone", "three"]), ("rst_epilog += open('x').read()\n", []),
                       ("rst_epilog += '.. |three| replace:: %s' % v\n", [])):
        with tempfile.TemporaryDirectory() as top:
            tree(top, CONF % "" + given + more)
            put(top, "Documentation/index.rst", page)
            out = run(top, "--only", "label")
            got = sorted(re.findall(r'(?:name|referenced): "(\w+)"', out))
            check(got == said, "rst_prolog and rst_epilog: %s" % (said or "computed"), out)


def included():
    """Zephyr's rst_epilog includes a page of substitutions, and extlinks has roles; of the first page Sphinx 9.2
    says what stands here. What the others get cannot be known."""
    page = ":orphan:\n\nT\n=\n\n|reg| |deep| |gone| :issue:`3` :odd:`4` :isue:`5`\n"
    for epilog, said in (("/subst.txt", ["gone"]), ("/none.txt", []), ("<isonum.txt>", [])):
        with tempfile.TemporaryDirectory() as top:
            put(top, "doc/conf.py", "extensions = ['sphinx.ext.extlinks']\nextlinks = {'issue': ('x%%s', 'y%%s')}\n"
                "rst_prolog = \"\"\"\n.. role:: odd(literal)\n\"\"\"\nrst_epilog = \"\"\"\n.. include:: %s\n\"\"\"\n" % epilog)
            put(top, "doc/subst.txt", ".. |Reg| unicode:: 0xAE\n\n.. include:: /more.txt\n")
            put(top, "doc/more.txt", ".. |deep| replace:: x\n")
            put(top, "doc/index.rst", page)
            out = run(top, "--level", "style")
            got = re.findall(r'referenced: "(\w+)"', out)
            check(got == said, "a page that rst_epilog includes: %s" % epilog, out)
            check(re.findall(r'text role "(\w+)"', out) == ["isue"], "roles of extlinks and rst_prolog", out)
            check(out.count("conf-computed") == (not said) and ("doc/conf.py:6:" in out) == (not said),
                  "what cannot be known is told once, with its line", out)


def made():
    """What a .gitignore among the pages names is made by the build (barebox: magicvars.rst, commands/)."""
    with tempfile.TemporaryDirectory() as top:
        put(top, "docs/conf.py", "extensions = []\n")
        put(top, "docs/index.rst", "T\n=\n\n.. toctree::\n   :glob:\n\n   commands/info/*\n   sub/a\n   gone\n   sub/kept\n\n"
            ".. include:: magic.rst\n\n.. include:: sub/magic.rst\n\n.. image:: sub/x.svg\n\n.. image:: x.svg\n\n:doc:`sub/only`\n")
        put(top, "docs/sub/page.rst", ":orphan:\n\nT\n=\n\ntext\n")
        put(top, "docs/.gitignore", "# made\ncommands\n/magic.rst\n")
        put(top, "docs/sub/.gitignore", "*.svg\n*.rst\n!kept.rst\n!magic.rst\n")
        out = run(top)
        check(re.findall(r"'(\S+?)'|readable: (\S+)", out) == [("gone", ""), ("sub/kept", ""), ("docs/sub/magic.rst", ""), ("", "x.svg")],
              "and nothing else is", out)


def bytes_of_others():
    """Sources of a tree that is not Linux may be in any encoding; its pages may not."""
    with tempfile.TemporaryDirectory() as top:
        put(top, "docs/conf.py", "extensions = []\n")
        for name in "docs/index.rst", "src/a.c", "src/README.rst":
            put(top, name, "x\n")
            with open(os.path.join(top, name), "ab") as f:
                f.write(b"/* caf\xe9 */\n")
        out = run(top, "--only", "encoding")
        check(re.findall(r"^(\S+?):", out, re.M) == ["docs/index.rst", "src/README.rst"], "encodings in other trees", out)


for part in words, pages, profiles, roots, around, included, made, bytes_of_others:
    part()
sys.exit(done())
