"""The command `selfloop`: one file a sub-command, one table of them."""
