"""What the pages show, read from the machine and put into plain records."""
