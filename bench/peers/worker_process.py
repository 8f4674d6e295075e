# SPDX-License-Identifier: MIT
"""A worker of worker.py or rexnet_worker.cpp seen from the outside: stopped unless it is asked something."""

import json
import os
import select
import signal
import subprocess
import time


class WorkerError(Exception):
    pass


class Worker:
    """Starts the command pinned to `cores`; afterwards the process is stopped (SIGSTOP) between questions,
    because thread pools that keep spinning would take time from the next runtime."""

    def __init__(self, command, cores, log, threads, start_timeout=300):
        self.log = log
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), PYTHONDONTWRITEBYTECODE="1")
        with open(log, "w") as errors:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )
        try:
            self.expect("READY", self.read_line(start_timeout))
        except WorkerError:
            self.kill()
            raise
        self.process.send_signal(signal.SIGSTOP)

    def last_words(self):
        with open(self.log) as log:
            lines = [line.strip() for line in log if line.strip()]
        return lines[-1][:200] if lines else "no message"

    def read_line(self, timeout):
        """Unbuffered: select() must see what has not been read."""
        line, until = b"", time.monotonic() + timeout
        out = self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            if not select.select([out], [], [], max(0.0, until - time.monotonic()))[0]:
                raise WorkerError(f"no answer within {timeout} s")
            part = os.read(out, 1 << 16)
            if not part:
                code = self.process.wait()
                raise WorkerError(f"ended with {code}: {self.last_words()}")
            line += part
        return line.decode().strip()

    @staticmethod
    def expect(wanted, line):
        if line != wanted:
            raise WorkerError(f"expected {wanted}, got {line[:100]}")

    def ask(self, question, timeout=300):
        try:
            self.process.send_signal(signal.SIGCONT)
            os.write(self.process.stdin.fileno(), (question + "\n").encode())
            answer = self.read_line(timeout)
            self.process.send_signal(signal.SIGSTOP)
            return answer
        except (WorkerError, OSError) as e:
            self.kill()
            raise WorkerError(f"{question.split()[0]}: {e}") from e

    def run(self, passes):
        """Milliseconds of each pass."""
        return [1e3 * float(s) for s in self.ask(f"run {passes}").split()]

    def quit(self):
        """What the worker knows about itself at its end."""
        facts = json.loads(self.ask("quit"))
        self.kill()
        return facts

    def kill(self):
        self.process.kill()
        self.process.wait()
