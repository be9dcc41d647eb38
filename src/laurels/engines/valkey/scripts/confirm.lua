-- Note that all of the feed was in at an instant, and serve what follows it.
--
-- ARGV: generation, instant, then shard, position and hash of each mark that the caller left.
-- Gives what was served before ('' for nothing), or `moved`, having done nothing.

local generation, served = ARGV[1], call('HGET', root, 'served') or ''
if call('HGET', root, 'followed') ~= generation then
  return 'moved'
end
for mark = 3, #ARGV, 3 do
  if has_moved(generation, ARGV[mark], tonumber(ARGV[mark + 1]), ARGV[mark + 2]) then
    return 'moved'
  end
end
call('HSET', root, 'confirmed_at', ARGV[2])
if served ~= generation then
  serve(generation)
end
return served
