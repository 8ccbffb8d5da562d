"""The switches of the kernel: /proc/sysrq-trigger, /proc/sys, /proc/<pid>, /sys, cgroups.

Must fail: they are read-only, and another user's.
"""

# ends: completed
import os

PATHS = [
    "/proc/sysrq-trigger",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/kernel/pid_max",
    "/proc/sys/kernel/randomize_va_space",
    "/proc/sys/kernel/yama/ptrace_scope",
    "/proc/sys/vm/drop_caches",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/panic_on_oom",
    "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/fs/suid_dumpable",
    "/proc/sys/user/max_user_namespaces",
    "/proc/irq/0/smp_affinity",
    "/proc/bus/pci",
    "/proc/acpi/wakeup",
    "/proc/scsi/scsi",
    "/proc/self/uid_map",
    "/proc/self/setgroups",
    "/proc/1/oom_score_adj",
    "/sys/kernel/uevent_helper",
    "/sys/power/state",
    "/sys/fs/cgroup/cgroup.procs",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/pids.max",
]


def ENTRY():
    written = []
    for path in PATHS:
        try:
            os.write(os.open(path, os.O_WRONLY), b"1")
            written.append(path)
        except OSError:
            pass
    for path in ("/sys/fs/cgroup/harmful", "/proc/harmful"):
        try:
            os.mkdir(path)
            written.append(path)
        except OSError:
            pass
    return written
