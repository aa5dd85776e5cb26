#!/usr/bin/python3
"""Runs a command on a terminal of its own and answers its question: on-terminal.py ANSWER COMMAND..."""
import os
import pty
import sys

child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
os.write(terminal, sys.argv[1].encode() + b"\n")
try:
    while True:
        data = os.read(terminal, 4096)
        if not data:
            break
        sys.stdout.buffer.write(data)
except OSError:
    pass  # the terminal of a process that has ended
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
