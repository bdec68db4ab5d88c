"""The whole migration against an emulated copy of the target, before the real one is written to.

What the copy is made of is only read; what happens to it is reported, and nothing of it stays.
"""
