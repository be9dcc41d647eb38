-- Begin a generation that a checkpoint goes into, beside the one that is followed meanwhile. Gives its number.
--
-- ARGV: identity, epoch, rules.

local generation = begin(0, ARGV[1], ARGV[2], ARGV[3])
call('HSET', root, 'loading', generation)
return generation
