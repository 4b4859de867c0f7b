"""Ctrl-C at a moment at which Python ignores exceptions."""

from __future__ import annotations

import subprocess
import sys

COMMAND = """
import os, signal, time
import click
from pipelines.commands.errors import Commands

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts `make test &` with it ignored

class Resource:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)

@click.command()
def work():
    Resource()
    time.sleep(30)

Commands(commands={"work": work}).main(["work"])
"""


def test_ctrl_c_in_a_destructor_stops_the_command():
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("curate: stopped; finished work is kept")
    assert "KeyboardInterrupt" not in done.stderr
