"""`galop bench` as a user has it: figures, shares, history, JSON, CSV, and what it costs in products and bytes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command import fails, run

from galop.backends.local import Model
from galop.measure import speed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"XDG_DATA_HOME": str(tmp_path_factory.mktemp("data"))}


def test_a_run_shows_shares_and_compares_with_the_last(home: dict[str, str], smollm_path: Path) -> None:
    args = ("bench", str(smollm_path), "--repeats", "1", "--context", "600")
    first = run(*args, env=home)
    assert first.returncode == 0, first.stderr.decode()
    text = first.stdout.decode()
    assert "memory reads" in text and "prefill 512" in text and "8 sequences" in text
    assert "at depth" not in text  # it does not fit a context of 600
    assert "since the last run" not in text
    assert "since the last run" in run(*args, "--profile", env=home).stdout.decode()
    history = Path(home["XDG_DATA_HOME"]) / "galop" / "bench.jsonl"
    assert len(history.read_text().splitlines()) == 2


def test_json_and_csv_are_for_programs(home: dict[str, str], smollm_path: Path) -> None:
    args = ("bench", str(smollm_path), "--repeats", "2", "--context", "200", "--threads", "1", "--kv", "int8")
    [report] = json.loads(run(*args, "--json", "--profile", env=home).stdout)
    assert report["threads"] == 1 and report["kv"] == "int8"
    assert report["load_seconds"] > 0 and report["peak_memory_bytes"] > 100 << 20
    decode = next(w for w in report["works"] if w["work"] == "decode")
    assert 0 < decode["share"]["q1"] <= decode["share"]["median"] <= decode["share"]["q3"]
    parts = dict(report["profile"]["decode"])
    assert {"gate_proj up_proj", "attention"} <= parts.keys() and all(seconds > 0 for seconds in parts.values())
    rows = list(csv.DictReader(run(*args, "--csv", env=home).stdout.decode().splitlines()))
    assert {r["work"] for r in rows} == {w["work"] for w in report["works"]}
    assert all(float(r["tokens_per_second"]) > 0 for r in rows)
    fails(run(*args, "--csv", "--json", env=home), 1, "take one")


def test_a_history_that_cannot_be_read_or_written_is_no_obstacle(tmp_path: Path, smollm_path: Path) -> None:
    folder = tmp_path / "galop"
    folder.mkdir()
    (folder / "bench.jsonl").write_text('not json\n{"works": 3}\n[]\n')
    args = ("bench", str(smollm_path), "--repeats", "1", "--context", "200", "--csv")
    assert run(*args, env={"XDG_DATA_HOME": str(tmp_path)}).returncode == 0
    assert len((folder / "bench.jsonl").read_text().splitlines()) == 1
    blocked = tmp_path / "file"
    blocked.write_text("")
    result = run(*args, env={"XDG_DATA_HOME": str(blocked)})
    assert result.returncode == 0 and b"was not kept" in result.stderr


def test_the_roof_counts_what_a_step_needs(smollm: Model) -> None:
    matrices = smollm.pack.matrices
    body = sum(m.rows * m.cols for n, m in matrices.items() if "embed" not in n)
    head = matrices["model.embed_tokens.weight"]
    one = speed.step_cost(smollm.plan, smollm.pack, "f16", 1, 1, 0, 1)
    assert one.products == body + head.rows * head.cols
    assert one.bytes == body * 20 / 32 + head.rows * head.cols * 34 / 32  # Q4_1 and Q8_0 blocks
    prompt = speed.step_cost(smollm.plan, smollm.pack, "f16", 512, 0, 256, 1)
    later = ("self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
    last = [matrices[f"model.layers.29.{part}.weight"] for part in later]  # for logits alone, of which none are wanted
    body -= sum(m.rows * m.cols for m in last)
    assert prompt.products == 512 * body + 30 * 2 * 512 * 256 * 576
    keys = 30 * 2 * 192 * 2 * 33 // 32  # layers, keys and values, width, bytes; a scale for each row of a block
    assert prompt.bytes == body * 20 / 32 + 256 * keys


def test_a_name_that_is_not_known_is_one_sentence(home: dict[str, str]) -> None:
    fails(run("bench", "no-such-model:1b", env=home), 2, "no-such-model")


class Swinging(speed.Roofline):
    """A machine whose memory is at half its speed in some of its moments."""

    def __init__(self, moments: str) -> None:
        super().__init__(1)
        self.moments = moments

    def read(self) -> speed.Reading:
        self.moments, now = self.moments[1:] + self.moments[0], self.moments[0]
        return speed.Reading({"+": 1e12, "-": 5e11}[now], 0.0)


@pytest.mark.parametrize(("moments", "kept", "thrown"), [("++-", 2, 2), ("+", 2, 0), ("+-", 0, 4)])
def test_a_timing_between_readings_that_contradict_each_other_is_thrown_away(
    moments: str, kept: int, thrown: int, smollm: Model
) -> None:
    case = speed.BenchCase("decode", 1)
    [found] = speed.measure(smollm, Swinging(moments), [case], 2, lambda done, total: None)
    assert (len(found.shares), found.thrown) == (kept, thrown)
    assert found.rates  # of a timing that was thrown away, where none holds


def test_a_share_is_of_the_better_of_two_readings() -> None:
    one, two = speed.Reading(30e9, 500e9), speed.Reading(33e9, 300e9)
    assert one.better(two) == two.better(one) == speed.Reading(33e9, 500e9)
    assert not one.contradicts(two, "memory") and one.contradicts(two, "int8 peak")
