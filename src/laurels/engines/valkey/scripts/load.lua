-- Put some members into the generation that is being loaded. Gives `taken`, or `moved` where it is not any more.
--
-- ARGV: generation, and MessagePack: {members, scores, merged}, where
--   members are number, what is known of it as it is kept, and its id or '' (`+` in front of a listed one)
--   scores are by board: number, score as a text, entry in the ranking or '' ('?': of a member of an earlier part)
--   merged are number and the number that it became

local generation = ARGV[1]
if call('HGET', root, 'loading') ~= generation then
  return 'moved'
end
local base = root .. ':' .. generation .. ':'
local members, scores, merged = unpack(cmsgpack.unpack(ARGV[2]))
for place = 1, #members, 3 do
  local member, text, id = members[place], members[place + 1], members[place + 2]
  local key, field = bucket_of(base, member)
  call('HSET', key, field, text)
  if id ~= '' then
    call('HSET', base .. 'numbers', id, member)
  end
end

-- The entry of a member that is here already; '' for one that is not listed.
local function known_entry(member)
  local text = call('HGET', bucket_of(base, member))
  local name_number = text and string.match(text, '^%+(%d+) ')
  return name_number and entry_of(member, name_number) or ''
end

for board, having in pairs(scores) do
  call('SADD', base .. 'boards', board)
  local ranked = {}
  for place = 1, #having, 3 do
    local key, index = sums_of(base, board, having[place])
    -- Touching the last place first makes an array whole at once.
    call('BITFIELD', key, 'INCRBY', 'i64', '#' .. CHUNK - 1, 0, 'SET', 'i64', index, having[place + 1])
    local entry = having[place + 2]
    if entry == '?' then
      entry = known_entry(having[place])
    end
    if entry ~= '' then
      ranked[#ranked + 1] = -within_points(tonumber(having[place + 1]))
      ranked[#ranked + 1] = entry
    end
    if #ranked >= 1000 then -- a call takes only so many arguments
      call('ZADD', base .. 'ranking:' .. board, unpack(ranked))
      ranked = {}
    end
  end
  if #ranked > 0 then
    call('ZADD', base .. 'ranking:' .. board, unpack(ranked))
  end
end
for place = 1, #merged, 2 do
  call('HSET', base .. 'into', merged[place], merged[place + 1])
  call('SADD', base .. 'became:' .. merged[place + 1], merged[place])
end
return 'taken'
