"""One folder per system: `adapter.py` (the class), `client.py` (the wire), `mapping.py` (pure).

Translators only: no Django, no Celery, no models; they do not know each other. What they share lies
beside them: `http.py` and what it stands on (`network.py`, `addresses.py`), `signatures.py` and the
getters of `fields.py`.
"""
