"""A simulated group over two months: its people, tasks and skills, judged and rolled out by the real code."""
