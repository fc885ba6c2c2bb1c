"""Readers and writers of motion files, one format a module."""
