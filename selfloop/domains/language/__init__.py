"""The language domain: documents, models that write them, and what repairs or selects them."""
