"""Who is no visitor: bots and link scanners, told by what they call themselves.

The words are those by which crawlers, link checkers of mail filters, previews of messengers and
monitors name themselves. A headless browser alone is no bot: brands test their own sites with it.
"""

from __future__ import annotations

import re
from functools import lru_cache

WORDS = (
    "bot", "crawl", "spider", "slurp", "scrape", "archiver", "facebookexternalhit",
    "facebookcatalog", "mediapartners-google", "adsbot", "apis-google", "feedfetcher",
    "google-read-aloud", "google-inspectiontool", "googleother", "bingpreview", "yandex.com/bots",
    "baiduspider", "duckduckgo-favicons", "applebot", "petalbot", "bytespider", "gptbot",
    "claudebot", "perplexity", "semrush", "ahrefs", "mj12", "dataforseo", "screaming frog",
    "whatsapp/", "telegrambot", "slackbot", "skypeuripreview", "discordbot", "linkedinbot",
    "twitterbot", "pinterest/", "embedly", "quora link preview", "outbrain", "vkshare",
    "barracuda", "proofpoint", "mimecast", "safelinks", "urldefense", "fireeye", "trendmicro",
    "symantec", "forcepoint", "sophos", "cisco-ironport", "zscaler", "link checker",
    "linkcheck", "w3c_validator", "validator.nu", "lighthouse", "pagespeed", "gtmetrix",
    "pingdom", "uptime", "statuscake", "site24x7", "newrelicpinger", "datadog", "phantomjs",
)  # fmt: skip
"""Parts of a user agent, in lower case, that tell a machine which visits pages by itself."""
_MACHINE = re.compile("|".join(re.escape(word) for word in WORDS))
_NOT = re.compile(r"cubot|\bbotim\b")
"""Phones and apps of people whose names hold one of the words."""


@lru_cache(maxsize=4096)
def by_user_agent(agent: str) -> bool:
    """Whether a user agent is that of a bot or link scanner."""
    low = agent[:1024].lower()
    return bool(_MACHINE.search(_NOT.sub("", low)))
