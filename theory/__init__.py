"""The theorems of the field, one file each, verified by `verify.py`."""
