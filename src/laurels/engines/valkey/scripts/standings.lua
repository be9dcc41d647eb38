-- A part of a whole board, with the shop's ids.
--
-- ARGV: board, index of the first place, how many, and the identity that the caller is bound to, '' for none.
-- Gives nothing where no board is served, `foreign` where it is another ledger's; else {digest of what was asked and of
-- what follows, stamp, entries and scores with spaces between, ids}.

local served, stamp = unpack(call('HMGET', root, 'served', 'stamp'))
if not served then
  return false
end
if is_foreign(served, ARGV[4]) then
  return 'foreign'
end
local base, first = root .. ':' .. served .. ':', tonumber(ARGV[2])
local places = call('ZRANGE', base .. 'ranking:' .. ARGV[1], first, first + tonumber(ARGV[3]) - 1, 'WITHSCORES')
local ids = {}
for place = 1, #places, 2 do
  local member = tonumber(string.sub(places[place], 1, 10))
  ids[#ids + 1] = string.match(call('HGET', bucket_of(base, member)), ' (.*)$')
end
local text = table.concat(places, ' ')
local digest = redis.sha1hex(table.concat(ARGV, '\n') .. '\n' .. stamp .. '\n' .. text .. '\n' .. table.concat(ids, '\n'))
return { digest, stamp, text, ids }
