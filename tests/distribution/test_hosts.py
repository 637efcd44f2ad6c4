"""Two hosts with addresses of their own, one of which dies and comes back.

Each host is a network namespace. Making them needs Linux, `ip` and the rights of root.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

HERE = pathlib.Path(__file__).parent
BACKEND = keras.backend.backend()
PORT = 29500
# Interfaces have at most 15 letters.
PREFIX = f"mra{os.getpid()}"


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def hosts():
    """The names and addresses of two network namespaces that a bridge connects."""
    names = [f"{PREFIX}-{i}" for i in range(2)]
    addresses = [f"10.77.0.{i + 1}" for i in range(2)]
    with contextlib.ExitStack() as stack:
        try:
            ip("link", "add", PREFIX, "type", "bridge")
            stack.callback(ip, "link", "del", PREFIX)
            ip("link", "set", PREFIX, "up")
            for name, address in zip(names, addresses):
                # `ip netns exec` shows this file as /etc/hosts. Gloo looks up the name
                # of its host there.
                etc = pathlib.Path("/etc/netns", name)
                etc.mkdir(parents=True)
                stack.callback(shutil.rmtree, etc)
                own = f"{address} {socket.gethostname()}\n127.0.0.1 localhost\n"
                (etc / "hosts").write_text(own)
                ip("netns", "add", name)
                stack.callback(ip, "netns", "del", name)
                outside = f"{name}o"
                ip(
                    "link",
                    "add",
                    outside,
                    "type",
                    "veth",
                    "peer",
                    "eth0",
                    "netns",
                    name,
                )
                ip("link", "set", outside, "master", PREFIX, "up")
                ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
                ip("-n", name, "link", "set", "eth0", "up")
                ip("-n", name, "link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"Network namespaces cannot be made here: {error}")
        yield list(zip(names, addresses))


def start(hosts, folder, run, dies_in=(None, None)):
    """Starts the script on both hosts; they share the folder of the checkpoint."""
    running = []
    for rank, (name, _) in enumerate(hosts):
        config = {
            "rank": rank,
            "addresses": [f"{address}:{PORT}" for _, address in hosts],
            "checkpoint": str(folder / f"checkpoint_{run}"),
            "out": str(folder / f"{run}_{rank}.npz"),
            "dies_in": dies_in[rank],
        }
        launcher = []
        if BACKEND == "torch":
            launcher = ["-m", "torch.distributed.run", "--nnodes=2", "--max-restarts=0"]
            launcher += [f"--node-rank={rank}", f"--master-addr={hosts[0][1]}"]
            launcher += [f"--master-port={PORT}"]
        command = ["ip", "netns", "exec", name, sys.executable, *launcher]
        process = subprocess.Popen(
            [*command, str(HERE / "host.py"), json.dumps(config)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, sys.path)]),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        running.append(process)
    return running


def stop(process):
    """Kills a process with those that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def results(running, folder, run):
    try:
        for process in running:
            output, _ = process.communicate(timeout=500)
            assert process.returncode == 0, output[-4000:]
    finally:
        for process in running:
            stop(process)
    return [dict(np.load(folder / f"{run}_{rank}.npz")) for rank in range(2)]


@pytest.mark.slow
def test_a_host_that_died_continues_from_the_shared_checkpoint(hosts, tmp_path):
    whole = results(start(hosts, tmp_path, "whole"), tmp_path, "whole")
    running = start(hosts, tmp_path, "lost", dies_in=(None, 2))
    running[1].wait(timeout=500)
    assert running[1].returncode != 0
    time.sleep(2)
    for process in running:
        stop(process)  # As a scheduler does when a host of a job is lost.
    assert not list(tmp_path.glob("lost_*.npz"))
    again = results(start(hosts, tmp_path, "lost"), tmp_path, "lost")
    assert len(whole[0]["loss"]) == 4
    for found in (*again, whole[1]):
        for name, expected in whole[0].items():
            np.testing.assert_allclose(found[name], expected, atol=1e-6, err_msg=name)
