-- Whose feed is followed, and how far it got: {generation, identity, epoch, rules, {shard, mark, ...}}, or nothing.

local followed = call('HGET', root, 'followed')
if not followed then
  return false
end
local base = root .. ':' .. followed .. ':'
local state = call('HMGET', base .. 'state', 'identity', 'epoch', 'rules')
return { followed, state[1], state[2], state[3], call('HGETALL', base .. 'marks') }
