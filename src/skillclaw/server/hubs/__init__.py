"""The hubs that this machine follows: opened once in a process, asked again when it is time or when one
tells of news; and what is done to a whole hub, such as bringing the skills of another storage into it.
"""
