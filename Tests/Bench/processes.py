"""What a process uses, as the kernel counts it (proc(5))."""

import os

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
KIBIBYTES_PER_MEGABYTE = 1000 / 1.024


def cpu_seconds(pid):
    """User and system time since the process began, all its threads."""
    return sum(cpu_times(pid))


def cpu_times(pid):
    """User time and system time, each in seconds, since the process began, all its threads."""
    with open(f"/proc/{pid}/stat") as stat:
        # The name stands in parentheses and may hold anything: fields are counted from its end.
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS_PER_SECOND, int(fields[12]) / TICKS_PER_SECOND


def cores(pid):
    """The processors that any thread of the process may run on."""
    return set().union(*(os.sched_getaffinity(int(thread)) for thread in os.listdir(f"/proc/{pid}/task")))


def memory_megabytes(pid):
    """Resident memory, and its share that no other process has (libraries are mapped by all children)."""
    wanted = {"Rss:": 0, "Private_Clean:": 0, "Private_Dirty:": 0}
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            name, *rest = line.split()
            if name in wanted:
                wanted[name] = int(rest[0])
    private = wanted["Private_Clean:"] + wanted["Private_Dirty:"]
    return wanted["Rss:"] / KIBIBYTES_PER_MEGABYTE, private / KIBIBYTES_PER_MEGABYTE
