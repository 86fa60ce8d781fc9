"""Every route of the console, by who may take it."""

from __future__ import annotations

import re
from typing import Any

PAGES = (
    "/queue/",
    "/queue/rows?ids=1",
    "/queue/{case}/",
    "/causes/{cause}/",
    "/replays/",
    "/replays/{run}/",
    "/queue/{case}/edit/",
    "/queue/{case}/try/",
    "/rules/",
    "/rules/{fix}/",
    "/orders/",
    "/orders/{order}/",
    "/connections/",
    "/connections/webshop/",
    "/inventory/",
    "/inventory/MUG/",
    "/inventory/id/{item}/",
    "/inventory/runs/",
    "/inventory/runs/{file}/",
    "/inventory/rules/",
    "/inventory/rules/{stock_rule}/",
    "/mappings/sku/",
    "/me/",
    "/views/",
    "/search/?q=x",
    "/search/options/?q=x",
    "/audit/",
    "/live/since?topic=queue&seq=0",
)


WORK = {
    "/queue/{case}/claim/": {"version": "1"},
    "/queue/{case}/take_over/": {"version": "1", "reason": "Ill"},
    "/queue/{case}/note/": {"text": "Hello"},
    "/inventory/id/{item}/push/?channel=webshop": {},
    "/inventory/id/{item}/recount/": {"level": "{level}", "reason": "Empty box"},
    "/queue/{case}/resolve/": {"version": "1", "reason": "Done"},
    "/queue/{case}/skip/": {"reason": "Not mine"},
    "/queue/take/": {},
    "/me/save/": {"theme": "dark"},
    "/views/keep/": {"name": "Mine", "query": "view=mine"},
    "/queue/{case}/edit/": {"then": "save", "reason": "Wrong"},
    "/queue/{case}/edit/first/": {},
}


LEAD_PAGES = ("/ownership/",)


# These are pages too: looking at them is no mistake.
BOTH = ("/edit/", "/rule/")


LEADS = {
    "/inventory/id/{item}/pause/?channel=webshop": {"reason": "Recall"},
    "/inventory/id/{item}/resume/?channel=webshop": {},
    "/queue/{case}/assign/": {"version": "1", "team": "{team}"},
    "/ownership/rules/save/": {"position": "5", "team": "{team}"},
    "/ownership/rules/{rule}/remove/": {},
    "/ownership/apply/": {"key": "not the one that was shown"},
    "/ownership/absences/save/": {"person": ""},
    "/ownership/absences/{absence}/remove/": {},
    "/queue/{case}/ignore/": {"version": "1", "reason": "Never"},
    "/queue/{case}/mapping/": {"other": "MUG"},
    "/queue/causes/{cause}/replay/": {},
    "/causes/{cause}/merge/": {"into": "{cause}", "reason": "Same"},
    "/causes/{cause}/split/": {"cases": "999999", "title": "Own", "reason": "Not the same"},
    "/causes/{cause}/undo/{line}/": {},
    "/replays/select/": {"ids": "{case}"},
    "/replays/select/all/": {},
    "/replays/{run}/pause/": {},
    "/queue/{case}/rule/": {"then": "preview"},
    "/rules/{fix}/end/": {},
    "/replays/{run}/again/": {},
    "/mappings/sku/save/": {
        "connection": "{connection}",
        "external_code": "X",
        "internal_code": "MUG",
    },
}


ADMINS = {"/audit/{act}/erase/": {"reason": "The customer asked for it"}}


OPS_PAGES = ("/system/", "/audit/export/")


OPS = {
    "/inventory/rules/new/": {"knob": "BUFFER", "value": "-1"},
    "/inventory/rules/{stock_rule}/save/": {"knob": "BUFFER", "value": "-1"},
    "/inventory/rules/{stock_rule}/remove/": {"seen": "{stock_rule_seen}"},
    "/connections/webshop/test/": {},
    "/connections/webshop/pause/": {"reason": "Night"},
    "/connections/webshop/resume/": {},
}


POSTS: dict[str, Any] = {**WORK, **LEADS, **OPS, **ADMINS}


OF_LEADS = list(LEADS)


OF_A_TEAM = [path for path in POSTS if not re.search("causes|recount|/take/|/me/|/views/", path)]


NAMES_NOTHING = ("/audit/", "/inventory/rules/", "mappings", "ownership", "/replays/select")


LEADS_AWAY = "/queue/next/"


# Nobody's but the person's who made them: tests/console/test_saved_views.py.
ONE_S_OWN = ("/views/{view}/change/", "/views/{view}/move/", "/views/{view}/remove/")
