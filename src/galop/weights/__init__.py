"""File formats, quantised blocks, and packs laid out for kernels.

gguf.py, safetensors.py  headers, and tensors by where they stand in a file (stored_tensor.py)
quant_types.py           the block formats: the table that a new type joins
block_values.py          what their blocks mean, in NumPy; grid_values.py those of IQ1 to IQ3
pack.py                  a model laid out for the kernels, kept on disk
checkpoint.py, tree.py   tensors under their Hugging Face names, and as attributes in a forward pass
files.py, json_files.py  which files a model is made of, and the JSON and templates among them
"""
