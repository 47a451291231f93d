-- Gives what stands at a key, or puts a lease there: ':' and its number. An entry is its version, ':'
-- and its value.
local found = redis.call('GET', KEYS[1])
if found then
  return found
end
local lease = ':' .. ARGV[1]
redis.call('SET', KEYS[1], lease, 'PX', ARGV[2])
return lease
