#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an object file of the static path (examples/static_classifier) asks of its program: which functions, and
how much stack.

    python3 tests/static_path.py OBJECT --nm NM --entry load_model --entry classify --frame BYTES --stack BYTES

The object must need nothing but NEEDED below: no heap, no exceptions, no input or output. Beside it lies the call
graph with frame sizes that g++ writes with -fcallgraph-info=su. The stack's bound is the dearest path from an entry
through the graph. A call through a pointer may reach every function that is not called directly, except the entries,
those that lead to the caller again (nothing here is recursive), a second lambda of the same function, and a second body
of a phase (no phase runs phases). A function of the C library is counted with LIBRARY bytes.
"""
import argparse
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

NEEDED = re.compile(r"mem(cpy|move|set|cmp|chr)|expf|__aeabi_\w+|__aarch64_\w+|sched_yield|_GLOBAL_OFFSET_TABLE_")
LIBRARY = 256
INDIRECT = "__indirect_call"


def missing_symbols(nm, path):
    """What the object expects from elsewhere."""
    out = subprocess.run([nm, "--undefined-only", "--format=posix", path], capture_output=True, text=True, check=True)
    return sorted(line.split()[0] for line in out.stdout.splitlines() if line.strip())


class Graph:
    """frames: title -> bytes of functions compiled here; calls: title -> titles; names: title -> readable."""

    def __init__(self, text):
        self.frames, self.calls, self.names = {}, {}, {}
        for title, label in re.findall(r'^node: \{ title: "([^"]*)" label: "([^"]*)"', text, re.M):
            size = re.search(r"(\d+) bytes \((\S+?)\)", label)
            self.names[title] = label.split("\\n")[0]
            if size:
                if size[2] not in ("static", "dynamic,bounded"):
                    sys.exit(f"{self.names[title]}: a frame of {size[2]} size")
                # Bounded: the frame is aligned for vectors, by up to 63 bytes that are not counted.
                self.frames[title] = int(size[1]) + (64 if size[2] != "static" else 0)
        for source, target in re.findall(r'^edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', text, re.M):
            self.calls.setdefault(source, set()).add(target)
        called = set().union(*self.calls.values())
        self.by_pointer = [t for t in self.frames if t not in called]

    @lru_cache(maxsize=None)
    def reachable(self, title):
        """By direct calls."""
        seen, todo = {title}, [title]
        while todo:
            for target in self.calls.get(todo.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return seen

    @lru_cache(maxsize=None)
    def calls_pointers(self, title):
        """Whether a chain of direct calls from here ends in one through a pointer: else it cannot lead back."""
        return any(INDIRECT in self.calls.get(t, ()) for t in self.reachable(title))

    def kind(self, title):
        """The function around a lambda: it alone hands out pointers to its lambdas, so that a chain through two of them
        would lead through it twice. Bodies of phases are all alike: what runs them, run_phase(), is called by none of them.
        Of other functions, themselves."""
        if "::run_phase<" in self.names[title]:
            return "run_phase"
        return self.names[title].split("::<lambda")[0] if "::<lambda" in self.names[title] else title

    def worst(self, entry):
        """(bytes, path) of the dearest chain of calls from an entry."""
        self.refuse_direct_recursion(entry)
        return self.dearest(entry, frozenset())

    def refuse_direct_recursion(self, entry):
        done, above = set(), []

        def visit(title):
            if title in above:
                sys.exit(f"recursion through {self.names[title]}")
            if title in done:
                return
            above.append(title)
            for target in self.calls.get(title, ()):
                visit(target)
            done.add(above.pop())

        for title in [entry, *self.by_pointer]:
            visit(title)

    @lru_cache(maxsize=None)
    def dearest(self, title, excluded):
        """worst() from a function in the chain. All that matters of the way to it are the functions that no pointer
        can lead to any more, because they lead to a caller: so chains need not be followed one by one."""
        if title not in self.frames:
            return LIBRARY, [title]
        excluded = excluded | frozenset(self.kind(t) for t in self.by_pointer
                                        if self.calls_pointers(t) and title in self.reachable(t))
        targets = self.calls.get(title, set())
        if INDIRECT in targets:
            targets = targets - {INDIRECT} | {t for t in self.by_pointer if self.kind(t) not in excluded}
        best = max((self.dearest(t, excluded) for t in targets), default=(0, []), key=lambda c: c[0])
        return self.frames[title] + best[0], [title] + best[1]


def check(obj, nm, entries, frame_limit, stack_limit):
    """Prints what was found; True when all is within the limits."""
    needs = missing_symbols(nm, obj)
    bad = [s for s in needs if not NEEDED.fullmatch(s)]
    print(f"needs {', '.join(needs)}")
    if bad:
        print(f"FAILED: not part of a program without heap and exceptions: {', '.join(bad)}")
    callgraph = Path(re.sub(r"\.o(bj)?$", ".ci", str(obj)))
    graph = Graph(callgraph.read_text())
    largest = max(graph.frames, key=graph.frames.get)
    print(f"largest frame {graph.frames[largest]} bytes (limit {frame_limit}): {graph.names[largest]}")
    good = not bad and graph.frames[largest] <= frame_limit
    titles = {entry: [t for t in graph.frames if re.search(rf"\b{entry}\(", graph.names[t])] for entry in entries}
    for entry, found in titles.items():
        if len(found) != 1:
            sys.exit(f"{len(found)} functions are named {entry}")
        graph.by_pointer.remove(found[0])
    for entry, found in titles.items():
        total, path = graph.worst(found[0])
        print(f"{entry}: at most {total} bytes of stack (limit {stack_limit}):")
        for title in path:
            print(f"  {graph.frames.get(title, LIBRARY):6} {graph.names.get(title, title)[:150]}")
        good = good and total <= stack_limit
    if not good:
        print("FAILED")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("object", type=Path)
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--entry", action="append", required=True)
    parser.add_argument("--frame", type=int, required=True, help="bytes that no function may exceed")
    parser.add_argument("--stack", type=int, required=True, help="bytes that no entry may exceed")
    options = parser.parse_args()
    return 0 if check(options.object, options.nm, options.entry, options.frame, options.stack) else 1


if __name__ == "__main__":
    sys.exit(main())
