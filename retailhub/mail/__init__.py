"""What people are told by e-mail, if they want it: an incident when it begins, and their day.

Each is a row with a key of its own, written with the fact or by the clock, and sent by a worker.
"""
