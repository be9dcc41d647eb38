-- Whose feed is followed, and how far it got: {generation, identity, epoch, rules, {shard, mark, ...}}, or nothing; or
-- `foreign` where it is another ledger's than the one that the caller is bound to.
--
-- ARGV: the identity that the caller is bound to, '' for none.

local followed = call('HGET', root, 'followed')
if not followed then
  return false
end
if is_foreign(followed, ARGV[1]) then
  return 'foreign'
end
local base = root .. ':' .. followed .. ':'
local state = call('HMGET', base .. 'state', 'identity', 'epoch', 'rules')
if not state[1] then
  return false -- a batch failed half way
end
return { followed, state[1], state[2], state[3], call('HGETALL', base .. 'marks') }
