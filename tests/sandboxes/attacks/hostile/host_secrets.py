"""Reads what a host has to hide: passwords, keys, tokens, homes, the engine, the kernel's memory.

Must fail: nothing of it is visible, or readable.
"""

# ends: completed
import glob
import os
import sys

FILES = [
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/sudoers",
    "/etc/ssh/ssh_host_ed25519_key",
    "/var/run/docker.sock",
    "/run/docker.sock",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/run/secrets",
    "/proc/kcore",
    "/proc/1/environ",
    "/proc/1/maps",
    "/proc/kmsg",
    "/proc/keys",
    "/proc/timer_list",
    "/dev/mem",
    "/dev/kmem",
    "/dev/kmsg",
    "/dev/sda",
    "/dev/vda",
    "/dev/nvme0n1",
    "/sys/firmware/efi",
    "/sys/kernel/debug/x",
    "/boot/System.map",
]
GLOBS = [
    "/root/*",
    "/root/.*",
    "/home/*",
    "/home/*/.ssh/*",
    "/var/lib/docker/*",
    "/srv/*",
    "/mnt/*",
    "/media/*",
]


def ENTRY():
    seen = [path for pattern in GLOBS for path in glob.glob(pattern)]
    seen = [path for path in seen if not sys.base_prefix.startswith(path + "/")]
    # An image has a /root with the skeleton files of its distribution; they are nobody's.
    seen = [
        path for path in seen if os.path.basename(path) not in (".bashrc", ".profile", ".", "..")
    ]
    for path in FILES:
        try:
            if os.path.isdir(path):
                seen += [path] * bool(os.listdir(path))
            elif os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 1):
                seen.append(path)
        except OSError:
            pass
    secrets = ("TOKEN", "SECRET", "PASSWORD", "AWS_", "OPENAI", "ANTHROPIC", "HF_", "SSH_")
    return seen + [name for name in os.environ if name.startswith(secrets)]
