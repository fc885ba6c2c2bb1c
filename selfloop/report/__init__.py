"""How results are shown: figures, tables, one page."""
