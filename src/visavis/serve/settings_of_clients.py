"""What browser clients fetch before they send: settings that switch nothing else on."""

from __future__ import annotations

from typing import Any


def segment(key: str, host: str, secure: bool) -> dict[str, Any]:
    """GET /v1/projects/KEY/settings, for Segment's and Customer.io's browser clients."""
    # each client sends by its own entry; nothing of it may look like a script to be loaded
    own: dict[str, Any] = {
        "apiKey": key,
        "apiHost": f"{host}/v1",
        "protocol": "https" if secure else "http",
        "unbundledIntegrations": [],
        "addBundledMetadata": False,
        "maybeBundledConfigIds": {},
    }
    return {
        "integrations": {"Segment.io": own, "Customer.io Data Pipelines": own},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def rudder(key: str, host: str, secure: bool) -> dict[str, Any]:
    """GET /sourceConfig/, for RudderStack's browser client."""
    return {
        "source": {
            "id": key,
            "name": "visavis",
            "writeKey": key,
            "enabled": True,
            "workspaceId": "visavis",
            "config": {"statsCollection": {"errors": {"enabled": False}}},
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        },
        "updatedAt": "2024-01-01T00:00:00.000Z",
    }


def posthog_config() -> dict[str, Any]:
    """GET /array/KEY/config, for PostHog's browser client.

    It says nothing of surveys: even a no makes the client ask for their script.
    """
    return {
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": False,
        "captureDeadClicks": False,
        "capturePerformance": False,
        "autocapture_opt_out": True,
        "autocaptureExceptions": False,
        "analytics": {"endpoint": "/batch/"},
        "elementsChainAsString": True,
        "sessionRecording": False,
        "heatmaps": False,
        "defaultIdentifiedOnly": True,
        "siteApps": [],
    }


def posthog_definitions() -> dict[str, Any]:
    """GET /flags/definitions, which servers evaluate by themselves: there are no flags."""
    return {"flags": [], "group_type_mapping": {}, "cohorts": {}}


def none_of(what: str) -> dict[str, Any]:
    """An answer that lists things, and there are none of them."""
    return {what: []}


def posthog_flags() -> dict[str, Any]:
    """POST /flags/: there are none."""
    return {
        "config": {"enable_collect_everything": True},
        "featureFlags": {},
        "featureFlagPayloads": {},
        "flags": {},
        "errorsWhileComputingFlags": False,
        "isAuthenticated": False,
        "supportedCompression": ["gzip", "gzip-js"],
        "sessionRecording": False,
        "toolbarParams": {},
        "requestId": "0",
    }
