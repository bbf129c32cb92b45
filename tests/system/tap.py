# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP, as the tests in Python print it. Answers are lines "ok N - WHAT"; what is shown stands below one that is not
ok, and `done()` prints how many there were:

    from tap import expect, done
    expect("two and two", 2 + 2 == 4, "what was seen")
    sys.exit(done())
"""
import atexit
import re
import shutil
import tempfile

LONGEST = 3000  # of one thing that is shown

answers = []


def check(good, what, *shown):
    """The same as expect(), the answer first."""
    answers.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(answers)} - {what.replace('#', ' ')}", flush=True)
    for s in shown if not good else ():
        print("# " + str(s)[-LONGEST:].replace("\n", "\n# "), flush=True)
    return good


def expect(what, good, *shown):
    return check(good, what, *shown)


def sections(text):
    """What stands below each line "== NAME", but for the last."""
    return dict(re.findall(r"^== (\S+)\n(.*?)(?=^== )", text, re.M | re.S))


def folder(name="test"):
    """A new folder, which goes when the test ends, by an exception too."""
    path = tempfile.mkdtemp(prefix=f"foreland-{name}-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def skip(what, why):
    answers.append(True)
    print(f"ok {len(answers)} - {what} # SKIP {why}", flush=True)


class Skip(Exception):
    """Raised by a test of every(): it could not be run, and why."""


def every(tests):
    """Each function of @tests, which raises where it fails, is one answer."""
    for test in tests:
        try:
            test()
            check(True, test.__name__)
        except Skip as e:
            skip(test.__name__, e)
        except Exception as e:  # each test is reported, whatever became of it
            check(False, test.__name__, f"{type(e).__name__}: {e}")


def done():
    """The plan. Return: the exit status. A test that asked nothing has failed, whatever it looked like."""
    if not answers:
        check(False, "something was asked")
    print(f"1..{len(answers)}")
    return 0 if all(answers) else 1
