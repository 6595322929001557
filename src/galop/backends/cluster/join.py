"""Joins a Ray cluster, and says in one sentence why that cannot be."""

from __future__ import annotations

import logging
import os
import re
import secrets
import socket
from typing import Any

import ray
from ray._private.grpc_utils import init_grpc_channel
from ray._private.ray_logging import stderr_deduplicator, stdout_deduplicator

from galop.backends.cluster.plan import NAMESPACE
from galop.errors import ClusterError

CONNECT_SECONDS = 10.0

_leases: list[tuple[str, Any]] = []  # of this process, one at most


class Lease:
    """An actor that lives as long as the process that made it, by which replicas know that their door is there."""


def join_cluster(address: str) -> None:
    """Joins a cluster, once in a process. Raises ClusterError where there is none at the address."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    for name in ("ray", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)  # what concerns a person is an error of ours
    for printer in (stdout_deduplicator, stderr_deduplicator):
        printer.skip_re = re.compile("")  # also what it prints by itself of nodes that are lost, amid JSON
    if ray.is_initialized():
        return
    try:
        if address == "local":
            # Or Ray keeps one in ~/.ray, by which it locks the next `ray start --head` of this machine.
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            ray.init(log_to_driver=False, logging_level="ERROR", namespace=NAMESPACE, include_dashboard=False,
                     object_store_memory=100_000_000)  # fmt: skip
        else:
            _reach(address)
            ray.init(address, log_to_driver=False, logging_level="ERROR", namespace=NAMESPACE)
    except ClusterError:
        raise
    except Exception as error:
        if mismatch := re.search(r"Version mismatch.*?Ray: (\S+)\s+Python: (\S+).*?Ray: (\S+)\s+Python: (\S+)",
                                 str(error), re.DOTALL):  # fmt: skip
            raise ClusterError(
                "the cluster at {} runs Ray {} with Python {}, and this machine Ray {} with Python {}; both have to "
                "be the same everywhere".format(address, *mismatch.groups())
            ) from None
        raise ClusterError(
            f"no Ray cluster could be joined at {address!r} ({brief(error)}); start one with: ray start --head, and "
            "on each further machine, this one as well: ray start --address HOST:PORT"
        ) from None


def hold_lease() -> str:
    """The name of an actor that ends with this process."""
    if not _leases:
        name = f"galop-door-{secrets.token_hex(8)}"
        _leases.append((name, ray.remote(Lease).options(name=name, num_cpus=0).remote()))
    return _leases[0][0]


def _reach(address: str) -> None:
    """Ray itself tries for minutes, and may end the process. Raises ClusterError where no Ray answers at HOST:PORT,
    OSError where nobody does."""
    if address.startswith("ray://"):
        raise ClusterError(f"{address} is the address of Ray's client; --ray takes HOST:PORT of the cluster's head")
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        return  # such as auto
    socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    import grpc

    channel = init_grpc_channel(address, asynchronous=False)
    try:
        grpc.channel_ready_future(channel).result(CONNECT_SECONDS)
    except grpc.FutureTimeoutError:
        raise ClusterError(f"what listens at {address} is no Ray cluster; start one with: ray start --head") from None
    finally:
        channel.close()


def last_line(text: str) -> str:
    """The last line of a trace, without the name of an error of ours."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"^galop\.errors\.\w+: ", "", lines[-1])[:300] if lines else ""


def brief(error: Exception) -> str:
    """What Ray says, without its trace."""
    return last_line(str(error)) or type(error).__name__
