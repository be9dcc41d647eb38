-- Begin a new generation, which is not served yet, and give its number; or `foreign` where another ledger is followed.
--
-- ARGV: the newest generation that the caller has seen, the identity that it is bound to, then identity, epoch, rules.

if is_foreign(call('HGET', root, 'followed'), ARGV[2]) then
  return 'foreign'
end
local generation = begin(tonumber(ARGV[1]), ARGV[3], ARGV[4], ARGV[5])
call('HSET', root, 'followed', generation)
call('HDEL', root, 'loading')
return generation
