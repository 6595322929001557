"""Text to token ids and back, from files that may be hostile.

tokenizer.py       encodes, decodes, and detokenizes as tokens come
byte_pairs.py      short texts by byte-level BPE, without the library's vocabulary
tokenizer_json.py  which tokenizer.json is let through; safe_patterns.py and probe.py: which of its patterns
gguf/              the tokenizer in a GGUF file's metadata, a file for each kind; pre_tokenizers.py: how one splits text
tekken.py          Mistral's own file of a vocabulary as a tokenizer.json; vocabulary_files.py: SentencePiece's, and
                   words with merges
dummy_space.py     the space that SentencePiece puts before a text; charsmap.py: its table of characters, checked
control.py, stops.py, fim.py  control tokens in text, tokens that end a reply, tokens for filling in the middle
constraint.py      masks over the vocabulary, and what a constraint is
"""
