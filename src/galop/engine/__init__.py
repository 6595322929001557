"""Runs a plan for many sequences at once. From the top down:

scheduler.py      continuous batching: admission, then a prefill or a decode step; preemption
waiting_queue.py  which sequence is admitted next
prefill.py        a step over prompts, and the scores of their tokens
decode.py         a step of a token each, or of a draft for a sequence that is alone
speculation.py    where drafts come from and how long they should be; step_times.py: what steps take
draft_layer.py    drafts by a layer that the model has for it
next_token.py     masks, sampling, forced tokens; sampling.py: settings and the native sampler
sequence.py       a sequence: its request, status and callbacks
engine.py         sequences in, logits out
kv_cache.py       a sequence's blocks in each part of the model
prefix_cache.py   blocks that prompts may begin with again; disk_cache.py: for later processes
block_pool.py     the memory of a part's blocks
states/           what is kept in blocks, a file per kind: paged, window, latent, recurrent
lower.py          from a plan to the native program
"""
