"""llama.cpp's eyes, mtmd, on a text's GGUF file and an mmproj file beside it, as llama-cpp-python has them."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


class Mtmd:
    """Both files, loaded with their best flags. Raises RuntimeError where they cannot be."""

    def __init__(self, text: Path, mmproj: Path, threads: int, context: int = 4096) -> None:
        with _silence():
            import llama_cpp
            from llama_cpp import mtmd_cpp

            self.llama, self.mtmd = llama_cpp, mtmd_cpp
            self.model = llama_cpp.Llama(
                str(text),
                n_ctx=context,
                n_batch=2048,
                n_ubatch=512,
                n_threads=threads,
                n_threads_batch=threads,
                flash_attn=True,
                verbose=False,
            )
            settings = mtmd_cpp.mtmd_context_params_default()
            settings.use_gpu, settings.print_timings, settings.n_threads, settings.warmup = False, False, threads, True
            self.context = mtmd_cpp.mtmd_init_from_file(str(mmproj).encode(), self.model.model, settings)
        if not self.context:
            raise RuntimeError(f"llama.cpp cannot load {mmproj.name}")

    def first_token(self, pixels: np.ndarray, question: str) -> float:
        """Seconds from pixels, uint8 [height, width, 3], and a question to the logits of what follows. Raises
        RuntimeError."""
        with _silence():
            memory = self.llama.llama_get_memory(self.model.ctx)
            self.llama.llama_memory_clear(memory, True)
            start = time.perf_counter()
            chunks = self._chunks(pixels, question)
            past = self.llama.llama_pos()
            failed = self.mtmd.mtmd_helper_eval_chunks(
                self.context, self.model.ctx, chunks, 0, 0, 512, True, ctypes.byref(past)
            )
            self.mtmd.mtmd_input_chunks_free(chunks)
        if failed:
            raise RuntimeError("llama.cpp cannot answer about the picture")
        return time.perf_counter() - start

    def look(self, pixels: np.ndarray) -> tuple[np.ndarray, float]:
        """The embeddings of a picture's tokens, float32 [tokens, width], and the seconds that it took. Raises
        RuntimeError."""
        with _silence():
            chunks = self._chunks(pixels, "")
            found = []
            start = time.perf_counter()
            for i in range(self.mtmd.mtmd_input_chunks_size(chunks)):
                chunk = self.mtmd.mtmd_input_chunks_get(chunks, i)
                if self.mtmd.mtmd_input_chunk_get_type(chunk) == self.mtmd.MTMD_INPUT_CHUNK_TYPE_IMAGE:
                    if self.mtmd.mtmd_encode_chunk(self.context, chunk):
                        raise RuntimeError("llama.cpp cannot look at the picture")
                    tokens = self.mtmd.mtmd_input_chunk_get_n_tokens(chunk)
                    width = self.llama.llama_model_n_embd_inp(self.model.model)
                    given = self.mtmd.mtmd_get_output_embd(self.context)
                    found.append(np.ctypeslib.as_array(given, shape=(tokens, width)).copy())
            seconds = time.perf_counter() - start
            self.mtmd.mtmd_input_chunks_free(chunks)
        return np.concatenate(found), seconds

    def _chunks(self, pixels: np.ndarray, question: str) -> Any:
        height, width = pixels.shape[:2]
        flat = np.ascontiguousarray(pixels).reshape(-1)
        bitmap = self.mtmd.mtmd_bitmap_init(width, height, flat.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8)))
        said = self.mtmd.mtmd_default_marker() + question.encode()
        text = self.mtmd.mtmd_input_text(said, len(said), False, True)
        chunks = self.mtmd.mtmd_input_chunks_init()
        one = (self.mtmd.mtmd_bitmap_p_ctypes * 1)(bitmap)
        if self.mtmd.mtmd_tokenize(self.context, chunks, ctypes.byref(text), one, 1):
            raise RuntimeError("llama.cpp cannot read the picture")
        self.mtmd.mtmd_bitmap_free(bitmap)
        return chunks


@contextmanager
def _silence() -> Iterator[None]:
    """What C writes to stderr goes nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
