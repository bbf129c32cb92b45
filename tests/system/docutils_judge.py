# SPDX-License-Identifier: GPL-2.0-or-later
"""docutils as a judge: what it says of a text, with Sphinx's and the kernel's directives known.

Sphinx itself is not needed: its directives are registered with the arguments and options that its
documentation gives them, and parse their content as Sphinx does. Roles are taken and dropped.
"""
import io
import re
import warnings

warnings.simplefilter("ignore")

import docutils.core  # noqa: E402
import docutils.frontend  # noqa: E402
import docutils.utils  # noqa: E402
from docutils import nodes  # noqa: E402
from docutils.parsers import rst  # noqa: E402
from docutils.parsers.rst import Directive, directives, roles  # noqa: E402
from docutils.parsers.rst.directives import images, tables  # noqa: E402

ANY = directives.unchanged
VERSION = docutils.__version_info__[:2]


def spec(words):
    return {w: ANY for w in words.split()}


class Quiet(Directive):
    """Takes its content and looks no further."""
    has_content = True
    final_argument_whitespace = True

    def run(self):
        return [nodes.comment()]


class Body(Directive):
    has_content = True
    final_argument_whitespace = True

    def run(self):
        node = nodes.container()
        if self.content:
            self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


class Need(Body):
    def run(self):
        self.assert_has_content()
        return Body.run(self)


class Only(Body):
    def run(self):
        node = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, node, match_titles=True)
        return [node]


class Include(Quiet):
    """What is included is left out, but for the blank lines that docutils puts around it."""

    def run(self):
        machine = self.state_machine
        machine.is_next_line_blank = lambda: delattr(machine, "is_next_line_blank") or True
        return super().run()


class FlatTable(tables.Table):
    """The kernel's flat-table: a list of two levels, rows of any length."""
    option_spec = spec("name class header-rows stub-columns widths fill-cells")

    def fail(self, text):
        return [self.state_machine.reporter.error(
            'Error parsing content block for the "%s" directive: %s' % (self.name, text),
            nodes.literal_block(self.block_text, self.block_text), line=self.lineno)]

    def run(self):
        if not self.content:
            return [self.state_machine.reporter.error(
                'The "%s" directive is empty; content required.' % self.name, line=self.lineno)]
        node = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, node)
        if len(node) != 1 or not isinstance(node[0], nodes.bullet_list):
            return self.fail('exactly one bullet list expected.')
        for number, item in enumerate(node[0]):
            kinds = [c for c in item
                     if not isinstance(c, (nodes.comment, nodes.system_message, nodes.target))]
            if len(kinds) != 1 or not isinstance(kinds[0], nodes.bullet_list):
                return self.fail('two-level bullet list expected, but row %s does not contain a '
                                 'second-level bullet list.' % (number + 1))
        return [node[0]]


def make(base, required=0, optional=0, options="", content=True, blanks=True):
    return type("D", (base,), {
        "required_arguments": required, "optional_arguments": optional,
        "has_content": content, "final_argument_whitespace": blanks,
        "option_spec": spec(options) if options else None})


CODE = "force linenos dedent lineno-start emphasize-lines caption class name"
IMAGE = "alt height width scale align name target class"
FIGURE = IMAGE + " figwidth figclass"
INDEX = "noindex noindexentry nocontentsentry"
INCLUDE = ("literal code encoding parser tab-width start-line end-line start-after end-before "
           "number-lines class name")

SPHINX = {
    "code-block": make(Quiet, 0, 1, CODE, blanks=False),
    "sourcecode": make(Quiet, 0, 1, CODE, blanks=False),
    "code": make(Quiet, 0, 1, "class name number-lines", blanks=False),
    "highlight": make(Quiet, 1, 0, "force linenothreshold", content=False, blanks=False),
    "literalinclude": make(Quiet, 1, 0, "dedent linenos lineno-start lineno-match tab-width "
                           "language force encoding pyobject lines start-after end-before start-at "
                           "end-at prepend append emphasize-lines caption class name diff",
                           content=False),
    "toctree": make(Quiet, 0, 0, "maxdepth name class caption glob hidden includehidden numbered "
                    "titlesonly reversed"),
    "only": make(Only, 1), "ifconfig": make(Body, 1),
    "tabularcolumns": make(Quiet, 1, content=False),
    "index": make(Quiet, 1, 0, "name", content=False),
    "glossary": make(Quiet, 0, 0, "sorted"),
    "seealso": make(Need, 0, 0, "class name"),
    "versionadded": make(Body, 1, 1), "versionchanged": make(Body, 1, 1),
    "deprecated": make(Body, 1, 1), "hlist": make(Body, 0, 0, "columns"),
    "centered": make(Quiet, 1, content=False),
    "cssclass": make(Body, 1), "rst-class": make(Body, 1),
    "math": make(Quiet, 0, 1, "label name class nowrap"),
    "include": make(Include, 1, 0, INCLUDE, content=False),
    "kernel-include": make(Quiet, 1, 0, INCLUDE, content=False),
    "kernel-doc": make(Quiet, 1, 0, "doc export internal identifiers no-identifiers functions",
                       content=False),
    "kernel-abi": make(Quiet, 1, 2, "debug rst no-symbols no-files", content=False),
    "kernel-feat": make(Quiet, 1, 2, "debug", content=False),
    "kernel-figure": make(Body, 1, 0, FIGURE),
    "kernel-image": make(Quiet, 1, 0, IMAGE, content=False),
    "kernel-render": make(Quiet, 1, 0, FIGURE + " caption", blanks=False),
    "figure": make(Body, 1, 0, FIGURE), "image": make(Quiet, 1, 0, IMAGE, content=False),
    "maintainers-include": make(Quiet, 0, 0, content=False),
    "flat-table": type("F", (FlatTable,), {}),
    "c:namespace": make(Quiet, 1, content=False),
    "c:namespace-push": make(Quiet, 1, content=False),
    "c:namespace-pop": make(Quiet, 0, content=False),
    "c:function": make(Body, 1, 0, "name " + INDEX + " no-index single-line-parameter-list"),
    "c:macro": make(Body, 1, 0, "name " + INDEX), "c:type": make(Body, 1, 0, "name " + INDEX),
    "c:alias": make(Body, 1, 0, "maxdepth noroot"), "function": make(Body, 1, 0, INDEX),
}
for _name in "member var struct union enum enumerator".split():
    SPHINX["c:" + _name] = make(Body, 1, 0, INDEX)

ROLES = """any doc download envvar keyword numref option ref term token abbr command dfn eq file
guilabel kbd mailheader makevar manpage menuselection mimetype newsgroup program regexp samp func
macro member data type struct union enum expr texpr var enumerator cspan rspan c:func c:macro
c:member c:data c:var c:type c:struct c:union c:enum c:enumerator c:expr c:texpr math pep rfc
html latex""".split()


def setup():
    for name, cls in SPHINX.items():
        directives.register_directive(name, cls)

    def role(name, rawtext, text, lineno, inliner, options=None, content=None):
        return [nodes.literal(rawtext, text)], []
    for name in ROLES:
        roles.register_local_role(name, role)


# class of message -> pattern; those of blocks first
BLOCK = [
    ("unexpected-indentation", r"Unexpected indentation\."),
    ("block-quote-end", r"Block quote ends without"), ("bullet-list-end", r"Bullet list ends"),
    ("enumerated-list-end", r"Enumerated list ends"), ("field-list-end", r"Field list ends"),
    ("option-list-end", r"Option list ends"), ("definition-list-end", r"Definition list ends"),
    ("line-block-end", r"Line block ends"), ("explicit-markup-end", r"Explicit markup ends"),
    ("literal-block-end", r"Literal block ends"), ("literal-block-missing", r"Literal block expected"),
    ("literal-block-quoting", r"Inconsistent literal"), ("target-malformed", r"malformed hyperlink"),
    ("table-malformed", r"Malformed table"), ("table-blank-line", r"Blank line required after"),
    ("title-underline-short", r"Title underline too"), ("title-overline-short", r"Title overline too"),
    ("title-overline", r"Incomplete section title|Missing matching underline|Title overline &|"
     r"Invalid section title"),
    ("title-level", r"Title level inconsistent|Inconsistent title style"),
    ("title-unexpected", r"Unexpected section title"),
    ("transition", r"may not (begin|end) with a transition|(must|should) separate transitions|"
     r"Transition at the (start|end) of"),
    ("directive-unknown", r"Unknown directive"), ("directive-use", r"Error in \"[^\"]*\" directive"),
    ("directive-content", r"Error parsing content block|Content block expected|is empty; content|"
     r"Error with CSV data|header row\(s\) specified|Insufficient data supplied|stub column|"
     r"widths do not match|requires content; none"),
    ("substitution-definition", r"Substitution definition .* (missing|empty)"),
]
INLINE = [
    ("inline-end", r"start-string without end-string"), ("role-unknown", r"Unknown interpreted"),
    ("role-use", r"Multiple roles in|Mismatch: both"),
    ("target-unknown", r"Unknown target name|Anonymous hyperlink"),
    ("target-duplicate", r"Duplicate (explicit target|substitution definition)"),
    ("substitution-unknown", r"Undefined substitution"),
]
PATTERNS = [(c, re.compile(p)) for c, p in BLOCK + INLINE]
BLOCK_CLASSES = {c for c, _ in BLOCK}


def classify(text):
    for c, p in PATTERNS:
        if p.search(text):
            return c
    return "other: " + text[:60]


class Judge:
    def __init__(self):
        setup()
        self.settings = docutils.frontend.OptionParser(
            components=(rst.Parser,)).get_default_values()
        self.settings.report_level = 5
        self.settings.halt_level = 6
        self.settings.warning_stream = None
        self.settings.file_insertion_enabled = True

    def messages(self, text, transforms=True):
        """A sorted list of (line, class) of level warning and above."""
        found = []
        doc = docutils.utils.new_document("x", self.settings)
        doc.reporter.report_level = 5
        doc.reporter.stream = None

        def note(msg):
            if msg["level"] >= 2:
                found.append((msg.get("line") or 0, classify(msg.astext())))
        doc.reporter.attach_observer(note)
        rst.Parser().parse(text, doc)
        if transforms:
            from docutils.transforms import misc
            misc.Transitions(doc).apply()
        return sorted(found)
