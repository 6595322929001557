"""Galop's door as an application of Ray Serve, for what deploys such applications: KubeRay's RayService.

Ray Serve starts it on the node that has the resource `door`, takes it for ready when its models are, begins it anew
when it ends, and gives it the time to finish what it answers before it goes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

import ray
from ray import serve
from ray.serve import Application

DRAIN_SECONDS = 40.0  # longer than `galop serve` gives answers under way
POLL_SECONDS = 0.5


class ServedDoor:
    """A `galop serve` in a process of its own, whose models run on the cluster that it is part of."""

    def __init__(self, arguments: list[str], port: int) -> None:
        """Waits until the models are there. Raises RuntimeError where it ends before."""
        self._ready = f"http://127.0.0.1:{port}/ready"
        here = ray.util.get_node_ip_address()  # by which Prometheus asks
        cluster = ray.get_runtime_context().gcs_address
        command = [sys.executable, "-m", "galop", "serve", "--ray", cluster, "--port", str(port), "--allow-host", here]
        self._process = subprocess.Popen([*command, *arguments])
        while not self._loaded():
            self.check_health()
            time.sleep(POLL_SECONDS)

    def check_health(self) -> None:
        """Asked by Ray Serve. Raises RuntimeError where the door has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"galop serve ended with {self._process.returncode}; the log of this replica says why")

    def __del__(self) -> None:
        self._process.terminate()
        self._process.wait(DRAIN_SECONDS)

    def _loaded(self) -> bool:
        try:
            with urllib.request.urlopen(self._ready, timeout=2) as reply:
                return bool(json.load(reply)["loaded"])
        except (OSError, ValueError, HTTPException):  # it does not listen yet
            return False


def build(args: Mapping[str, Any]) -> Application:
    """The application, with what `galop serve` is to be called with in `arguments`, and the `port` of the door."""
    deployment = serve.deployment(
        ServedDoor, name="door", ray_actor_options={"num_cpus": 0, "resources": {"door": 1}},
        graceful_shutdown_timeout_s=DRAIN_SECONDS, health_check_period_s=5,
    )  # fmt: skip
    return deployment.bind(list(args["arguments"]), int(args.get("port", 8000)))
