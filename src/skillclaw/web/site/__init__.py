"""What all pages of the dashboard stand on: who may look, how a page is written, how it stays current.

`app` puts it together; a page is a module in `web.pages` (docs/dashboard.md).
"""
