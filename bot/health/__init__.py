"""How the service watches itself: alarms, the daily line, the canary's end; HTTP on loopback, systemd.

Imported by module: the command line needs its words, and not its server.
"""
