"""Scheduler, affinity, priority, OOM score and limits of the worker's processes.

Must fail: all of it takes the same user or a capability.
"""

# ends: completed
import os
import resource


def ENTRY():
    reached = []
    me = {os.getpid(), int(os.readlink("/proc/self"))}
    for pid in set(map(int, filter(str.isdigit, os.listdir("/proc")))) - me:
        for call in (
            lambda pid=pid: os.sched_setaffinity(pid, {0}),
            lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19),
            lambda pid=pid: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
            lambda pid=pid: resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0)),
            lambda pid=pid: open(f"/proc/{pid}/oom_score_adj", "w").write("1000"),
        ):
            try:
                call()
                reached.append(pid)
            except OSError:
                pass
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))
        reached.append("real time")
    except OSError:
        pass
    return reached
