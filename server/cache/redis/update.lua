-- Replaces an older entry, ends a lease, and tells everybody, also of a key that is not here: they may
-- have a copy.
local found = redis.call('GETRANGE', KEYS[1], 0, 24)
local version = string.match(found, '^(%d*):')
if version == '' then
  redis.call('DEL', KEYS[1])
elseif version and tonumber(version) < tonumber(ARGV[1]) then
  if ARGV[2] == '' then
    redis.call('DEL', KEYS[1])
  else
    redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2], 'PX', ARGV[3])
  end
end
redis.call('PUBLISH', ARGV[4], ARGV[1] .. ':' .. ARGV[5])
return 1
