"""A Ray cluster of some nodes on this machine, whose processes end with the test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from waiting import wait_for

from galop.store import locate

RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]
SMALL = "--object-store-memory=80000000", "--include-log-monitor=false", "--disable-usage-stats"
SETTINGS = {
    "RAY_worker_niceness": "0",  # by default 15, which on a busy machine is next to nothing
    "RAY_AUTH_MODE": "disabled",  # by default where somebody has left a token in ~/.ray
}
FREE_PORTS = "--min-worker-port=0", "--max-worker-port=0", "--dashboard-agent-listen-port=0"


def free_port() -> int:
    """One that nobody listens on, nor on the next, below those that the system gives out by itself; processes that look
    at the same time find others."""

    def is_free(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    begin = os.getpid() * 8 % 11_000
    ports = (20_000 + (begin + step) % 12_000 for step in range(0, 12_000, 2))
    return next(port for port in ports if is_free(port) and is_free(port + 1))


class Node:
    """A node: `ray start --block`, and what it starts, in a session of its own."""

    def __init__(self, folder: Path, *args: str, env: Mapping[str, str] | None = None) -> None:
        self._command, self._env = (
            [*RAY, "start", "--block", *SMALL, *FREE_PORTS, *args],
            {**os.environ, **SETTINGS, **(env or {})},
        )
        self.log = folder / f"node-{len(list(folder.glob('node-*')))}.log"
        self._try()
        wait_for(self._started, f"the start of {args}", 900)

    def _try(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, start_new_session=True, env=self._env
            )

    def _started(self) -> bool:
        told = self.log.read_text()
        if self.process.poll() is not None:  # Ray gives a node half a minute to register, which a busy machine exceeds
            assert "timed out during startup" in told or "block forever" in told, told
            self.kill()
            self._try()
            return False
        return "block forever" in told

    def processes(self) -> dict[int, str]:
        """Those of its session, with their commands: the node's own and its workers."""
        listed = subprocess.run(["ps", "-eo", "pid,sid,args"], capture_output=True, text=True, check=True).stdout
        lines = [line.split(maxsplit=2) for line in listed.splitlines()]
        return {int(pid): args for pid, session, args in lines if session == str(self.process.pid)}

    def replicas(self) -> set[int]:
        """Ids of the processes of its replicas."""
        return {pid for pid, args in self.processes().items() if "ServeReplica:galop-" in args}

    def kill(self) -> None:
        """Ends all its processes at once."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(60)

    def close(self) -> None:
        """Has it end, and its processes if it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


class Cluster:
    """A head, and nodes that are added to it."""

    def __init__(self, folder: Path, cpus: int, env: Mapping[str, str] | None = None, *head: str) -> None:
        port = free_port()
        self.folder, self.address, self.nodes, self.env = folder, f"127.0.0.1:{port}", list[Node](), env
        self.nodes.append(Node(
            folder, "--head", f"--port={port}", f"--num-cpus={cpus}", f"--temp-dir={folder}/r",
            "--node-ip-address=127.0.0.1", "--include-dashboard=false", f"--ray-client-server-port={port + 1}", *head,
            env=env,
        ))  # fmt: skip

    def add(self, cpus: int, env: Mapping[str, str] | None = None) -> Node:
        """One more node."""
        options = f"--address={self.address}", f"--num-cpus={cpus}", "--node-ip-address=127.0.0.1"
        self.nodes.append(Node(self.folder, *options, env=env or self.env))
        return self.nodes[-1]

    def replicas(self) -> set[int]:
        """Ids of the processes of all replicas on its nodes."""
        return {pid for node in self.nodes for pid in node.replicas()}

    def processes(self) -> list[str]:
        """Commands of the processes of all its nodes."""
        return [args for node in self.nodes for args in node.processes().values()]


@contextmanager
def ray_cluster(*cpus: int, head: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A cluster with a node of so many processors for each number, the first of them its head, with those options."""
    with TemporaryDirectory(prefix="ray", dir="/tmp") as folder:  # whose sockets' names may not be longer
        cluster = Cluster(Path(folder), cpus[0], env, *head)
        try:
            for count in cpus[1:]:
                cluster.add(count)
            yield cluster
        finally:
            for node in reversed(cluster.nodes):
                node.close()


# What every Python process of a node does at its start.
OLDER = "import galop.version; galop.version.__version__ = '0.0.1'"
WITHOUT = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "galop":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Nothing())
"""


def ollama_store(folder: Path, model: str) -> dict[str, str]:
    """Variables by which `ollama:mine` is that model."""
    path = locate(model).path
    assert path
    blob = folder / "blobs" / f"sha256-{0:064x}"
    blob.parent.mkdir(parents=True)
    blob.symlink_to(path)
    manifest = folder / "manifests" / "registry.ollama.ai" / "library" / "mine" / "latest"
    manifest.parent.mkdir(parents=True)
    layer = {
        "mediaType": "application/vnd.ollama.image.model",
        "digest": f"sha256:{0:064x}",
        "size": path.stat().st_size,
    }
    manifest.write_text(json.dumps({"layers": [layer]}))
    return {"OLLAMA_MODELS": str(folder)}
