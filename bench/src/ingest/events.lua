-- Makes the requests of wrk, each with events of its own, and prints what wrk counted as one line of JSON.
-- The arguments are those of `wrkArgs` in traffic.ts.
local name, batch, known, newShare, patchShare, idempotentShare, properties, patch
local made = 0

function init(args)
  name, batch, known = args[1], tonumber(args[3]), tonumber(args[4])
  newShare, patchShare, idempotentShare = tonumber(args[5]), tonumber(args[6]), tonumber(args[7])
  properties = ',"eventProperties":' .. args[8]
  patch = ',"contactProperties":' .. args[9]
  math.randomseed(tonumber(args[2]))
end

local function word()
  return math.random(0, 0x7fffffff)
end

local function event()
  made = made + 1
  local user = math.random() < newShare and name .. "_" .. made or "user_" .. math.random(known)
  local body = '{"name":"order_placed","userId":"' .. user .. '"' .. properties
  if math.random() < patchShare then
    body = body .. patch
  end
  if math.random() < idempotentShare then
    body = body .. string.format(',"idempotencyKey":"%08x%08x%08x%08x"', word(), word(), word(), word())
  end
  return body .. "}"
end

function request()
  if batch == 0 then
    return wrk.format("POST", nil, nil, event())
  end
  local events = {}
  for at = 1, batch do
    events[at] = event()
  end
  return wrk.format("POST", nil, nil, '{"events":[' .. table.concat(events, ",") .. "]}")
end

function done(summary, latency)
  local errors = summary.errors
  print(
    string.format(
      '{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"refused":%d,"broken":%d}',
      summary.requests,
      summary.duration / 1e6,
      latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3,
      errors.status,
      errors.connect + errors.read + errors.write + errors.timeout
    )
  )
end
