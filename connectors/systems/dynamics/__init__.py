"""Dynamics 365 Business Central, API v2.0: what is in stock, asked for again and again.

Base URL: the environment's, e.g. `https://api.businesscentral.dynamics.com/v2.0/<tenant>/production`.
Credentials `client_id` and `client_secret` of an app registered in Entra and in Business Central.
Settings: `tenant_id`, `company_id`, `location` (the code of the place its stock lies at), and
`token_url` and `scope` where they are not Microsoft's own.
"""
