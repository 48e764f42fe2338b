"""Configured mode: upstreams of the user's settings, with their own key, model names, protocol,
retries and stand-ins; and the skill index in the system prompt of agents without skills folders.

The proxy's front makes one `service.Configured`, asks it with `takes`, and hands it whole requests with
`answer`. Nothing is imported here: the server knows `offered`, and needs no HTTP client for it.
"""
