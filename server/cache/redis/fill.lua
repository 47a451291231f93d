-- Puts an entry where its lease stands, or an older entry. Another lease ends.
local found = redis.call('GETRANGE', KEYS[1], 0, 24)
local version = string.match(found, '^(%d*):')
if not version then
  return 0
end
if version == '' and found ~= ':' .. ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 0
end
if version ~= '' and tonumber(version) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[3], 'PX', ARGV[4])
return 1
