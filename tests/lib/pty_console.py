#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A person at a terminal: runs PROGRAM on a pseudo-terminal and follows STEPs, each a word and its argument:

    expect TEXT   waits until TEXT was printed since the last match
    send TEXT     types it (\\r, \\x1d and the like as in Python)
    kill SIGNAL   sends the program a signal, by number
    end CODE      waits for the program's end: its exit code, or 128+n for a signal
    raw YES|NO    whether the terminal is raw, now or soon

usage: pty_console.py PROGRAM [ARG ...] -- STEP ARG [STEP ARG ...]
"""
import os
import pty
import select
import subprocess
import sys
import termios
import time

LIMIT_S = 120


def fail(why, seen):
    sys.exit("pty: %s; printed so far: %r" % (why, seen[-2000:]))


def is_raw(fd):
    return not termios.tcgetattr(fd)[3] & termios.ICANON


def main():
    cut = sys.argv.index("--")
    steps = sys.argv[cut + 1:]
    master, slave = pty.openpty()
    child = subprocess.Popen(sys.argv[1:cut], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    seen = b""
    for word, arg in zip(steps[::2], steps[1::2]):
        limit = time.monotonic() + LIMIT_S
        if word == "send":
            os.write(master, arg.encode().decode("unicode_escape").encode("latin-1"))
            continue
        if word == "kill":
            child.send_signal(int(arg))
            continue
        while True:
            if word == "expect" and arg.encode() in seen:
                seen = seen.split(arg.encode(), 1)[1]
                break
            if word == "raw" and is_raw(slave) == (arg == "yes"):
                break
            if word == "end" and child.poll() is not None:
                code = child.returncode if child.returncode >= 0 else 128 - child.returncode
                if code != int(arg):
                    fail("ended with %d, not %s" % (code, arg), seen)
                break
            if time.monotonic() > limit:
                fail("waited in vain for: %s %s" % (word, arg), seen)
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 65536)
    if child.poll() is None:
        child.kill()
        fail("the program still runs", seen)


main()
