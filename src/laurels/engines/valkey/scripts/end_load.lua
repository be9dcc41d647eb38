-- Follow what was loaded. Gives `taken`, or `moved` where the feed goes elsewhere by now.
--
-- ARGV: the generation that was followed meanwhile, the one that was loaded, then shard, position and hash of each mark.

if call('HGET', root, 'followed') ~= ARGV[1] or call('HGET', root, 'loading') ~= ARGV[2] then
  return 'moved'
end
if call('EXISTS', root .. ':' .. ARGV[1] .. ':marks') == 1 then
  return 'moved' -- another process began to follow from the start
end
for mark = 3, #ARGV, 3 do
  call('HSET', root .. ':' .. ARGV[2] .. ':marks', ARGV[mark], ARGV[mark + 1] .. ' ' .. ARGV[mark + 2])
end
call('HSET', root, 'followed', ARGV[2])
call('HDEL', root, 'loading')
return 'taken'
