"""Runs the command-line readers."""

import subprocess


class CommandFailed(Exception):
    pass


def output(*command, limit=None):
    """What a command prints, at most `limit` bytes of it. Raises CommandFailed if it fails before that."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    text = process.stdout.read(-1 if limit is None else limit)
    cut = limit is not None and len(text) == limit
    process.stdout.close()
    errors = process.stderr.read().decode(errors="replace")
    process.stderr.close()
    status = process.wait()
    if status != 0 and not cut:
        raise CommandFailed(f"{' '.join(command)}: exit status {status}: {errors}")
    return text.decode(errors="replace")
