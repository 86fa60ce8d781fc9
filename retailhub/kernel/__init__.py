"""What every app stands on: errors, facts, work, money, time-ordered ids, traces.

Imports nothing of ours and owns no table.
"""
