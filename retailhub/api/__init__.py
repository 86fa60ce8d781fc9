"""The API at `/api/v1/`: orders in, states and cases out, for programs.

A request meets, in this order: `view.py` (trace, headers) → `authentication.py` (which key) →
`throttling.py` (how often) → its scope → one class per operation. Whatever goes wrong becomes a
problem document in `problems.py`. `/api/v1/schema/` describes it all as OpenAPI.
"""
