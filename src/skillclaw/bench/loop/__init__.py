"""Days and nights: does an agent whose skills evolve do better than the same agent without?"""
