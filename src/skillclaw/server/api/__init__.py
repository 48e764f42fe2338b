"""The HTTP API of the evolve server (docs/serve-api.md): JSON under /api/v1, metrics, health.

FastAPI and its like are an extra (`serve`) and slow to load, so nothing here is imported before it is wanted.
"""
