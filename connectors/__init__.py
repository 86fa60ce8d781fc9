"""The outside world: files are the hub, folders are the systems.

`webhooks.py` is where systems knock; `services/` receive, process, enqueue, deliver, settle and
replay; `systems/` translate between a vendor's words and ours; `registry.py` lists every system.
"""
