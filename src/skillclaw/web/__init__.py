"""Pages that people look at: the dashboard, and the report of a cycle as one HTML file."""
