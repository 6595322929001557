"""The recipes of deploy/ name what is there: metrics, options, files, paths."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import run
from prometheus_client.parser import text_string_to_metric_families
from serving import GOLDEN_QUESTION, Running, run_galop, serving

from galop.cli.serve import DRAIN_SECONDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BOARD = json.loads((DEPLOY / "grafana/galop.json").read_text())
EXPRESSIONS = {f"{p['title']} {t['refId']}": t["expr"] for p in BOARD["panels"] for t in p["targets"]}
EXPRESSIONS["variable"] = BOARD["templating"]["list"][1]["query"]["query"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving("qwen3-mini:0.4m", home=tmp_path_factory.mktemp("deploy")) as running:
        yield running


@pytest.fixture(scope="module")
def shown(server: Running) -> dict[str, set[str]]:
    """What /metrics shows after an answer: the labels of each name, none where nothing was counted yet."""
    assert server.post("/v1/chat/completions", {**GOLDEN_QUESTION, "stream": True}).status_code == 200
    with server.client() as client:
        families = list(text_string_to_metric_families(client.get("/metrics").text))
    found: dict[str, set[str]] = {}
    for family in families:
        found.setdefault(family.name + ("_total" if family.type == "counter" else ""), set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_board_shows_metrics_that_a_server_has(shown: dict[str, set[str]], name: str) -> None:
    asked = re.findall(r"(galop:\w+)(\{[^}]*\})?", EXPRESSIONS[name])
    assert asked
    for metric, selector in asked:
        assert metric in shown
        labels = set(re.findall(r"(\w+)=", selector)) | set(re.findall(r"by \((\w+)\)", EXPRESSIONS[name]))
        assert labels <= shown[metric] or not shown[metric], (metric, labels)


def test_every_metric_of_a_server_is_on_the_board(shown: dict[str, set[str]]) -> None:
    text = " ".join(EXPRESSIONS.values())
    stems = {re.sub(r"_(total|bucket|sum|count|created)$", "", name) for name in shown}
    assert not {stem for stem in stems if stem not in text}


def commands() -> Iterator[tuple[str, list[str]]]:
    """What each recipe has `galop` do."""
    image = (DEPLOY / "Dockerfile").read_text()
    yield "Dockerfile", json.loads(re.findall(r"^CMD (\[.*)$", image, re.MULTILINE)[-1])
    yield "compose.yaml", yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["galop"]["command"]
    for kind in yaml.safe_load_all((DEPLOY / "kubernetes/galop.yaml").read_text()):
        if kind["kind"] == "StatefulSet":
            yield "galop.yaml", kind["spec"]["template"]["spec"]["containers"][0]["args"]
    service = yaml.safe_load((DEPLOY / "kubernetes/rayservice.yaml").read_text())["spec"]["serveConfigV2"]
    yield "rayservice.yaml", ["serve", *yaml.safe_load(service)["applications"][0]["args"]["arguments"]]
    unit = RawConfigParser(strict=False)
    unit.read(DEPLOY / "systemd/galop.service")
    yield "galop.service", shlex.split(unit["Service"]["ExecStart"])[1:]


@pytest.mark.parametrize(
    ("recipe", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_a_recipe_starts_is_a_command_with_its_options(recipe: str, command: list[str]) -> None:
    assert command[0] == "serve"
    told = run("serve", "--help").stdout.decode()
    for option in command[1:]:
        assert not option.startswith("-") or re.search(rf"(?<!\S){re.escape(option)}(?!\S)", told), option


def test_the_image_copies_what_a_build_needs_and_no_more() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert names == allowed and all((ROOT / name).exists() for name in names)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {project["readme"], *project["license-files"], "CMakeLists.txt"} <= names


def test_answers_under_way_have_the_time_to_end() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["galop"]
    pods = [k for k in yaml.safe_load_all((DEPLOY / "kubernetes/galop.yaml").read_text()) if k["kind"] == "StatefulSet"]
    stops = re.search(r"TimeoutStopSec=(\d+)", (DEPLOY / "systemd/galop.service").read_text())
    assert stops
    granted = [
        int(compose["stop_grace_period"].removesuffix("s")), int(stops[1]),
        pods[0]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"],
    ]  # fmt: skip
    assert min(granted) > DRAIN_SECONDS


def test_what_probes_and_prometheus_ask_is_answered_by_a_pod(tmp_path: Path) -> None:
    key = run_galop(tmp_path, "keys", "add", "prometheus", "--models", "none").stdout.strip()
    with serving("--host", "0.0.0.0", "--allow-host", "10.0.0.7", home=tmp_path) as server, server.client() as client:
        for kind in yaml.safe_load_all((DEPLOY / "kubernetes/galop.yaml").read_text()):
            for probe in probes(kind):
                headers = {header["name"]: header["value"] for header in probe["httpHeaders"]}
                assert client.get(probe["path"], headers=headers).status_code == 200
        scraped = {"Host": "10.0.0.7:8000", "Authorization": f"Bearer {key}"}
        assert client.get("/metrics", headers=scraped).status_code == 200
        assert client.get("/v1/models", headers=scraped).json()["data"] == []
        assert client.get("/metrics", headers={"Host": "10.0.0.7:8000"}).status_code == 401


def probes(node: Any) -> Iterator[dict[str, Any]]:
    """All that a manifest has asked over HTTP."""
    if isinstance(node, dict):
        if "httpGet" in node:
            yield node["httpGet"]
        for value in node.values():
            yield from probes(value)
    elif isinstance(node, list):
        for value in node:
            yield from probes(value)
