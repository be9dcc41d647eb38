-- Begin a new generation, which is not served yet, and give its number.
--
-- ARGV: the newest generation that the caller has seen, identity, epoch, rules.
-- The number is the server's clock in microseconds, and always above the ones before: so a process that has seen a
-- newer generation than the one that is served knows that the server came back with older data.

local now = call('TIME')
local generation = math.max(
  tonumber(now[1]) * 1000000 + tonumber(now[2]),
  tonumber(ARGV[1]) + 1,
  tonumber(call('HGET', root, 'served') or 0) + 1,
  tonumber(call('HGET', root, 'followed') or 0) + 1
)
generation = string.format('%.0f', generation)
call('HSET', root, 'followed', generation)
call('HSET', root .. ':' .. generation .. ':state',
  'identity', ARGV[2], 'epoch', ARGV[3], 'rules', ARGV[4])
return generation
