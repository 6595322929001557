"""Dialects on one port: from a request to a backend and back. From the top down:

app.py           the application; transport/: HTTP in and out (guard, limits, strict JSON, streams)
dialects/        a file per dialect: its routes, and its replies in its own shapes
request/         fields that dialects share: messages, tools, prompts, sampling, response formats
service.py       from a request to a reply; reply.py: its choices, queued and streamed; reply_events.py
batches/         requests by the thousand in a file, each answered by the application
model_pool.py    models in memory under one budget
api_keys.py, rate_limit.py, metrics.py, errors.py, usage.py
pooling.py       prompts that are only read, for embeddings and reranking
page_session.py  what the page at / needs
"""
