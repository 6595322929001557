"""What KubeRay makes of deploy/kubernetes/rayservice.yaml: its application, deployed as it stands on a cluster."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray_cluster import ray_cluster
from serving import folders_in, run_galop
from waiting import wait_for

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1800)]
MANIFEST = Path(__file__).parents[2] / "deploy/kubernetes/rayservice.yaml"
DEPLOY = """
import json, sys, ray
from ray import serve
from galop.backends.cluster.door import build
ray.init(sys.argv[1], log_to_driver=False, namespace="serve")
serve.start(proxy_location="Disabled")
serve.run(build(json.loads(sys.argv[2])), name="door", route_prefix=None)
print("deployed", flush=True)
sys.stdin.read()
serve.delete("door")
"""


def application() -> dict[str, Any]:
    """The application of the manifest."""
    found: dict[str, Any] = yaml.safe_load(yaml.safe_load(MANIFEST.read_text())["spec"]["serveConfigV2"])
    return found["applications"][0]


def test_the_application_of_the_manifest_answers_and_ends(tmp_path: Path) -> None:
    key = run_galop(tmp_path, "keys", "add", "ann").stdout.strip()
    args = application()["args"]
    at = args["arguments"].index("--cpus")
    args["arguments"][at + 1] = "1"
    environment = {**os.environ, **folders_in(tmp_path)}
    with ray_cluster(2, head=('--resources={"door": 1}',), env=environment) as cluster:
        with socket.create_server(("127.0.0.1", 0)) as probe:  # a port in which no node's process is about to listen
            args["port"] = port = probe.getsockname()[1]
        command = [sys.executable, "-c", DEPLOY, cluster.address, json.dumps(args)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        assert process.stdout and process.stdout.readline() == "deployed\n"
        body = {"messages": [{"role": "user", "content": "12 + 34 ="}], "max_tokens": 8}
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        asked = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(asked, timeout=300) as reply:
            assert json.loads(reply.read())["usage"]["completion_tokens"]
        process.communicate("", timeout=300)
        wait_for(lambda: not cluster.replicas(), "the end of the replicas")
