-- Take a batch of one shard's changes and move its mark, both or neither.
--
-- ARGV: generation, shard, position and hash of its mark as the caller left it, position and hash of the new mark, and
-- the changes (MessagePack): {position, kind, member, ...}, in order.
-- Gives `taken`; `old` where the mark is there already; `moved`, having done nothing; or where the batch cannot be
-- taken, and nothing is served or followed any more, `KEY` or `RANGE` and why.

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

local members = {} -- looked up in this batch; false: has not joined
local boards = {} -- seen in this batch
local has_early = call('EXISTS', base .. 'early') == 1

local function keep(member, known)
  local key, field = bucket_of(base, member)
  local text = known.gone or (known.hidden and '-' or '+') .. known.name_number .. ' ' .. known.id
  call('HSET', key, field, text)
  members[member] = known
end

-- What is known of a member: `gone` is `!` or `?`, as it is kept. Nil for one that has not joined.
local function find(member)
  local known = members[member]
  if known == nil then
    local text = call('HGET', bucket_of(base, member))
    known = false
    if text == '!' or text == '?' then
      known = { gone = text }
    elseif text then
      local sign, name_number, id = string.match(text, '^([+-])(%d+) (.*)$')
      known = { hidden = sign == '-', name_number = name_number, id = id }
    end
    members[member] = known
  end
  return known or nil
end

local function look_up(member)
  return find(member) or error({ told = 'KEY member ' .. member .. ' never joined' })
end

local function is_listed(member, known)
  return known and not known.gone and not known.hidden and call('HEXISTS', base .. 'into', member) == 0
end

-- Put a listed member on a board, or take it off, as its sum has it.
local function rerank(board, entry, sum)
  if sum > 0 then
    call('ZADD', base .. 'ranking:' .. board, -within_points(sum), entry)
  else
    call('ZREM', base .. 'ranking:' .. board, entry)
  end
end

-- Put a listed member on every board, or take it off.
local function rank(member, known, on)
  local entry = entry_of(member, known.name_number)
  for _, board in ipairs(call('SMEMBERS', base .. 'boards')) do
    rerank(board, entry, on and sum_of(base, board, member) or 0)
  end
end

-- Change what is known of a member, who then stands on the boards accordingly.
local function alter(member, change)
  local known = look_up(member)
  if known.gone then
    return
  end
  if is_listed(member, known) then
    rank(member, known, false)
  end
  change(known)
  keep(member, known)
  if is_listed(member, known) then
    rank(member, known, true)
  end
end

local function drop_sums(member)
  for _, board in ipairs(call('SMEMBERS', base .. 'boards')) do
    if sum_of(base, board, member) ~= 0 then
      local key, index = sums_of(base, board, member)
      call('BITFIELD', key, 'SET', 'i64', index, 0)
    end
  end
end

-- Change the sum of a member that stands for itself; points as a number or, where it is large, a text.
local function add(member, board, points)
  local known = find(member)
  if known and known.gone == '!' then
    return
  end
  if not known then
    call('SADD', base .. 'early', member)
    has_early = true
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
    error({ told = 'RANGE the points of member ' .. member .. ' pass 64 bits' })
  end
  if known and not known.gone and not known.hidden then
    rerank(board, entry_of(member, known.name_number), sum)
  end
end

-- Forget a member's id, and all but that there was such a member.
local function forget(member)
  local known = find(member)
  if known and known.id then
    -- The same person may be back under a new number before this one's erasure is read.
    if tonumber(call('HGET', base .. 'numbers', known.id) or nil) == member then
      call('HDEL', base .. 'numbers', known.id)
    end
  end
  keep(member, { gone = '!' })
end

-- Forget all that became a member.
local function forget_those_in(root_member)
  for _, text in ipairs(call('SMEMBERS', base .. 'became:' .. root_member)) do
    local member = tonumber(text)
    if find(member) then
      forget(member)
    end
    forget_those_in(member)
  end
end

local take = {}

function take.score(member, points, board)
  add(root_of(base, member), board, points)
end

function take.join(member, name_number, id)
  local is_merged = call('HEXISTS', base .. 'into', member) == 1
  if not id then -- erased since, somewhere further on in the feed
    keep(member, { gone = '?' })
  elseif is_merged and (find(root_of(base, member)) or {}).gone == '!' then
    keep(member, { gone = '!' })
  else
    keep(member, { hidden = false, name_number = name_number, id = id })
    -- The same person may have joined anew under a larger number, which is read first.
    if call('HSETNX', base .. 'numbers', id, member) == 0 and tonumber(call('HGET', base .. 'numbers', id)) < member then
      call('HSET', base .. 'numbers', id, member)
    end
  end
  if has_early and call('SREM', base .. 'early', member) == 1 and is_listed(member, members[member]) then
    rank(member, members[member], true)
  end
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
  if is_listed(member, known) then
    rank(member, known, false)
  end
  drop_sums(member)
  forget(member)
  if call('HEXISTS', base .. 'into', member) == 0 then
    forget_those_in(member)
  end
end

function take.merge(member, into)
  into = root_of(base, into)
  local known = find(member)
  if into == member or call('HEXISTS', base .. 'into', member) == 1 or (known and known.gone == '!') then
    return
  end
  if is_listed(member, known) then
    rank(member, known, false)
  end
  for _, board in ipairs(call('SMEMBERS', base .. 'boards')) do
    -- In two halves: a number of a script holds 53 bits.
    local key, index = sums_of(base, board, member)
    local high, low = 64 * (member % CHUNK), 64 * (member % CHUNK) + 32
    local sum = call('BITFIELD', key, 'GET', 'i32', high, 'GET', 'u32', low)
    if sum[1] ~= 0 or sum[2] ~= 0 then
      add(into, board, string.format('%.0f', sum[1] * 4294967296))
      add(into, board, sum[2])
      call('BITFIELD', key, 'SET', 'i64', index, 0)
    end
  end
  call('HSET', base .. 'into', member, into)
  call('SADD', base .. 'became:' .. into, member)
  if (find(into) or {}).gone == '!' then
    if known then
      forget(member)
    end
    forget_those_in(member)
  end
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
  if type(fault) == 'table' and fault.told then
    return fault.told
  end
  local why = type(fault) == 'table' and fault.err or tostring(fault)
  return redis.error_reply(string.match(why, '^%u+ ') and why or 'ERR ' .. why)
end
return 'taken'
