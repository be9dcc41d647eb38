-- Take a batch of one shard's changes and move its mark, both or neither.
--
-- ARGV: generation, shard, position and hash of its mark as the caller left it, position and hash of the new mark, and
-- the changes (MessagePack): {position, kind, member, ...}, in order.
-- Gives `taken`; `old` where the mark is there already; or `moved`, having done nothing.

local generation, shard = ARGV[1], ARGV[2]
if has_moved(generation, shard, tonumber(ARGV[3]), ARGV[4]) then
  return 'moved'
end
local base = root .. ':' .. generation .. ':'
local mark = mark_of(base, shard)
if tonumber(ARGV[5]) <= mark then
  return 'old'
end

-- A server that is full, or must not be written, says so at the first write, and lets a script that has written finish.
call('HSET', base .. 'state', 'last_shard', shard)

local members = {} -- looked up in this batch
local boards = {} -- seen in this batch

local function keep(member, known)
  local key, field = bucket_of(base, member)
  local text = known.erased and '!' or (known.hidden and '-' or '+') .. known.name_number .. ' ' .. known.id
  call('HSET', key, field, text)
  members[member] = known
end

local function look_up(member)
  local known = members[member]
  if known then
    return known
  end
  local text = call('HGET', bucket_of(base, member))
  if not text then
    error('member ' .. member .. ' never joined')
  end
  local sign, name_number, id = string.match(text, '^([+-])(%d+) (.*)$')
  known = { erased = text == '!', hidden = sign == '-', name_number = name_number, id = id }
  members[member] = known
  return known
end

local function rerank(board, entry, before, after)
  if after > 0 then
    call('ZADD', base .. 'ranking:' .. board, -within_points(after), entry)
  elseif before > 0 then
    call('ZREM', base .. 'ranking:' .. board, entry)
  end
end

-- Put a member that is not hidden on every board, or take it off.
local function rank(member, known, on)
  if known.hidden then
    return
  end
  local entry = entry_of(member, known.name_number)
  for _, board in ipairs(call('SMEMBERS', base .. 'boards')) do
    local sum = sum_of(base, board, member)
    rerank(board, entry, on and 0 or sum, on and sum or 0)
  end
end

-- Change what is known of a member, who then stands on the boards accordingly.
local function alter(member, change)
  local known = look_up(member)
  if known.erased then
    return
  end
  rank(member, known, false)
  change(known)
  keep(member, known)
  rank(member, known, true)
end

local take = {}

function take.score(member, points, board)
  local known = look_up(member)
  if known.erased then
    return
  end
  if not boards[board] then
    call('SADD', base .. 'boards', board)
    boards[board] = true
  end
  local key, index = sums_of(base, board, member)
  -- Touching the last place first makes an array whole at once; grown bit by bit it would reserve up to twice that.
  local last = '#' .. CHUNK - 1
  local sum = call('BITFIELD', key, 'OVERFLOW', 'FAIL', 'INCRBY', 'i64', last, 0, 'INCRBY', 'i64', index, points)[2]
  if not sum then
    error('the points of member ' .. member .. ' pass 64 bits')
  end
  if not known.hidden then
    rerank(board, entry_of(member, known.name_number), sum - points, sum)
  end
end

function take.join(member, name_number, id)
  if not id then -- erased since, somewhere further on in the feed
    return keep(member, { erased = true })
  end
  keep(member, { hidden = false, name_number = name_number, id = id })
  call('HSET', base .. 'numbers', id, member)
end

function take.hide(member)
  alter(member, function(known) known.hidden = true end)
end

function take.show(member)
  alter(member, function(known) known.hidden = false end)
end

function take.rename(member, name_number)
  alter(member, function(known) known.name_number = name_number end)
end

function take.erase(member)
  local known = look_up(member)
  if known.erased then
    return
  end
  rank(member, known, false)
  for _, board in ipairs(call('SMEMBERS', base .. 'boards')) do
    local key, index = sums_of(base, board, member)
    if sum_of(base, board, member) ~= 0 then
      call('BITFIELD', key, 'SET', 'i64', index, 0)
    end
  end
  -- Shards are independent: the same person may be back under a new number before this one's erasure is read.
  if tonumber(call('HGET', base .. 'numbers', known.id) or nil) == member then
    call('HDEL', base .. 'numbers', known.id)
  end
  keep(member, { erased = true })
end

local function apply()
  for _, change in ipairs(cmsgpack.unpack(ARGV[7])) do
    if change[1] > mark then
      take[change[2]](change[3], change[4], change[5])
    end
  end
  call('HSET', base .. 'marks', shard, ARGV[5] .. ' ' .. ARGV[6])
  if call('HGET', root, 'served') == generation then
    serve(generation)
  end
end

local done, fault = pcall(apply)
if not done then
  -- Half of the batch may be in. Rather no answer than a wrong one: without an identity the projector rebuilds.
  call('DEL', base .. 'state')
  call('HDEL', root, 'followed')
  if call('HGET', root, 'served') == generation then
    call('HDEL', root, 'served')
  end
  return redis.error_reply('ERR ' .. (type(fault) == 'table' and fault.err or tostring(fault)))
end
return 'taken'
