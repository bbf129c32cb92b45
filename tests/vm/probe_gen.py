# SPDX-License-Identifier: GPL-2.0-or-later
"""Probe definitions from the grammar, right and wrong, from a seed. Names come from a kernel's own
BTF, functions and events, so that most definitions get past the first checks."""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/../system')
import rawbtf # noqa: E402 (beside the other tests)

KNOWN = ['vfs_read', 'vfs_write', 'kfree', 'do_sys_openat2', 'wake_up_new_task', 'do_exit', 'dput',
         'tcp_connect', 'kernel_clone', 'sock_alloc', 'vfs_open', 'do_filp_open', 'getname_flags']
TRACEPOINTS = ['kfree', 'sched_switch', 'sched_wakeup', 'hrtimer_expire_entry', 'sys_enter',
               'module_load', 'no_such_tracepoint']
EVENTS = ['sched/sched_switch', 'sched.sched_wakeup', 'syscalls/sys_enter_openat', 'kmem/kfree',
          'timer/hrtimer_expire_entry', 'sched/nosuch', 'nosuch/sched_switch', 'sched_switch',
          'ftrace/function', '/x', 'sched/', 'sch ed', 'sched/sched_switch.x']
TYPES = ['u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64', 'x8', 'x16', 'x32', 'x64', 'char',
         'symbol', 'symstr', 'string', 'ustring']
BAD_TYPES = ['', 'int', 'u7', 'x128', 'String', 'b', 'b1', 'b1@', 'b1@2', 'b1@2/', 'b1@2/7', 'b/8',
             'b0@0/8', 'b9@0/8', 'b4@6/8', 'b4@2/8', 'b8@0/16', 'b0x10@0/32', 'b64@0/64', 'b1@63/64',
             'bx@0/8', 'b18446744073709551615@2/8', 'b1@0/0x40', 'b1@0/ 8', '%pd', '%pD', '%px',
             'u8:u8', 'strings']
NUMBERS = ['0', '1', '8', '0x10', '010', '-1', '+4', '-8', '2147483648', '-2147483649',
           '9223372036854775807', '9223372036854775808', '18446744073709551615',
           '18446744073709551616', '0xffffffffffffffff', '0x', '08', '1x', '', '--1', '+-8', '-+8',
           '00000000000000000000000000008']
ARRAYS = ['[1]', '[4]', '[64]', '[65]', '[0]', '[]', '[-1]', '[0x10]', '[4', '[4]x', '[4][2]',
          '[010]', '[4294967296]', '[+3]']
REGS = ['ax', 'bx', 'di', 'si', 'ip', 'sp', 'flags', 'orig_ax', 'cs', 'ss', 'r8', 'r15', 'rax', 'eax',
        'bogus', '', 'AX']
SYMBOLS = ['jiffies', 'init_task', 'runqueues', 'vfs_read', 'nosuchsym', '', 'linux_banner',
           '_sdata', 'init_task+8', 'init_task-8', 'init_task+', 'jiffies+x', 'nosuchsym+8', '-8']
NAMES = ['v', 'w', 'arg1', 'arg2', 'x1', '_', '__probe_ip', '__probe_func', 'common_pid', 'common_foo',
         '1x', 'a.b', 'a-b', '', 'a' * 32, 'a' * 33, 'é', 'common_type']
GROUPS = ['g', 'kprobes', 'my-group', 'syscalls', '1g', 'g.x', '', 'g' * 63, 'g' * 64, 'a b', 'sched']
EVENTNAMES = ['e', 'ev1', '1e', 'e.x', '', 'e' * 63, 'e' * 64, 'e-x', 'sched_switch', 'e/f']


STRUCTS = ['task_struct', 'file', 'dentry', 'inode', 'sk_buff', 'list_head', 'mm_struct', 'sock', 'cred', 'pid',
           'net_device', 'super_block', 'hlist_node', 'signal_struct', 'vm_area_struct', 'qstr', 'page', 'rq']


class Facts:
    """What a kernel's exported folder says: functions that can be traced and their parameters."""

    def __init__(self, folder):
        with open(folder + '/btf/vmlinux' if os.path.isdir(folder + '/btf') else
                  folder + '/vmlinux.btf', 'rb') as f:
            self.btf = rawbtf.Btf(f.read())
        with open(folder + '/available_filter_functions') as f:
            # not those of modules, which may not be there the next time
            self.functions = [line.strip() for line in f if '[' not in line]

    def structs(self):
        """Names of the structs that have members."""
        return [t.name for t in self.btf.types[1:] if t.kind == rawbtf.STRUCT and t.name and t.vlen > 1]

    def params(self, function):
        i = self.btf.find(rawbtf.FUNC, function)
        if not i:
            return []
        proto = self.btf.types[self.btf.types[i].ref]
        pairs = [int.from_bytes(proto.data[k:k + 4], 'little') for k in
                 range(0, len(proto.data), 4)]
        return [(self.btf.string(n), t) for n, t in zip(pairs[::2], pairs[1::2]) if n]

    def members(self, i):
        """(name, type) of a struct's members, those of anonymous ones among them."""
        out = []
        t = self.btf.types[i]
        for m in range(t.vlen):
            name, ref = (int.from_bytes(t.data[m * 12 + k:m * 12 + k + 4], 'little') for k in
                         (0, 4))
            ref = self.btf.strip(ref)
            if name:
                out.append((self.btf.string(name), ref))
            elif self.is_struct(ref):
                out += self.members(ref)
        return out

    def is_struct(self, i):
        return bool(i) and self.btf.types[i].kind in (rawbtf.STRUCT, rawbtf.UNION)


class Generator:
    def __init__(self, facts, seed, slow_share=0.1):
        self.facts, self.r, self.slow = facts, random.Random(seed), slow_share
        self.functions = KNOWN + self.r.sample(facts.functions, 60)
        self.structs = STRUCTS * 4 + self.r.sample(facts.structs(), 60)
        self.params, self.kind = [], None

    def pick(self, *choices):
        return self.r.choice(choices)

    def maybe(self, share):
        return self.r.random() < share

    # ---- arguments ----

    def fields(self, i):
        """A path of fields from a value of type @i, mostly one that exists."""
        out, arrow = '', True
        for _ in range(self.r.randint(1, 4)):
            i = self.facts.btf.strip(i) if i else 0
            t = self.facts.btf.types[i] if i else None
            if arrow and t and t.kind == rawbtf.PTR:
                i = self.facts.btf.strip(t.ref)
            members = self.facts.members(i) if self.facts.is_struct(i) else []
            if members and not self.maybe(0.05):
                name, i = self.r.choice(members)
            else:
                name, i = self.pick('nosuch', 'x', '', 'next'), 0
            out += ('->' if arrow else '.') + name
            inside = i and self.facts.is_struct(self.facts.btf.strip(i))
            arrow = not inside if not self.maybe(0.05) else bool(inside)
            if self.maybe(0.45):
                break
        return out if not self.maybe(0.03) else out.replace('>', '', 1)

    def parameter(self):
        if self.params and not self.maybe(0.1):
            name, i = self.r.choice(self.params)
            return name + (self.fields(i) if self.maybe(0.5) else '')
        return self.pick('nosuch', 'file', '_x', 'file.x', 'file-x', 'this_cpu_ptr(file)')

    def variable(self):
        return '$' + self.pick('stack', 'stack0', 'stack1', 'stack2048', 'stack2049', 'stackx',
                               'stack-1', 'retval', 'retval', 'retvalx', 'comm', 'comm', 'COMM',
                               'commx', 'arg1', 'arg2', 'arg0', 'arg99', 'arg2048', 'arg2049', 'arg',
                               'argx', 'arg1x', 'arg*', 'current', 'prev_pid', 'prev_comm', 'nosuch',
                               'filename', 'dfd', '', 'retval->x')

    def expression(self, depth=0):
        kind = self.r.random()
        if kind < 0.25 and depth < 14:
            sign = self.pick('+', '-', '+u', '-u')
            number = self.pick('0', '8', '16', '0x20') if self.maybe(0.85) else \
                self.r.choice(NUMBERS)
            inner = self.expression(depth + 1)
            close = ')' if not self.maybe(0.03) else self.pick('', '))', ')x', ']')
            return sign + number + ('(' if not self.maybe(0.03) else '') + inner + close
        if kind < 0.55:
            return self.parameter()
        if kind < 0.75:
            return self.variable()
        if kind < 0.82:
            return '%' + self.r.choice(REGS)
        if kind < 0.90:
            return '@' + (self.r.choice(SYMBOLS) if self.maybe(0.6) else self.r.choice(NUMBERS))
        if kind < 0.97:
            return '\\' + (self.r.choice(NUMBERS) if self.maybe(0.6) else
                           self.pick('"abc"', '"', '""', '"a', 'x', '"a"b'))
        return self.pick('', '(', '&x', '(file)x->y', '1', '=', '~', 'é', ')', '(task_struct)')

    def deep(self):
        n = self.r.randint(9, 15)
        return '+0(' * n + self.pick('%ax', '$stack0', '@0', self.parameter()) + ')' * n

    def type(self):
        if self.maybe(0.45):
            return ''
        text = ':' + (self.r.choice(TYPES) if self.maybe(0.8) else self.r.choice(BAD_TYPES))
        if self.maybe(0.25):
            text += self.r.choice(ARRAYS[:3]) if self.maybe(0.6) else self.r.choice(ARRAYS)
        return text

    def argument(self):
        if self.maybe(0.06):
            return self.pick('$arg*', '$arg1', '$arg2', '$arg3:u8', '$arg1:%pd', '$arg9', '$arg0',
                             '$arg1x', '$arg', '$arg*:u8', 'x=$arg*')
        name = '' if self.maybe(0.35) else self.r.choice(NAMES[:5] if self.maybe(0.8) else NAMES) + '='
        expr = self.deep() if self.maybe(0.03) else self.expression()
        return name + expr + self.type()

    # ---- the rest ----

    def names(self):
        if self.maybe(0.5):
            return ''
        group = self.r.choice(GROUPS[:3] if self.maybe(0.8) else GROUPS)
        event = self.r.choice(EVENTNAMES[:2] if self.maybe(0.8) else EVENTNAMES)
        return ':' + self.pick(event, group + '/' + event, group + '.' + event, group + '/')

    def function(self):
        name = self.r.choice(self.functions)
        self.params = self.facts.params(name)
        return name if not self.maybe(0.04) else self.pick('nosuchfunc', 'nosuchmod:func', ':x',
                                                           'vmlinux:vfs_read', 'jiffies', 'vfs_*',
                                                           '!vfs_read', '!nosuch*', 'vfs_rea?', 'vfs_[x]')

    def kprobe(self):
        head = self.pick('p', 'p', 'r') + ('' if self.maybe(0.9) else self.pick(
            '1', '4096', '4097', '0', '0x10', 'x', '1x', '99999999999', '+1'))
        function = self.function()
        place = function + ('' if self.maybe(0.7) else self.pick(
            '+0', '+8', '+0x10', '-4', '+', '+x', '+4294967296', '%return', '+0%return',
            '+8%return', '%retur', '%'))
        if function in KNOWN and self.maybe(0.1): # these begin with ENDBR
            place = function + self.pick('+4', '+4%return')
        if self.maybe(0.03):
            place = self.pick('0', '0x0', '12x', '0xffffffff81000000', '-1', '+5')
        return [head + self.names(), place]

    def fprobe(self):
        head = 'f' + ('' if self.maybe(0.93) else self.pick('1', '10', 'x', '4097', '0', '1x'))
        return [head + self.names(),
                self.function() + ('' if self.maybe(0.7) else self.pick('%return', '%return',
                                                                        '%x', '+0', '%return%'))]

    def tprobe(self):
        name = self.r.choice(TRACEPOINTS)
        self.params = self.facts.params('__probestub_' + name)[1:]
        return ['t' + ('' if self.maybe(0.95) else self.pick('1', 'x')) + self.names(),
                name + ('' if self.maybe(0.95) else self.pick('%return', '-x', '+0', '.x'))]

    def eprobe(self):
        self.params = []
        return ['e' + self.names(), self.r.choice(EVENTS[:5] if self.maybe(0.85) else EVENTS)]

    def uprobe(self):
        self.params = []
        path = self.pick('/bin/busybox', '/bin/busybox', '/bin/sh', '/nosuch', '/bin', 'bin/busybox')
        offset = self.pick('0x1000', '4096', '0', '010') if self.maybe(0.85) else \
            self.r.choice(NUMBERS)
        tail = '' if self.maybe(0.75) else self.pick('%return', '(8)', '(0x10)%return', '%return(8)',
                                                    '(', '(8', '(8)x', '(x)', '%x', '()', '(0)')
        return [self.pick('p', 'r') + self.names(), path + ':' + offset + tail]

    def synth_field(self):
        """TYPE NAME, of which one in six is wrong"""
        if self.maybe(0.16):
            return self.pick('u64', 'unsigned', 'unsigned a', 'unsigned u8 a', 'chr a', 'char 1a', 'char a-b', 'u64 a b',
                             'char a[257]', 'char a[1000]', 'char a[', 'char a]', 'char a[x]', 'char a[1]b', 'char a[-1]',
                             'u64 a[4]', 'char[] a', 'char a[][]', 'int *a', 'void *p', 'u128 a', 'char [] a', 'char a/b',
                             'a', '1', 'long[', 'char a[ 4 ]', 'int\u00a0b', 'é é', '', ' ', 'u8 a u8', 'unsigned char',
                             'u64 a,u64 b', 'u64 a # u64 b', 'charx[4] a', 'struct task_struct *t')
        kind = self.pick('u64', 'u64', 's64', 'u32', 's32', 'u16', 's16', 'u8', 's8', 'char', 'unsigned char', 'int',
                         'unsigned int', 'long', 'unsigned long', 'bool', 'pid_t', 'gfp_t', 'unsigned\tlong')
        name = self.pick('lat', 'pid', 'a', 'b', 'comm', '_x', 'é', 'u64', 'x1', 'l' * 70)
        if self.maybe(0.3):
            return self.pick('char ' + name + self.pick('[]', '[16]', '[0]', '[256]', '[0x10]', '[010]', '[+5]', '[1]'),
                             self.pick('long[] ', 'unsigned long[] ', 'long[4] ') + name, 'xchar ' + name + '[8]',
                             'unsigned long ' + name + '[]', 'char[16] ' + name)
        return kind + self.pick(' ', ' ', '  ', '\t') + name

    def synth(self):
        """s:[synthetic/]NAME FIELD..."""
        names = ['', 'synthetic/', 'synthetic/'] * 3 + ['junk/', 'synthetic', 'synth/', '/', 'synthetic//', '!']
        name = self.pick(*names) + self.pick(*(['ev', 'lat', 'x1', '_'] * 4 + ['', '1x', 'a-b', 'a;b', 'é', 'e' * 70, 'a.b']))
        sep = self.pick('; ', '; ', ';', ' ; ', ' ', ';; ')
        count = self.pick(1, 1, 2, 2, 3, 4, 8, 0) if self.maybe(0.97) else self.pick(63, 64, 65)
        fields = sep.join(self.synth_field() for _ in range(count))
        text = self.pick('s:', 's:', 's:', 's:', ' s:', 's :', 's') + name + self.pick(' ', ' ', ' ', '\t', '  ', '; ') + fields
        return text + self.pick('', '', ';', ' ', ' ;', ' # comment')

    def synth_lines(self, n):
        while n:
            text = self.synth()
            if self.maybe(0.1):
                text = self.mutated(text)
            text = text.replace('\n', ' ').replace('\0', '')
            if text.strip() and text[0] in 's ' and len(text) < 4000:
                yield text
                n -= 1

    def synth_sequence(self):
        """Synthetic events, probes on them, and removals of both."""
        fields = self.pick('u64 lat', 'u64 lat; char comm[16]', 'u64 lat; char name[]; long[] st', 'pid_t pid; s8 b; gfp_t g')
        return [self.pick(f's:lat {fields}', f's:synthetic/lat {fields}', 's:b u8 a', f's:lat {fields}',
                          'e:x synthetic/lat ' + self.pick('', 'v=$lat', 'v=$pid', 'v=$b', 'v=$g:x32'),
                          'e:y synthetic.lat ' + self.pick('', 'n=$comm', 'n=$comm:string', 'n=$name', 'n=$name:string',
                                                           's=$st', 'n=+0($lat):ustring', 'v=$lat if lat > 1000',
                                                           'v=$lat if comm == "a"', 'v=$lat if name ~ "a*"', 'v=$nosuch'),
                          '-:lat', '-:synthetic/lat', '-:synthetic/', '-:synthetic/nosuch', '!s:lat ' + fields,
                          '!s:lat nothing at all', '!s:synthetic/b u8 a', '-:x', '-:eprobes/y', '-:junk/lat', '-:b',
                          'p:synthetic/lat vfs_read', '-:synthetic/lat vfs_read')
                for _ in range(self.r.randint(2, 8))]

    def filter(self):
        return ['if'] + self.pick([], ['prev_pid', '==', '1'], ['prev_pid', '=='], ['nosuch', '>', '1'],
                                  ['prev_comm', '~', '"a*"'], ['dfd', '>', '1', '&&', 'flags'],
                                  ['(prev_pid', '>', '1'], ['common_pid', '!=', '0'],
                                  ['comm', '==', '"x'], ['cpu', '&', '1'], ['prev_pid==1'],
                                  ['prev_pid', '&', 'CPUS{0-1}'], ['cpu', '==', 'CPUS{1}'],
                                  ['cpu', '!=', 'CPUS{0,1'], ['prev_comm', '&', 'CPUS{1}'],
                                  ['dfd', '<', 'CPUS{1}'], ['dfd', '&', 'CPUS{}'], ['cpu', '&', 'CPUS1'],
                                  ['filename.function', '==', self.pick('vfs_read', '0x12', 'nosuch')])

    def mutated(self, text):
        for _ in range(self.r.randint(1, 2)):
            i = self.r.randrange(len(text) + 1)
            what = self.r.random()
            if what < 0.4:
                text = text[:i] + text[i + 1:]
            elif what < 0.7:
                text = text[:i] + self.r.choice('()[]+-:=$%@\\".,/*# \t0x9az_&é') + text[i:]
            else:
                j = self.r.randrange(len(text) + 1)
                text = text[:i] + text[min(i, j):max(i, j)][:8] + text[i:]
        return text

    def definition(self):
        share = self.r.random()
        make = (self.kprobe if share < 0.55 else self.uprobe if share < 0.67 else
                self.eprobe if share < 0.82 else self.fprobe if share < 0.92 else self.tprobe)
        words = make()
        words += [self.argument() for _ in range(self.pick(0, 1, 1, 1, 1, 2, 2, 3))]
        if make == self.eprobe and self.maybe(0.3):
            words += self.filter()
        if make in (self.fprobe, self.tprobe) and not self.maybe(self.slow):
            words.append(self.pick('v=&x', 'v=', 'v=%bogus', 'v=@+1', 'v=+0($comm)'))
        text = (' ' if not self.maybe(0.03) else self.pick('  ', '\t', ' \t ')).join(words)
        if self.maybe(0.02):
            text = self.pick(' ', '#', '\t') + text + self.pick('', ' # x', '#')
        return self.mutated(text) if self.maybe(0.25) else text

    # ---- the typed series ----

    def typed_base(self):
        """What has no inside: each kind of probe has its own, and now and then another one's."""
        own = {self.kprobe: ['%di', '%si', '%ax', '$stack0', '$stack2', '$arg1', '$retval', '$current'],
               self.fprobe: ['$arg1', '$arg2', '$stack0', '$current', '$retval', '%di'],
               self.tprobe: ['$arg1', '$arg2', '$current', '$stack0'],
               self.eprobe: ['$prev_pid', 'prev_pid', '$next_comm', 'next_comm', '$ptr', 'ptr', 'call_site',
                             '$nosuch', 'nosuch', '$current', '%di'],
               self.uprobe: ['%di', '$stack0', '$stack', '$current', '$arg1']}[self.kind]
        kind = self.r.random()
        if kind < 0.35:
            return self.r.choice(own)
        if kind < 0.65 and self.params:
            return self.r.choice(self.params)[0]
        if kind < 0.80:
            return self.pick('@init_task', '@jiffies', '@runqueues', '@nosuchsym', '@linux_banner',
                             '@0xffffffff81000000', '@init_task+8', '@init_task-8', '(@init_task+8)', '@+8')
        if kind < 0.90:
            return self.pick('\\1', '\\0x10', '\\"abc"', '$comm', '$stack', '\\-1')
        return self.r.choice(own + ['nosuch', ''])

    def members_of(self, name):
        i = self.facts.btf.find(rawbtf.STRUCT, name)
        return self.facts.members(i) if i else []

    def field_option(self, struct):
        """FIELD {. FIELD}, some of them bit-fields, some not there."""
        out, i = [], self.facts.btf.find(rawbtf.STRUCT, struct)
        for _ in range(self.r.randint(1, 3)):
            members = self.facts.members(i) if self.facts.is_struct(i) else []
            if not members:
                break
            name, i = self.r.choice(members)
            out.append(name)
        text = '.'.join(out)
        if self.maybe(0.12):
            text += self.pick('.nosuch', '->next', '.', '.x.y', '[0]', ',x')
        return text if not self.maybe(0.05) else self.pick('nosuch', '', 'next')

    def cast(self, depth):
        struct = self.r.choice(self.structs) if self.maybe(0.93) else self.pick(
            'nosuch', '', 'int', 'struct file', 'size_t', 'sockaddr', 'file_operations')
        option = ',' + self.field_option(struct) if self.maybe(0.3) else ''
        inner = self.typed(depth + 1)
        if self.maybe(0.55):
            inner = '(' + inner + ')'
        i = self.facts.btf.find(rawbtf.STRUCT, struct)
        members = self.members_of(struct)
        if members and self.maybe(0.93):
            name, at = self.r.choice(members)
            path = '->' + name
            if self.facts.is_struct(at) and self.maybe(0.6):
                path += '.' + self.pick(*[m[0] for m in self.facts.members(at)] or ['x'])
            elif self.maybe(0.3):
                path += self.fields(at)
        else:
            path = self.fields(i) if i and self.maybe(0.5) else self.pick('->nosuch', '', '->', '.x', '-x')
        return '(' + struct + option + ')' + inner + path

    def typed(self, depth=0):
        kind, limit = self.r.random(), 10 if self.deep_one else 4
        if depth >= limit or kind < (0.15 if self.deep_one else 0.3):
            return self.typed_base()
        if kind < 0.65:
            return self.cast(depth)
        if kind < 0.80:
            close = ')' if self.maybe(0.95) else self.pick('', '))', ')x', '->next')
            return self.pick('this_cpu_read(', 'this_cpu_ptr(') + self.typed(depth + 1) + close
        if kind < 0.93:
            return self.pick('+', '-', '+u') + self.pick('0', '8', '0x10') + '(' + self.typed(depth + 1) + ')'
        return self.pick('$current', self.typed_base()) + self.pick(
            '->pid', '->comm', '->cred->uid.val', '->group_leader->comm', '->nosuch', '->se.vruntime', '.pid', '->')

    def typed_argument(self):
        self.deep_one = self.maybe(0.15)
        text = (self.pick('v', 'w', 'x1') + '=' if self.maybe(0.8) else '') + self.typed()
        if self.maybe(0.5):
            text += ':' + self.pick('u8', 'x32', 'u64', 's32', 'string', 'string', 'ustring', 'symbol', 'symstr',
                                    'char', 'b4@2/8', 'x64', 'int')
            if self.maybe(0.3):
                text += self.pick('[4]', '[2]', '[64]', '[65]')
        return text

    def typed_definition(self):
        self.kind = self.pick(self.kprobe, self.fprobe, self.fprobe, self.tprobe, self.eprobe, self.uprobe)
        words = self.kind()
        words += [self.typed_argument() for _ in range(self.pick(1, 1, 1, 2, 3))]
        text = ' '.join(words)
        return self.mutated(text) if self.maybe(0.12) else text

    def typed_lines(self, n):
        while n:
            text = self.typed_definition().replace('\n', ' ')
            if text and not text.startswith(('s:', '-', '!', '+')) and '*' not in text:
                yield text
                n -= 1

    def lines(self, n):
        while n:
            text = self.definition().replace('\n', ' ')
            # "s:" has lines of its own (synth_lines); a glob that matches much is slow.
            if text and not text.startswith(('s:', '-', '!', '+')) and '*_' not in text:
                yield text
                n -= 1

    def sequence(self, typed=False):
        """Lines on one list: few names, so that they meet, and removals of every form."""
        return [next(self.typed_lines(1)) if typed and self.maybe(0.2) else self.sequence_line()
                for _ in range(self.r.randint(2, 8))]

    def sequence_line(self):
        names = self.pick('g', 'h', 'kprobes') + '/' + self.pick('a', 'b')
        place = self.pick('vfs_read', 'vfs_read', 'vfs_write', 'vfs_read+0')
        args = self.pick('', ' v=\\1', ' v=\\1', ' v=\\1:u8', ' w=\\1', ' v=\\2', ' v=\\1 w=\\2',
                         ' v=$stack0 w=\\1', ' v=\\1:u8[2]')
        if self.maybe(0.3):
            return self.pick('-:', '!p:', '-:', '-') + self.pick(
                names, names.split('/')[0] + '/', names.split('/')[1], '', names + ' ' + place,
                names + ' ' + place + args, 'nosuch', names + ' kmem/kfree', names + ' kmem.kfree v=1',
                names + ' /bin/busybox:0x0000000000001000')
        return self.pick(f'p:{names} {place}{args}', f'p:{names} {place}{args}',
                         f'r:{names} {place}{args}', f'e:{names} kmem/kfree{args}',
                         f'p:{names} /bin/busybox:0x1000{args}',
                         f'r:{names} /bin/busybox:0x1000(8){args}',
                         f'f:{names} vfs_read{args}' if self.maybe(0.4) else f't:{names} kfree{args}',
                         f'p:sched/sched_switch {place}', f'e:{names} sched/sched_switch',
                         f'e:{self.pick("g", "h")}/{self.pick("b", "c")} {self.pick("g", "h")}/'
                         f'{self.pick("a", "b")}{self.pick("", " v=$v", " c=$count if v > 1")}')
