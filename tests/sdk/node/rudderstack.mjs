import RudderAnalytics from "@rudderstack/rudder-sdk-node"
import { calls, fail, host, key } from "./calls.mjs"

const client = new RudderAnalytics(key, { dataPlaneUrl: host, errorHandler: fail })
calls(client)
await client.flush()
