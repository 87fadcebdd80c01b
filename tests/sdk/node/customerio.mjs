import { Analytics } from "@customerio/cdp-analytics-node"
import { calls, fail, host, key } from "./calls.mjs"

const client = new Analytics({ writeKey: key, host })
client.on("error", fail)
calls(client)
await client.closeAndFlush()
