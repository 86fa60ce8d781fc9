"""Writes of the hub: receive, process, enqueue, deliver, resolve, replay, poll, probe."""
