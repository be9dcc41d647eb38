-- A part of a whole board, with the shop's ids.
--
-- ARGV: board, index of the first place, how many.
-- Gives nothing where no board is served; else {stamp, entries and scores with spaces between, ids}.

local served, stamp = unpack(call('HMGET', root, 'served', 'stamp'))
if not served then
  return false
end
local base, first = root .. ':' .. served .. ':', tonumber(ARGV[2])
local places = call('ZRANGE', base .. 'ranking:' .. ARGV[1], first, first + tonumber(ARGV[3]) - 1, 'WITHSCORES')
local ids = {}
for place = 1, #places, 2 do
  local member = tonumber(string.sub(places[place], 1, 10))
  ids[#ids + 1] = string.match(call('HGET', bucket_of(base, member)), ' (.*)$')
end
return { stamp, table.concat(places, ' '), ids }
