"""What `galop fit` says of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from serving import folders_in

from galop.backends.local import Model
from galop.backends.memory import memory_needed
from galop.measure import fit
from galop.store import catalogue


def test_it_lists_what_fits_and_predicts_from_the_file(tmp_path: Path, smollm: Model) -> None:
    env = {**os.environ, **folders_in(tmp_path)}
    command = [sys.executable, "-m", "galop", "fit", "--memory", "2GiB", "--context", "2048", "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, env=env, check=True).stdout)
    models = {m["name"]: m for m in found["models"]}
    assert models.keys() == {e.name for e in catalogue.entries().values() if e.runnable and e.writes}
    small, large = models["smollm2:135m"], models["qwen3:32b"]
    assert small["here"] and small["fits"] and not large["fits"]
    assert small["memory"] == sum(memory_needed(smollm.pack, smollm.plan, 2048).values())
    assert models["qwen3:0.6b"]["rate"] > models["qwen3:8b"]["rate"] > large["rate"] > 0
    # A mixture of experts reads only its active part.
    assert models["qwen3:30b-a3b"]["rate"] > models["qwen3:14b"]["rate"]
    assert found["take"] is None


def test_a_damaged_file_does_not_end_it(tmp_path: Path, smollm_path: Path) -> None:
    env = {**os.environ, **folders_in(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    models = tmp_path / "data" / "galop" / "models"
    models.unlink()
    models.mkdir()
    (models / smollm_path.name).write_bytes(smollm_path.read_bytes()[:100_000])
    command = [sys.executable, "-m", "galop", "fit", "--memory", "2GiB", "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, env=env, check=True).stdout)
    [small] = [m for m in found["models"] if m["name"] == "smollm2:135m"]
    assert not small["here"] and small["fits"] and small["rate"] > 0


def test_shapes_of_the_catalogue_agree_with_the_files(smollm: Model) -> None:
    entry = catalogue.find("smollm2:135m")
    by_shape, cost = fit.needs_of_entry(entry, 2048)
    by_file = sum(memory_needed(smollm.pack, smollm.plan, 2048).values())
    assert abs(by_shape / by_file - 1) < 0.15
    assert cost.bytes == entry.bytes  # its embedding is its head
    assert cost.layers == fit.token_cost(smollm.plan, smollm.pack).layers == 30


def test_windows_of_the_catalogue_agree_with_the_file(gemma_path: Path) -> None:
    entry = catalogue.find("gemma3:270m")
    for context in (2048, 16384):
        by_shape, cost = fit.needs_of_entry(entry, context)
        by_file, of_file = fit.needs_of_file(gemma_path, context)
        assert abs(by_shape / by_file - 1) < 0.15
        assert abs(cost.bytes / of_file.bytes - 1) < 0.05
        assert (cost.layers, cost.vocabulary) == (of_file.layers, of_file.vocabulary)
