// The first generation, which many pages still load.
import * as client from "rudder-sdk-js"
import { calls, view } from "./calls.js"

function load(host, key, more) {
  const to = `http://${host}`
  client.load(key, to, { configUrl: to, ...more })
  return new Promise((done) => client.ready(() => done(client)))
}

globalThis.start = async (host, key) => calls(await load(host, key))
globalThis.arrive = (host, key) => load(host, key, { useBeacon: true })
globalThis.leave = () => client.track(...view)
