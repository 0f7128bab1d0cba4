# SPDX-License-Identifier: GPL-2.0
"""profile.py RUN SYMBOLS PROGRAM: tables of the instructions that plugin.c counted in RUN,
by the symbols of the kernel, of the modules in RUN/out, and of the load generator."""

import bisect
import collections
import subprocess
import sys

MODULES = ("vhost_vsock", "mvsock")
# A thread is named by a function that it executes at any time.
THREADS = (
    ("load_host", "host"),
    ("load_guest", "guest"),
    ("load_devices", "guest"),
    ("load_memory", "guest"),
    ("vhost_task_fn", "vhost task"),
    ("kvm_arch_vcpu_ioctl_run", "guest"),
    ("do_idle", "idle"),
    ("process_one_work", "kworker"),
)
# No function is this large: an address further after a symbol belongs to the guest's kernel.
FUNCTION_MAX = 1 << 20
# Only functions with a larger share of one module's instructions are listed.
PART = 0.003


class Symbols:
    """Symbols, from lines as in /proc/kallsyms."""

    def __init__(self, lines):
        found = {}
        for line in lines:
            addr, kind, name = line.split()[:3]
            if kind in "tTwW":
                found.setdefault(int(addr, 16), name)
        self.addrs = sorted(found)
        self.names = [found[addr] for addr in self.addrs]

    def name(self, addr):
        i = bisect.bisect_right(self.addrs, addr)
        if not i or addr - self.addrs[i - 1] > FUNCTION_MAX:
            return "(guest)"
        return self.names[i - 1]


def is_kernel(addr):
    return addr >> 63


def read_bench(run):
    """The sections in order: the module, and the number of messages."""
    sections = []
    for line in open(f"{run}/out/bench"):
        module, load, *figures = line.split()
        if figures == ["failed"]:
            sys.exit(f"{load} fails with {module}")
        number = dict(zip(figures[1::2], figures[::2]))
        sections.append((module, int(number.get("messages") or number["devices"])))
        print(f"{module}: {' '.join(figures)}")
    return sections


def read_counts(run):
    """Instructions by section, thread and address."""
    counts = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    for line in open(f"{run}/counts"):
        section, thread, addr, n = line.split()
        counts[int(section)][thread][int(addr, 16)] += int(n)
    return counts


def by_function(threads, kernel, user):
    """Instructions by (thread's name, function)."""
    total = collections.Counter()
    for blocks in threads.values():
        functions = collections.Counter()
        executed = set()
        for addr, n in blocks.items():
            name = (kernel if is_kernel(addr) else user).name(addr)
            executed.add(name)
            functions[name if is_kernel(addr) else "(user)"] += n
        who = next((who for name, who in THREADS if name in executed), "other")
        for name, n in functions.items():
            total[who, name] += n
    return total


def table(title, width, per_message):
    """Print the rows of per_message[module][row], the largest first."""
    sums = {m: sum(per_message[m].values()) for m in MODULES}
    rows = set().union(*per_message.values())
    rows = sorted(rows, key=lambda r: -max(per_message[m][r] for m in MODULES))
    print(f"\n{title:{width}}" + "".join(f"{m:>14}{'':6}" for m in MODULES))
    for row in rows:
        parts = [per_message[m][row] / sums[m] for m in MODULES]
        if max(parts) >= PART:
            print(f"{row:{width}}" + "".join(
                f"{per_message[m][row]:14.1f}{100 * part:5.1f}%"
                for m, part in zip(MODULES, parts)))
    print(f"{'all':{width}}" + "".join(f"{sums[m]:14.1f}{'':6}" for m in MODULES))


def fold(counter, key):
    folded = collections.Counter()
    for row, n in counter.items():
        folded[key(row)] += n
    return folded


def main(run, symbols, program):
    sections = read_bench(run)
    counts = read_counts(run)
    kernel_lines = open(symbols).readlines()
    user = Symbols(subprocess.run(["nm", "--defined-only", program], stdout=subprocess.PIPE, check=True,
                                  text=True).stdout.splitlines())
    found = {}
    for number, (module, messages) in enumerate(sections, 1):
        own = open(f"{run}/out/symbols-{module}").readlines()
        total = by_function(counts[number], Symbols(kernel_lines + own), user)
        found[module] = collections.Counter({k: n / messages for k, n in total.items()})
    table("thread", 12, {m: fold(found[m], lambda k: k[0]) for m in MODULES})
    table("function", 36, {m: fold(found[m], lambda k: k[1]) for m in MODULES})
    table("thread, function", 48, {m: fold(found[m], ": ".join) for m in MODULES})


main(*sys.argv[1:])
