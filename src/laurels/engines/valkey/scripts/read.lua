-- One dashboard of one moment: counts, the top, a member's own place and its neighbours.
--
-- ARGV: board, the member's id ('' for none), length of the top, neighbours on each side, the stamp of such a top that
-- the caller knows, for it is the same for everybody until a change, so it need not be read and sent again; and the
-- identity of the ledger that the caller is bound to, '' for none.
-- Gives nothing where no board is served, `foreign` where it is another ledger's; else one text, which clients read
-- faster than a list, with a line each for
--   the digest of what was asked and of all that follows
--   generation, version, stamp, confirmed_at, ranked
--   the top: entries and scores, or `=` where the caller knows it
-- and for a known member
--   number, name number, hidden, points
-- and for a ranked one also
--   rank, position, tied, position and rank of the first around
--   around: entries and scores

local board, member_id, top, around = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function answer(...)
  local text = table.concat({ ... }, '\n')
  return redis.sha1hex(table.concat(ARGV, '\n') .. '\n' .. text) .. '\n' .. text
end

local state = call('HMGET', root, 'served', 'version', 'stamp', 'confirmed_at', 'identity')
local served, stamp = state[1], state[3]
if not served then
  return false
end
if ARGV[6] ~= '' and state[5] ~= ARGV[6] and (state[5] or is_foreign(served, ARGV[6])) then
  return 'foreign'
end
local base = root .. ':' .. served .. ':'
local ranking = base .. 'ranking:' .. board
local moment = table.concat({ served, state[2], stamp, state[4], call('ZCARD', ranking) }, ' ')
local first_places = ''
if stamp == ARGV[5] then
  first_places = '='
elseif top > 0 then
  first_places = table.concat(call('ZRANGE', ranking, 0, top - 1, 'WITHSCORES'), ' ')
end

local member = member_id ~= '' and tonumber(call('HGET', base .. 'numbers', member_id) or nil)
if not member then
  return answer(moment, first_places)
end
member = root_of(base, member)
local sign, name_number = string.match(call('HGET', bucket_of(base, member)) or '', '^([+-])(%d+) ')
if not sign then -- what it became has not joined yet, or is erased
  return answer(moment, first_places)
end
local entry = entry_of(member, name_number)
local score = call('ZSCORE', ranking, entry)
local points = score and -tonumber(score) or within_points(sum_of(base, board, member))
local mine = table.concat({ member, name_number, sign == '-' and 1 or 0, points }, ' ')
if not score then
  return answer(moment, first_places, mine)
end

local index = call('ZRANK', ranking, entry)
local rank = 1 + call('ZCOUNT', ranking, '-inf', '(' .. score)
local tied = call('ZCOUNT', ranking, '-inf', score) - rank + 1
local first = math.max(index - around, 0)
local near = call('ZRANGE', ranking, first, index + around, 'WITHSCORES')
local first_rank = rank
if near[2] ~= score then
  first_rank = 1 + (first == 0 and 0 or call('ZCOUNT', ranking, '-inf', '(' .. near[2]))
end
local standing = table.concat({ rank, index + 1, tied, first + 1, first_rank }, ' ')
return answer(moment, first_places, mine, standing, table.concat(near, ' '))
