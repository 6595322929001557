"""How text is split before byte-pair encoding: what GGUF files name by a word and tokenizer.json files spell out.

The regular expressions are those of the original tokenizer.json files (or tiktoken's, where a model came with that).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_QWEN2 = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_QWEN35 = _QWEN2.replace(r"\p{L}+|", r"[\p{L}\p{M}]+|").replace(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}\p{M}\p{N}]")
_LLAMA3 = _QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
_JAIS2 = _LLAMA3.removesuffix(r"|\s+(?!\S)|\s+") + "".join(
    [*(rf"|\s{{{2**n}}}(?!\S)" for n in range(9, 1, -1)), r"|\s{1,2}(?!\S)|\s{1}"]
)
_EXAONE_MOE = (  # words with single spaces between them are one
    _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}(?: ?\p{L}|\p{M})*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?"
    r"|\s*[\r\n]|\s+(?!\S)|\s+"
)
_SEED = _QWEN2.replace(r"|\p{N}|", r"|\p{N}{1}|").replace(r"[^\s\p{L}\p{N}]+[\r\n]*", r"[^\s\p{L}\p{N}\r\n]+")
_BAILING = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def _cased(ending: str, digits: str, marks: str, but: str = "") -> str:
    """Words whose capitals come first, as in o200k_base: `ending` may close a word, `marks` a run of marks, and no
    letter is one of `but`."""
    upper, lower = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}" + but + "]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}" + but + "]"
    begin = r"[^\r\n\p{L}\p{N}]?"
    words = f"{begin}{upper}*{lower}+{ending}|{begin}{upper}+{lower}*{ending}"
    return rf"{words}|{digits}| ?[^\s\p{{L}}\p{{N}}]+{marks}|\s*[\r\n]+|\s+(?!\S)|\s+"


_TEKKEN = _cased("", r"\p{N}", r"[\r\n/]*")
_O200K = _cased(f"{_CONTRACTIONS}?", r"\p{N}{1,3}", r"[\r\n/]*")
_KIMI = r"[\p{Han}]+|" + _cased(f"{_CONTRACTIONS}?", r"\p{N}{1,3}", r"[\r\n]*", r"&&[^\p{Han}]")
_YOUTU_MARKS = "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥\u3040-ゟ゠-ヿ]+"
_YOUTU = _cased(f"{_CONTRACTIONS}?", r"\p{N}", r"[\r\n/]*")
_BLOOM = r" ?[^(\s|.,!?…。，、।۔،)]+"
_HAN_KANA = "[一-龥\u3040-ゟ゠-ヿ]+"
_DEEPSEEK3_WORDS = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_AFMOE_CJK = "[一-鿿㐀-䶿豈-\ufaff\u3040-ゟ゠-ヿ･-ﾟ⼀-⿟เ-\u0e7f\u0e80-\u0effក-\u17ffက-႟ꩠ-ꩿ\ua9e0-\ua9ff가-\ud7afᄀ-ᇿ]+"
_CASED_LETTERS = (  # of the Unicode of its day
    "A-Za-z\xb5\xc0-\xd6\xd8-\xf6\xf8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377"
    "\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f"
    "\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77"
    "\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d"
    "\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb"
    "\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128"
    "\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4"
    "\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf"
    "\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3"
    "\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943"
)
_DEEPSEEK_MARKS = "!-/:-~！-／：-～‘-‟\u3000-。"
_DEEPSEEK_CJK = "[一-龥\u0800-一가-\ud7ff]+"


@dataclass(frozen=True)
class PreTokenizer:
    """Regular expressions that split one after another, and what goes with them where a GGUF file does not say it."""

    patterns: tuple[str, ...]
    nfc: bool = False  # text is normalised to NFC first
    ignore_merges: bool = False  # a word that is a token is not merged together
    add_bos: bool = False


_GPT2_DIGITS = PreTokenizer((r"\p{N}", _GPT2))
_LLAMA = PreTokenizer((_LLAMA3,), ignore_merges=True, add_bos=True)
_CL100K = PreTokenizer((_LLAMA3,))
_QWEN = PreTokenizer((_QWEN2,), nfc=True)
_GPT4O = PreTokenizer((_O200K,))
_DEEPSEEK3 = PreTokenizer((r"\p{N}{1,3}", _HAN_KANA, _DEEPSEEK3_WORDS))
_BY_PATTERN = {
    _QWEN: ("qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez"),
    PreTokenizer((_QWEN2,)): ("hunyuan", "stablelm2", "solar-open", "grok-2"),
    PreTokenizer((_QWEN35,), nfc=True): ("qwen35",),
    PreTokenizer((_QWEN2.removeprefix(f"{_CONTRACTIONS}|"),)): ("ufakzeka",),
    PreTokenizer((r"[^\n]+|[\n]+", _QWEN2)): ("laguna",),
    _LLAMA: ("llama-bpe", "llama3", "llama-v3", "lfm2", "pixtral", "falcon3", "falcon-h1", "midm-2.0", "jina-v5-nano"),
    _CL100K: ("dbrx", "smaug-bpe", "chatglm-bpe"),
    replace(_CL100K, ignore_merges=True): ("glm4", "glm5"),
    PreTokenizer((r"\p{N}{1,3}", _LLAMA3.replace("{1,3}", "+")), ignore_merges=True): ("minicpm5",),
    PreTokenizer((_TEKKEN,), ignore_merges=True, add_bos=True): ("tekken",),
    _GPT4O: ("gpt-4o", "kanana2", "talkie", "minimax-m2"),
    replace(_GPT4O, ignore_merges=True): ("llama4", "granite-embed-multi-97m"),
    PreTokenizer((r"\d{1,3}(?=(?:\d{3})*\b)", _O200K)): ("tiny_aya", "cohere2moe"),
    PreTokenizer((_KIMI,)): ("kimi-k2",),
    _DEEPSEEK3: ("deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"),
    PreTokenizer(
        (r"\p{N}{1,3}", _HAN_KANA, _DEEPSEEK3_WORDS.replace(r"[\r\n]*|\s*[\r\n]+", r"|[\r\n]"), r"\p{N}")
    ): ("spark2_5",),
    PreTokenizer(
        (r"[\r\n]", rf"\s?[{_CASED_LETTERS}]+", rf"\s?[{_DEEPSEEK_MARKS}]+", r"\s+$", _DEEPSEEK_CJK, r"\p{N}+")
    ): ("deepseek-llm",),
    PreTokenizer((r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", _DEEPSEEK_CJK, r"\p{N}")): ("deepseek-coder",),
    PreTokenizer((_SEED,)): ("seed-coder",),
    PreTokenizer((_JAIS2,)): ("jais-2",),
    PreTokenizer((_EXAONE_MOE,)): ("exaone-moe",),
    PreTokenizer((_BAILING,)): ("bailingmoe", "bailingmoe2", "llada-moe"),
    _GPT2_DIGITS: (
        "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2",
    ),
    PreTokenizer((_GPT2,)): (
        "gpt-2", "phi-2", "exaone4", "gigachat", "a.x-4.0", "mellum", "jais", "trillion", "granite-docling",
        "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "jina-v1-en", "jina-v2-code", "roberta-bpe",
    ),
    PreTokenizer((_GPT2,), nfc=True): ("mpt", "olmo", "modern-bert"),
    PreTokenizer((r"[\p{P}\$\+<=>\^~\|`]+", _GPT2, "[0-9][0-9][0-9]")): ("falcon",),
    PreTokenizer((_BLOOM,)): ("bloom", "gpt3-finnish", "poro-chat"),
    PreTokenizer((_BLOOM, r"\p{N}")): ("viking",),
    PreTokenizer((_YOUTU_MARKS, _YOUTU), ignore_merges=True): ("youtu",),
    PreTokenizer((r"\p{N}+", r"(?=(?:\d{3})++(?!\d))")): ("superbpe",),  # tokens of several words
    PreTokenizer((r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))", _AFMOE_CJK, _DEEPSEEK3_WORDS)): ("afmoe",),
    PreTokenizer(
        ("<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", r"[\t\n]|    |  ", r"\p{N}", r"[\p{P}!-/:-@\[-`{-~]", _GPT2),
        add_bos=True,
    ): ("chameleon",),
}  # fmt: skip

PRE_TOKENIZERS = {name: split for split, names in _BY_PATTERN.items() for name in names}
"""By the value of `tokenizer.ggml.pre`."""

OF_CHARACTERS = ("sarvam-moe", "granite-embed-multi-311m", "mmbert")
"""Those of `gpt2` whose merges are of characters and that nothing splits, as Gemma 4's are."""
