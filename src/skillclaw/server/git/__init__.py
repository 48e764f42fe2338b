"""A hub's skills as a git repository, with the story of each (`skillclaw skills export`)."""
