-- Go on under another epoch. Gives `taken`, or `moved`, having done nothing.
--
-- ARGV: generation, epoch, then shard, position and hash of each mark that the caller left.

local generation = ARGV[1]
if any_has_moved(generation, 3) then
  return 'moved'
end
call('HSET', root .. ':' .. generation .. ':state', 'epoch', ARGV[2])
if call('HGET', root, 'served') == generation then
  serve(generation)
end
return 'taken'
