-- Takes tokens out of a bucket, all or none: ratelimit.Bucket.Take, with the clock of Redis.
-- The bucket is the time, in microseconds, at which it will be full; a full one is not kept.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local every, burst, tokens = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local window = burst * every

local full = tonumber(redis.call('GET', KEYS[1])) or now
full = math.min(math.max(full, now), now + window)
local after = math.max(full + math.min(tokens, burst) * every, now)
if after > now + window then
  return {full - now, after - now - window}
end
if after <= now then
  redis.call('DEL', KEYS[1])
elseif tokens ~= 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
end
return {after - now, 0}
