"""`galop show`, `list` and `rm`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from command import TEMPLATE, run
from tiny import write_gguf


def test_show_and_list_and_plan(smollm_path: Path) -> None:
    facts = json.loads(run("show", "package:smollm2:135m", "--json", "--verify").stdout)
    assert facts["architecture"] == "llama" and facts["verified"]
    assert facts["parameters"] == 134_515_008
    assert "210 Q4_1" in facts["tensors"]
    assert facts["memory"]["total"] > facts["memory"]["weights"] > 90_000_000
    shown = run("show", "package:smollm2:135m").stdout.decode()
    for word in ("architecture", "memory", "template", "Apache-2.0", "Q4_1"):
        assert word in shown
    plan = run("show", "package:smollm2:135m", "--plan").stdout.decode().splitlines()
    assert plan[0].startswith("%0[T,576] = embed(model.embed_tokens.weight")
    assert any(" = rope_table(" in line for line in plan)
    assert plan[-1].startswith("%") and "linears" in plan[-1]
    listed = {model["name"]: model for model in json.loads(run("list", "--json").stdout)["models"]}
    assert [listed[name]["sees"] for name in ("smollm2:135m", "qwen3-mini-vl")] == [False, True]
    assert re.search(r"qwen3-mini-vl +2.3 M .* pictures ", run("list").stdout.decode())
    assert json.loads(run("show", "qwen3-mini-vl", "--json").stdout)["sees"] and not facts["sees"]
    names = [m["name"] for m in json.loads(run("list", "--all", "--json").stdout)["models"]]
    for name in ("qwen3:0.6b", "qwen3:235b-a22b", "qwen2.5:72b", "deepseek-r1:671b", "llama4:scout"):
        assert name in names


def test_rm_of_a_file_of_ones_own_removes_only_what_was_made_from_it(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "mine.gguf", "qwen3", "Q8_0", TEMPLATE)
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert run("run", str(path), "hi", "--max-tokens", "2", env=env).returncode == 0
    assert len(list((tmp_path / "cache" / "galop").glob("*.pack"))) == 1
    assert run("rm", str(path), env=env).returncode == 0
    assert path.exists() and not list((tmp_path / "cache" / "galop").glob("*"))
