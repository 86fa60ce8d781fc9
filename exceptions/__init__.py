"""What needs a person.

The operator's desk over everything: a `Cause` groups cases by fingerprint, an `ExceptionCase`
points at the message or order that is stuck, `OwnershipRule` says which team has it, `playbook.py`
says what it means and what to press, `SlaPolicy` by when.
"""
