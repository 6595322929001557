"""vLLM as a backend: the door keeps the model's language, vLLM computes its tokens. From the top down:

backend.py        the `TokenBackend`: prompts and answers as token ids, thinking and calls as everywhere
request.py        what a completion is asked for, and what of it vLLM has no way to do
client.py         the HTTP of one vLLM: what it is, its streams, its errors
process.py        a vLLM of our own, started from the program; keeper.py: the process that ends it with us
folder.py         a GGUF file as the folder that vLLM reads
plan.py           where vLLM is, or how it is started
"""
