-- What the scripts share; put in front of each of them. A script runs alone on the server, so it sees one moment.
--
-- KEYS[1], the root, is a hash: `followed` is the generation that the feed goes into, `served` the one that readers see,
-- `loading` one that a checkpoint goes into; `version`, `identity` and `confirmed_at` say how far the served one is and
-- whose it is, and `stamp` is another one after every change. Served and followed differ while the board is being
-- rebuilt. <root>:generations is the set of all that were begun and not yet deleted. Every key of generation g begins
-- with `<root>:<g>:`
--
--   state                    hash: identity, epoch, rules, last_shard
--   marks                    hash: shard -> position, a space, the hash of the entry there
--   boards                   set: the names of the boards
--   numbers                  hash: the shop's id of a member -> its member number
--   members:<n / 64>         hash: n % 64 -> member n, as `+<name number> <id>`; `-` where it is hidden, `!` once erased,
--                            `?` where it joined without an id, for its erasure is further on in the feed
--   into                     hash: member -> the one that it became by a merge, which may have become another since
--   became:<n>               set: the members that became member n
--   early                    set: who has scores and has not joined, its enrolment being in a shard that is read later
--   sums:<board>:<n / 4096>  array of 64-bit integers: the exact sum of member n's points, ranked or not
--   ranking:<board>          sorted set: the ranked members by negated points
--
-- A member of a ranking is written as its member number in ten digits and then its name number. So ascending order is
-- board order, equal scores being ordered by bytes, and a place can be shown without looking anything up. Small hashes
-- and arrays take a few bytes a member where a hash of all would take some sixty.

local call = redis.call
local root = KEYS[1]
local MOST = 2147483647
local BUCKET, CHUNK = 64, 4096

local function within_points(sum)
  return math.max(-MOST, math.min(MOST, sum))
end

local function bucket_of(base, member)
  return base .. 'members:' .. math.floor(member / BUCKET), member % BUCKET
end

local function sums_of(base, board, member)
  return base .. 'sums:' .. board .. ':' .. math.floor(member / CHUNK), '#' .. member % CHUNK
end

local function sum_of(base, board, member)
  local key, index = sums_of(base, board, member)
  return call('BITFIELD', key, 'GET', 'i64', index)[1]
end

-- The member that a number stands for: itself, or the one that it became by one merge after another.
local function root_of(base, member)
  local into = call('HGET', base .. 'into', member)
  while into do
    member = tonumber(into)
    into = call('HGET', base .. 'into', member)
  end
  return member
end

local function entry_of(member, name_number)
  return string.format('%010d%d', member, name_number)
end

local function mark_of(base, shard)
  local mark = call('HGET', base .. 'marks', shard)
  if not mark then
    return 0, ''
  end
  local position, hash = string.match(mark, '^(%d+) (.*)$')
  return tonumber(position), hash
end

-- Whether the feed goes into another generation by now, or a mark is not (or no more) at least where the caller left it:
-- the server was emptied, or came back with older data. Then nothing may be built upon it.
local function has_moved(generation, shard, position, hash)
  if call('HGET', root, 'followed') ~= generation then
    return true
  end
  local now, its_hash = mark_of(root .. ':' .. generation .. ':', shard)
  return now < position or (now == position and its_hash ~= hash)
end

-- The same of all marks in ARGV from a place on: shard, position and hash of each.
local function any_has_moved(generation, from)
  if call('HGET', root, 'followed') ~= generation then
    return true
  end
  for mark = from, #ARGV, 3 do
    if has_moved(generation, ARGV[mark], tonumber(ARGV[mark + 1]), ARGV[mark + 2]) then
      return true
    end
  end
  return false
end

-- Serve what a generation is by now, and tell everybody who waits for it.
local function serve(generation)
  local base, positions = root .. ':' .. generation .. ':', {}
  local marks = call('HGETALL', base .. 'marks')
  for field = 1, #marks, 2 do
    positions[#positions + 1] = { tonumber(marks[field]), string.match(marks[field + 1], '^%d+') }
  end
  table.sort(positions, function(one, other) return one[1] < other[1] end)
  for place, pair in ipairs(positions) do
    positions[place] = pair[1] .. '-' .. pair[2]
  end
  local identity, epoch = unpack(call('HMGET', base .. 'state', 'identity', 'epoch'))
  local version = epoch .. '.' .. table.concat(positions, '_')
  local now = call('TIME')
  call('HSET', root, 'served', generation, 'identity', identity, 'version', version, 'stamp', now[1] .. '.' .. now[2])
  redis.pcall('PUBLISH', root .. ':changed', generation) -- a notice: where it is refused, all else stands
end

-- Give a number to a new generation. It is the server's clock in microseconds, and always above the ones before: so a
-- process that has seen a newer generation than the one that is served knows that the server has older data.
local function begin(newest, identity, epoch, rules)
  local now = call('TIME')
  local last = math.max(newest, tonumber(now[1]) * 1000000 + tonumber(now[2]) - 1)
  for _, field in ipairs({ 'served', 'followed', 'loading' }) do
    local known = call('HGET', root, field)
    if known then
      last = math.max(last, tonumber(known))
      call('SADD', root .. ':generations', known)
    end
  end
  local generation = string.format('%.0f', last + 1)
  call('SADD', root .. ':generations', generation)
  call('HSET', root .. ':' .. generation .. ':state', 'identity', identity, 'epoch', epoch, 'rules', rules)
  return generation
end

-- Whether the board is another ledger's. '' as identity: whoever's it is will do.
local function is_foreign(generation, identity)
  return generation and identity ~= ''
    and (call('HGET', root .. ':' .. generation .. ':state', 'identity') or identity) ~= identity
end
