"""Wire: one file per API protocol; the bytes of an exchange become items and steps. Pure.

Nothing is imported here: the proxy needs `body` alone.
"""
