-- One dashboard of one moment: counts, the top, a member's own place and its neighbours.
--
-- ARGV: board, the member's id ('' for none), length of the top, neighbours on each side.
-- Gives nothing where no board is served; else
--   {generation, version, confirmed_at, ranked, top}, and for a known member also
--   {number, name number, hidden, points}, and for a ranked one also
--   {rank, position, tied, around, position and rank of the first in it}.
-- `top` and `around` are entries and scores with spaces between.

local board, member_id, top, around = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local served = call('HGET', root, 'served')
if not served then
  return false
end
local base = root .. ':' .. served .. ':'
local ranking = base .. 'ranking:' .. board
local state = call('HMGET', base .. 'state', 'version', 'confirmed_at')
local answer = { served, state[1], state[2], call('ZCARD', ranking), '' }
if top > 0 then
  answer[5] = table.concat(call('ZRANGE', ranking, 0, top - 1, 'WITHSCORES'), ' ')
end

local member = member_id ~= '' and tonumber(call('HGET', base .. 'numbers', member_id) or nil)
if not member then
  return answer
end
local sign, name_number = string.match(call('HGET', bucket_of(base, member)), '^([+-])(%d+)')
local entry = entry_of(member, name_number)
local score = call('ZSCORE', ranking, entry)
answer[6], answer[7], answer[8] = member, tonumber(name_number), sign == '-' and 1 or 0
if not score then
  answer[9] = within_points(sum_of(base, board, member))
  return answer
end
answer[9] = -tonumber(score)

local index = call('ZRANK', ranking, entry)
local rank = 1 + call('ZCOUNT', ranking, '-inf', '(' .. score)
local first = math.max(index - around, 0)
local near = call('ZRANGE', ranking, first, index + around, 'WITHSCORES')
local first_rank = rank
if near[2] ~= score then
  first_rank = 1 + (first == 0 and 0 or call('ZCOUNT', ranking, '-inf', '(' .. near[2]))
end
answer[10], answer[11], answer[12] = rank, index + 1, call('ZCOUNT', ranking, score, score)
answer[13], answer[14], answer[15] = table.concat(near, ' '), first + 1, first_rank
return answer
