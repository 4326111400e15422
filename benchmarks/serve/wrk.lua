-- One body after the other, from a file with one a line; at the end what was measured, as one JSON line.
-- Arguments behind `--`: the file of bodies.

local requests, at, workers = {}, 0, {}

sent = 0

function setup(thread)
  workers[#workers + 1] = thread
end

function init(args)
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  for body in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, nil, body)
  end
end

function request()
  sent = sent + 1
  at = at % #requests + 1
  return requests[at]
end

-- `wrk` counts no error where a server closes a connection instead of answering: `sent` shows it.
function done(summary, latency, all)
  local e, asked = summary.errors, -1 -- the first thread makes one request to look at it
  for _, thread in ipairs(workers) do
    asked = asked + thread:get("sent")
  end
  io.write(string.format(
    '\n{"requests":%d,"sent":%d,"seconds":%.6f,"p50_ms":%.4f,"p95_ms":%.4f,"p99_ms":%.4f,"status":%d,"socket":%d}\n',
    summary.requests, asked, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
