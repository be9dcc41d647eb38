-- Note that all of the feed was in at an instant, and serve what follows it.
--
-- ARGV: generation, instant, then shard, position and hash of each mark that the caller left.
-- Gives what was served before ('' for nothing), or `moved`, having done nothing.

local generation, served = ARGV[1], call('HGET', root, 'served') or ''
if any_has_moved(generation, 3) then
  return 'moved'
end
call('HSET', root, 'confirmed_at', ARGV[2])
if served ~= generation then
  call('HDEL', root, 'loading') -- a load that somebody left
  serve(generation)
end
return served
