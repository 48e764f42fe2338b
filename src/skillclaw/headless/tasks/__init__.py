"""Tasks that an agent works on in a closed room, and what grades its work."""
