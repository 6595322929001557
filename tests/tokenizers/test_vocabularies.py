"""Vocabularies of GGUF files give the ids of SentencePiece and llama.cpp; damaged ones end in one sentence."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
import tarfile
import unicodedata
from array import array
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from corpus import CORPUS
from hypothesis import given
from hypothesis import strategies as st

from galop.chat.template import ChatTemplate
from galop.errors import ModelFileError
from galop.tokenizers.charsmap import check_charsmap
from galop.tokenizers.control import is_text
from galop.tokenizers.dummy_space import take_dummy_space
from galop.tokenizers.gguf import KINDS, GGUFTokenizer, tokenizer_from_gguf
from galop.tokenizers.pre_tokenizers import OF_CHARACTERS, PRE_TOKENIZERS
from galop.tokenizers.stops import stop_ids
from galop.tokenizers.tekken import describe_tekken
from galop.tokenizers.tokenizer import BYTE_OF, Detokenizer, Tokenizer
from galop.tokenizers.tokenizer_json import sanitize
from galop.weights.gguf import parse_header

GOLDEN = Path(__file__).parent.parent / "golden"
TRAINED: dict[str, Any] = json.loads((GOLDEN / "vocabularies.json").read_text("utf-8"))
SPACE = "\u2581"


def metadata(given: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """As the reader of GGUF files gives them: numbers in arrays."""
    forms = {"scores": "f", "token_type": "i", "precompiled_charsmap": "B"}
    values = {key: array(forms[key], v) if key in forms else v for key, v in given.items()} | changes
    return {f"tokenizer.ggml.{key}": value for key, value in values.items() if value is not None}


def build(found: GGUFTokenizer) -> Tokenizer:
    return Tokenizer(found.json, found.bos_token, found.eos_token, found.add_bos, found.dummy_space)


def trained(case: str, **changes: Any) -> Tokenizer:
    return build(tokenizer_from_gguf(metadata(TRAINED["cases"][case]["metadata"], **changes), "x.gguf"))


@pytest.mark.parametrize("case", TRAINED["cases"])
def test_ids_and_texts_are_sentencepieces(case: str) -> None:
    tokenizer, golden = trained(case), TRAINED["cases"][case]
    for text, ids, decoded in zip(TRAINED["texts"], golden["ids"], golden["decoded"], strict=True):
        if case == "unigram" and SPACE in text:  # which the library takes for a space at the ends of a text too
            continue
        assert tokenizer.encode_text([(text, False)]) == ids, text
        stream = Detokenizer(tokenizer)
        assert "".join([stream.push(id) for id in ids]) + stream.finish() == tokenizer.decode(ids) == decoded


@pytest.mark.parametrize("case", [c for c in TRAINED["cases"] if c.startswith("bpe")])
@given(text=st.text(st.sampled_from(" ab\n<>/é漢\u2581\x00</s>table😀"), max_size=20))
def test_any_text_comes_back(case: str, text: str) -> None:
    tokenizer = trained_once(case)
    assert tokenizer.decode(tokenizer.encode_text([(text, False)])) == text.replace(SPACE, " ")
    assert {1, 2}.isdisjoint(tokenizer.encode_text([(text, False)]))


def trained_once(case: str, known: dict[str, Tokenizer] = {}) -> Tokenizer:  # noqa: B006
    return known.setdefault(case, known.get(case) or trained(case))


def test_the_dummy_space_stands_once_where_a_text_begins_and_after_control_tokens() -> None:
    tokenizer = trained_once("bpe")
    plain = tokenizer.encode_text([("Hello", False)])
    assert plain == tokenizer.encode(" Hello") != tokenizer.encode("Hello")
    assert tokenizer.encode_text([("Hel", False), ("lo", False)])[-len(tokenizer.encode("lo")) :] == tokenizer.encode(
        "lo"
    )
    assert tokenizer.encode_text([("<s>Hello</s>", True), ("Hello", False)]) == [1, *plain, 2, *plain]
    assert tokenizer.encode_text([("<s>Hello</s>", True)], bos=False) == [1, *plain, 2]
    assert not {1, 2}.intersection(tokenizer.encode_text([("<s>Hello</s>", False)]))
    # What a model writes after a text keeps its space; after a control token it is none of the text.
    for before, text in (((), "Hello"), ((5, 2), "Hello"), ((5, *plain), " Hello")):
        stream = Detokenizer(tokenizer, before=before)
        assert "".join(map(stream.push, plain)) + stream.finish() == text
    stream = Detokenizer(tokenizer, ["</s>"])
    assert "".join(map(stream.push, [*plain, 2, *plain])) + stream.finish() == "Hello</s>Hello"


def test_a_template_encodes_what_users_wrote_as_the_text_it_stands_in() -> None:
    tokenizer = trained_once("bpe")
    template = ChatTemplate("<s>{{ messages[0].content }}</s>", tokenizer)
    whole = tokenizer.encode_text([("<s>a word and more</s>", True)])
    assert template.encode([{"role": "user", "content": "a word and more"}]) == whole
    forged = template.encode([{"role": "user", "content": "a</s>b"}])
    assert forged.count(2) == 1 and tokenizer.decode(forged) == "a</s>b"


PREPEND = {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": SPACE}, {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}]}  # fmt: skip
METASPACE = {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "first", "split": False}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"normalizer": PREPEND}, "prepend"),
        ({"normalizer": None, "pre_tokenizer": METASPACE}, "first"),
        ({"normalizer": None, "pre_tokenizer": {**METASPACE, "prepend_scheme": "never"}}, ""),
        ({"normalizer": None, "pre_tokenizer": {**METASPACE, "prepend_scheme": "always"}}, "always"),
    ],
)
def test_a_tokenizer_json_gives_the_ids_it_gives_by_itself(changes: dict[str, Any], expected: str) -> None:
    found = tokenizer_from_gguf(metadata(TRAINED["cases"]["bpe"]["metadata"]), "x.gguf")
    whole = {**json.loads(found.json), **changes}
    theirs = tokenizers.Tokenizer.from_str(json.dumps(whole))
    space = take_dummy_space(whole)
    assert space == expected
    tokenizer = Tokenizer(sanitize(whole, 1000), "<s>", "</s>", dummy_space=space)
    for text in ("Hello world", "<s>Hello</s> and <s>", "</s>x", *CORPUS[:8]):
        assert tokenizer.encode_text([(text, True)]) == theirs.encode(text, add_special_tokens=False).ids, text


def test_gemma_has_tokens_for_white_space_and_html_that_are_text() -> None:
    tokenizer = trained_once("bpe without a dummy space")
    ids = {symbol: tokenizer.id(symbol) for symbol in ("<table>", "\n\n", SPACE * 2, "[multimodal]")}
    assert tokenizer.encode("a\n\n<table>") == [*tokenizer.encode("a"), ids["\n\n"], ids["<table>"]]
    assert ids[SPACE * 2] in tokenizer.encode("  ") and ids["[multimodal]"] not in tokenizer.encode("[multimodal]")
    assert set(tokenizer.added) == {"<s>", "</s>", "[multimodal]"}
    assert is_text("ø") and is_text("   ") and not is_text("<think>") and not is_text("</s>") and not is_text("[INST]")


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", f"{SPACE}play", "ing", f"{SPACE}un", "able", f"{SPACE}a", f"{SPACE}[", f"{SPACE}]"]  # fmt: skip
WORDPIECE = {
    "model": "bert", "tokens": [*WORDS, "##"], "token_type": [3, 3, 3, 3, *[1] * (len(WORDS) - 3)], "unknown_token_id": 1,
    "cls_token_id": 2, "seperator_token_id": 3,
}  # fmt: skip


def test_wordpiece_begins_words_and_goes_on() -> None:
    tokenizer = build(tokenizer_from_gguf(metadata(WORDPIECE), "x.gguf"))
    assert tokenizer.encode_text([("Playing unable \u00e1 zzz", False)]) == [2, 4, 5, 6, 7, 8, 1]
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.add_bos) == ("[CLS]", "[SEP]", True)
    assert {2, 3}.isdisjoint(tokenizer.encode("a [SEP] [CLS]"))
    cased = build(tokenizer_from_gguf(metadata(WORDPIECE, **{"normalizer.lowercase": False}), "x.gguf"))
    assert cased.encode("Play \u00e1 play") == [1, 1, 4]


BPE = TRAINED["cases"]["bpe"]["metadata"]
MANY = ["a" * n for n in range(1, 200)]
DAMAGED: dict[str, tuple[dict[str, Any], str]] = {
    "of no kind": (metadata(BPE, model="rwkv"), "'rwkv' is not supported"),
    "of a list for a kind": (metadata(BPE, model=["llama"]), "not supported"),
    "without scores": (metadata(BPE, scores=None), "one number per token"),
    "with too few scores": (metadata(BPE, scores=array("f", [1.0])), "one number per token"),
    "with scores that are none": (metadata(BPE, scores=array("f", [float("nan")] * len(BPE["tokens"]))), "one number per token"),
    "with an unknown token that is none": (metadata(BPE, unknown_token_id=10**6), "unknown_token_id"),
    "with a token twice": (metadata(BPE, tokens=["a"] * len(BPE["tokens"])), "twice"),
    "with an empty token": (metadata(BPE, tokens=["", *BPE["tokens"][1:]]), "empty"),
    "with a dummy space that is a word": (metadata(BPE, add_space_prefix="yes"), "neither true nor false"),
    "of long pieces": (metadata({"model": "llama", "tokens": ["a" * 300], "scores": [0.0]}), "longer than 256"),
    "put together in many ways": (metadata({"model": "llama", "tokens": MANY, "scores": [0.0] * len(MANY)}), "too many ways"),
    "of gemma4 without merges": (metadata(BPE, model="gemma4"), "merges is missing"),
    "of gemma4 with a wrong merge": (metadata(BPE, model="gemma4", merges=["zz qq"]), "does not join"),
    "a unigram's without an unknown token": (metadata(BPE, model="t5", unknown_token_id=None), "unknown_token_id is missing"),
    "a unigram's with a score beyond numbers": (metadata(BPE, model="t5", scores=array("f", [1e30] * len(BPE["tokens"]))), "logarithm"),
    "a character map of nothing": (metadata(BPE, model="t5", precompiled_charsmap=array("B", b"")), "length of its trie"),
    "a character map of words": (metadata(BPE, model="t5", precompiled_charsmap=["a"]), "no list of bytes"),
    "parts of words that are one": (metadata({"model": "bert", "tokens": ["[UNK]", f"{SPACE}[UNK]"]}), "the same part"),
    "words without an unknown one": (metadata({"model": "bert", "tokens": [f"{SPACE}a"]}), "unknown token"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_vocabularies_are_refused_in_one_sentence(case: str) -> None:
    given, message = DAMAGED[case]
    with pytest.raises(ModelFileError, match=message) as caught:
        tokenizer_from_gguf(given, "x.gguf")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@given(
    st.sampled_from([k for k in KINDS if k != "gpt2"]),
    st.lists(st.text("ab<>[]\u2581 \n\x00é", min_size=1, max_size=5), min_size=1, max_size=9, unique=True),
    st.data(),
)
def test_any_vocabulary_is_refused_or_encodes(kind: str, tokens: list[str], data: st.DataObject) -> None:
    n = len(tokens)
    kinds = data.draw(st.lists(st.integers(0, 7), min_size=n, max_size=n))
    scores = data.draw(st.lists(st.floats(-30, 30, width=32), min_size=n, max_size=n))
    merges = [f"{a} {b}" for a in tokens for b in tokens if a + b in tokens and " " not in a]
    given = {"model": kind, "tokens": tokens, "token_type": kinds, "scores": scores, "unknown_token_id": 0}
    try:
        tokenizer = build(tokenizer_from_gguf(metadata(given, **({"merges": merges} if merges else {})), "x.gguf"))
    except ModelFileError:
        return
    special = {id for id in tokenizer.hidden if id and not tokens[id].isspace()}
    for text in ("ab<> a\nb", *tokens, "".join(tokens)):
        ids = tokenizer.encode_text([(text, False)], bos=False)
        assert special.isdisjoint(ids)
        tokenizer.decode(ids)


# ---- Character maps


def charsmap(pairs: dict[str, str]) -> bytes:
    """A small one: a node of 256 units for each beginning of a key, whose last unit holds the value."""
    strings = b""

    def offset(place: int, target: int) -> int:
        return (place ^ target) << 10

    units = [offset(0, 256), *[0] * 511]
    base = {b"": 256}
    for key, text in pairs.items():
        data = key.encode()
        for i, byte in enumerate(data):
            place = base[data[:i]] ^ byte
            head = data[: i + 1]
            if head not in base:
                base[head] = len(units)
                units += [0] * 256
            leaf = 1 << 8 if i == len(data) - 1 else 0
            units[place] = units[place] & 0x100 | offset(place, base[head]) | leaf | byte
        units[base[data]] = 1 << 31 | len(strings)
        strings += text.encode() + b"\0"
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + strings


LIGATURES = charsmap({"ﬁ": "fi", "é": "e", "Ⅷ": "VIII"})


def test_a_character_map_is_what_the_library_makes_of_it() -> None:
    assert not check_charsmap(LIGATURES)
    normalizer = tokenizers.normalizers.Precompiled(LIGATURES)
    assert normalizer.normalize_str("ﬁn é Ⅷ x") == "fin e VIII x"
    whole = {
        "version": "1.0",
        "added_tokens": [], "normalizer": {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(LIGATURES).decode()},
        "model": {"type": "Unigram", "vocab": [["<unk>", 0.0], ["f", -1.0], ["i", -1.0]], "unk_id": 0},
    }  # fmt: skip
    assert Tokenizer(sanitize(whole, 3)).encode("ﬁ") == [1, 2]


@given(st.lists(st.tuples(st.integers(0, len(LIGATURES) - 1), st.integers(0, 255)), min_size=1, max_size=6), st.text())
def test_no_character_map_that_is_let_through_makes_the_library_panic(
    changes: list[tuple[int, int]], text: str
) -> None:
    damaged = bytearray(LIGATURES)
    for at, value in changes:
        damaged[at] = value
    if not check_charsmap(bytes(damaged)):
        normalizer = tokenizers.normalizers.Precompiled(bytes(damaged))
        for one in (text, "ﬁn é Ⅷ x", "".join(map(chr, range(1, 0x300)))):
            normalizer.normalize_str(one)


# ---- Tokens that end a reply


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("<eos> <end_of_turn> <start_of_turn>", "<eos> <end_of_turn>"),  # Gemma 3
        ("<eos> <turn|> <|turn> <|tool_response> <|tool_call>", "<eos> <turn|> <|tool_response>"),  # Gemma 4
        ("<|endoftext|> <|return|> <|call|> <|end|> <|start|>", "<|endoftext|> <|return|> <|call|>"),  # gpt-oss
        ("<|endoftext|> <|end|> <|user|> <|assistant|>", "<|endoftext|> <|end|> <|user|>"),  # Phi
        ("<|endoftext|> <|user|> <|observation|> <|assistant|>", "<|endoftext|> <|user|> <|observation|>"),  # GLM
        ("<|end_of_text|> <|start_of_role|> <|end_of_role|>", "<|end_of_text|>"),  # Granite
        ("<|im_end|> <|endoftext|> <|im_start|>", "<|im_end|> <|endoftext|>"),  # Qwen, LFM2, SmolLM3
        ("<s> </s> [INST] [/INST] [TOOL_CALLS]", "</s>"),  # Mistral, ERNIE
        ("<seed:bos> <seed:eos> <seed:think>", "<seed:eos>"),  # Seed
        ("[BOS] [EOS] [EOT] <|im_end|>", "[EOS] [EOT] <|im_end|>"),  # Kimi
    ],
)
def test_stop_tokens_are_known_by_name(names: str, expected: str) -> None:
    control = {name: i for i, name in enumerate(names.split())}
    assert stop_ids([], "", control, 99) == [control[name] for name in sorted(expected.split(), key=control.get)]  # type: ignore[arg-type]
    if "<|return|>" in control:  # whatever a file declares, since older ones did
        assert control["<|end|>"] not in stop_ids([control["<|end|>"]], "<|end|>", control, 99)


def test_html_that_is_no_control_token_ends_nothing() -> None:
    tokens = ["<unk>", "<s>", "</s>", "<eos>"]
    given = metadata(
        {"model": "llama", "tokens": tokens, "scores": [0.0] * 4, "token_type": [2, 4, 4, 3]}, eos_token_id=3
    )
    assert tokenizer_from_gguf(given, "x.gguf").stop_ids == [3]


# ---- llama.cpp


@pytest.fixture(scope="session")
def llama_vocabularies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vocabularies of llama-cpp-python's source package, with texts and their ids."""
    directory = tmp_path_factory.mktemp("vocabularies")
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(directory)]
    subprocess.run([*command, "llama-cpp-python==0.3.36"], check=True, capture_output=True)
    with tarfile.open(next(directory.glob("*.tar.gz"))) as archive:
        for member in archive.getmembers():
            if "/ggml-vocab-" in member.name:
                archive.extract(member, directory, filter="data")
    return next(directory.rglob("ggml-vocab-gpt-2.gguf")).parent


KNOWN = ["bert-bge", "command-r", "deepseek-coder", "deepseek-llm", "falcon", "gemma-4", "gpt-2", "llama-bpe", "llama-spm",
         "mpt", "phi-3", "qwen2", "qwen35", "refact", "starcoder"]  # fmt: skip


@pytest.mark.oracle
@pytest.mark.large
@pytest.mark.parametrize("name", KNOWN)
def test_ids_are_those_that_llama_cpp_expects(name: str, llama_vocabularies: Path) -> None:
    path = llama_vocabularies / f"ggml-vocab-{name}.gguf"
    tokenizer = build(tokenizer_from_gguf(parse_header(path).metadata, path.name))
    given = path.with_name(f"{path.name}.inp").read_text("utf-8").split("\n__ggml_vocab_test__\n")
    expected = [
        [int(id) for id in line.split()] for line in path.with_name(f"{path.name}.out").read_text().splitlines()
    ]
    assert len(given) >= len(expected) > 40  # the last separator may be followed by nothing
    for text, ids in zip(given, expected, strict=False):
        if (name == "qwen35" and "e\u0301" in text) or "a\u0300" in text:  # made without the NFC of its tokenizer.json
            continue
        assert tokenizer.encode_text([(text, False)], bos=False) == ids, text


@pytest.mark.oracle
@pytest.mark.large
def test_a_unigram_vocabulary_splits_as_in_llama_cpp(llama_vocabularies: Path) -> None:
    """XLM-RoBERTa's, with its map of characters, in which the library takes the shorter of two keys."""
    import llama_cpp

    path = llama_vocabularies / "ggml-vocab-nomic-bert-moe.gguf"
    ours = build(tokenizer_from_gguf(parse_header(path).metadata, path.name))
    theirs = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    for text in CORPUS:
        ids = theirs.tokenize(text.encode(), add_bos=False, special=False)
        if text != "\u1e69 and \u0073\u0323\u0307":
            assert ours.encode_text([(text, False)], bos=False) == ids, text


@pytest.mark.oracle
@pytest.mark.large
@pytest.mark.parametrize("name", {split: name for name, split in reversed(PRE_TOKENIZERS.items())}.values())
def test_texts_are_split_as_by_llama_cpp(name: str, llama_vocabularies: Path, tmp_path: Path) -> None:
    """Llama 3's vocabulary under every pre-tokenizer. llama.cpp has no NFC step, and rewrote the expressions of four
    kinds without marks (Hindi, Thai) or look-ahead, of one without regard to letters' case."""
    import gguf
    import llama_cpp

    given = parse_header(llama_vocabularies / "ggml-vocab-llama-bpe.gguf").metadata
    writer = gguf.GGUFWriter(path := tmp_path / "m.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(name)
    writer.add_token_list(given["tokenizer.ggml.tokens"])
    writer.add_token_types(list(given["tokenizer.ggml.token_type"]))
    writer.add_token_merges(given["tokenizer.ggml.merges"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    ours = build(tokenizer_from_gguf(parse_header(path).metadata, path.name))
    theirs = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    rewritten = name in (
        "tekken",
        "gpt-4o",
        "llama4",
        "kanana2",
        "talkie",
        "minimax-m2",
        "kimi-k2",
        "tiny_aya",
        "cohere2moe",
    )
    for text in CORPUS:
        if unicodedata.normalize("NFC", text) != text or "tool_call" in text:
            continue
        if rewritten and any(unicodedata.category(c).startswith("M") for c in text):
            continue
        assert ours.encode(text) == theirs.tokenize(text.encode(), add_bos=False, special=False), text


@pytest.mark.oracle
@pytest.mark.large
@pytest.mark.parametrize(
    "case", ["bpe", "bpe without a dummy space", "bpe with symbols", "unigram", "unigram without a dummy space"]
)
def test_ids_are_those_of_sentencepiece_itself(case: str) -> None:
    sys.path.insert(0, str(GOLDEN))
    from make_vocabularies import CASES, texts, train

    known, given = train(*CASES[case], size=900)
    tokenizer = build(tokenizer_from_gguf(metadata(given), "x.gguf"))
    plain = [text for text in texts() if SPACE not in text]
    different = [text for text in plain if tokenizer.encode_text([(text, False)]) != known.encode(text)]
    assert len(different) <= (1 if "unigram" in case else 0), different  # cuts of one score


def test_every_pre_tokenizer_splits_and_joins() -> None:
    for split in set(PRE_TOKENIZERS.values()):
        for pattern in split.patterns:
            pieces = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
            for text in CORPUS:
                assert "".join(piece for piece, _ in pieces.pre_tokenize_str(text)) == text


CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
PUBLISHED = {  # as their tokenizer.json files have them
    "exaone-moe": CONTRACTIONS
    + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+",
    "jais-2": CONTRACTIONS
    + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)"
    r"|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_shorter_expression_splits_as_the_published_one(name: str) -> None:
    texts = [*CORPUS, "a b  c\u0301 d\u0301e f\n g", "x" + " " * 700 + "y" + " " * 37, "\t\t\t a//\n b/ \r\n1 23 4567"]
    (pattern,) = PRE_TOKENIZERS[name].patterns
    ours, theirs = (
        tokenizers.pre_tokenizers.Split(tokenizers.Regex(one), "isolated") for one in (pattern, PUBLISHED[name])
    )
    for text in texts:
        assert ours.pre_tokenize_str(text) == theirs.pre_tokenize_str(text), text


@pytest.mark.parametrize("pre", OF_CHARACTERS)
def test_merges_of_characters_are_known_by_their_pre_tokenizer(pre: str) -> None:
    words = "▁a ▁b ab".split()
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), *"▁ab", *words]
    kinds = [2, 3, 3, *[6] * 256, *[1] * (3 + len(words))]
    given = {"tokens": tokens, "token_type": kinds, "merges": ["▁ a", "▁ b", "a b"]}
    as_gemma = tokenizer_from_gguf(metadata({**given, "model": "gemma4"}), "x.gguf")
    ours = tokenizer_from_gguf(metadata({**given, "model": "gpt2", "pre": pre}), "x.gguf")
    assert ours.json == as_gemma.json
    ids = build(ours).encode_text([("ab a bé", False)], bos=False)
    assert [tokens[id] for id in ids] == ["ab", "▁a", "▁b", "<0xC3>", "<0xA9>"]


def tekken(tokens: list[bytes], **config: Any) -> dict[str, Any]:
    vocab = [{"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": None} for i, t in enumerate(tokens)]
    sizes = {"default_vocab_size": len(tokens) + 30, "default_num_special_tokens": 30}
    return {"config": {"pattern": PRE_TOKENIZERS["tekken"].patterns[0], **sizes, **config}, "vocab": vocab}


def test_mistrals_own_file_has_the_tokens_of_its_ranks() -> None:
    """Against the tokenizers library, which trains the merges that a tekken.json leaves out."""
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(PRE_TOKENIZERS["tekken"].patterns[0]), "isolated")
    trained = tokenizers.Tokenizer(tokenizers.models.BPE())
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trained.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([split, byte_level])
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=600, initial_alphabet=sorted(alphabet), show_progress=False)
    trained.train_from_iterator(CORPUS, trainer)
    names = sorted(trained.get_vocab(), key=trained.get_vocab().get)  # type: ignore[arg-type]
    whole = tekken([bytes(BYTE_OF[c] for c in name) for name in names])
    ours = Tokenizer(sanitize(describe_tekken(whole), len(names) + 30), "<s>", "</s>", add_bos=True)
    for text in CORPUS:
        ids = ours.encode_text([(text, True)])
        assert ids == [1, *(30 + id for id in trained.encode(text).ids)], text
        assert ours.decode(ids) == text
    assert ours.encode_control("[INST]a[/INST]</s>")[::2] == [3, 4] and ours.id("<SPECIAL_29>") == 29


BYTES = [bytes([b]) for b in range(256)]


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        ({}, "no config"),
        (tekken(BYTES, pattern=5), "no config"),
        (tekken(BYTES, default_vocab_size=10), "not sensible"),
        (tekken(BYTES[1:]), "all bytes"),
        (tekken([*BYTES, b"a"]), "all bytes"),
        ({**tekken(BYTES), "vocab": [{"rank": 0, "token_bytes": "?"}]}, "all bytes"),
        ({**tekken(BYTES), "special_tokens": [{"rank": 99, "token_str": "<s>"}]}, "no place"),
        (tekken([*BYTES, b"a" * 10_000]), "too long"),
        ({**tekken(BYTES), "special_tokens": [{"rank": 1, "token_str": "a"}]}, "twice"),
    ],
)
def test_damaged_files_of_mistrals_are_refused(whole: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        describe_tekken(whole)


def test_gemmas_tokenizer_json_gives_the_ids_of_its_gguf() -> None:
    """As Gemma 3 has it: a split at spaces that the normalizer has replaced already, white space and HTML among the
    added tokens, a BOS from the post-processor."""
    given = TRAINED["cases"]["bpe without a dummy space"]["metadata"]
    ours = trained_once("bpe without a dummy space")
    whole = json.loads(tokenizer_from_gguf(metadata(given), "x.gguf").json)
    for token in whole["added_tokens"]:
        token["normalized"] = False
    split = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}]}
    whole |= {"pre_tokenizer": split, "post_processor": template}
    assert take_dummy_space(whole) == ""
    theirs = Tokenizer(sanitize(whole, 1000), "<s>", "</s>")
    for text in TRAINED["texts"]:
        if SPACE not in text and "   " not in text:  # runs of spaces are merges there, in Gemma's own order
            assert theirs.encode(text) == ours.encode(text), text
