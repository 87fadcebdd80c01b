import { Analytics } from "@segment/analytics-node"
import { calls, fail, host, key } from "./calls.mjs"

const client = new Analytics({ writeKey: key, host, flushAt: 4 })
client.on("error", fail)
calls(client)
await client.closeAndFlush()
