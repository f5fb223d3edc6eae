-- A budget of fresh starts that a fleet shares: redial::budget::StartBudget, with a lease for each permit and each place.
--
-- KEYS  1 the budget   2 its line   3 until when a place is kept   4 the starts of the ticket's bucket
--       All four have one hash tag, and expire.
-- ARGV  1 the time, for tests; "" for the server's
--       2 "ask", "started", "release", "withdraw" or "remaining"
--       3 ticket   4 its bucket   5 starts in a window   6 window   7 starts in a day, 0 for any number   8 day
--       9 lease of a permit   10 lease of a place   11 places in the line
--       12 "ask": for how long nobody may start, at most a lease and a window; 0 as a rule
--          "started", "release": the permit   "remaining": the starts that are left
--       13 "remaining": when the day ends, from now
-- Times and durations are whole microseconds; the time is that of Unix.
--
-- Reply of "ask": the time, then
--       1, permit       granted
--       2, time         in the line; ask again at that time, and within the lease of a place
--       3, time         the day is used up
--       4, time         the line is full
--       and the starts that are left in the day, -1 for any number.
-- Reply of the others: the time, and 1 if something changed, otherwise 0.

local budget, line, kept, starts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local op, ticket = ARGV[2], ARGV[3]
local bucket, each, window = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local per_day, day = tonumber(ARGV[7]), tonumber(ARGV[8])
local lease, place, places = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local value = tonumber(ARGV[12])
local held = lease + window
local AT_ONCE = 100  -- how much of what has expired one call removes
local WIDE = 2 ^ 37  -- a score is bucket * WIDE + number; 16 bits and 37 are exact in a double

local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end

local function text(number) return string.format('%.0f', number) end
local function millis(span) return text(math.ceil(span / 1000) + 1) end

local state = redis.call('HMGET', budget, 'hold', 'left', 'day_ends', 'number', 'permit')
-- A budget that is not there is new, or it was lost with starts that count. So it begins used up.
-- Permits are numbered from the time on, so that none of a lost budget is one of this.
local hold = tonumber(state[1] or now + held)
local left = tonumber(state[2] or per_day)
local day_ends = tonumber(state[3] or 0)
local number = tonumber(state[4] or 0)
local permit = tonumber(state[5] or now)

-- What a clock that ran backwards made too distant.
hold = math.min(hold, now + held)
day_ends = math.min(day_ends, now + day)
if now >= day_ends then left = per_day end
local function cut(key, latest)
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. text(latest), '+inf', 'LIMIT', 0, AT_ONCE)) do
        redis.call('ZADD', key, text(latest), member)
    end
end
cut(kept, now + place)
cut(starts, now + held)

redis.call('ZREMRANGEBYSCORE', starts, '-inf', text(now))
local gone = redis.call('ZRANGEBYSCORE', kept, '-inf', text(now), 'LIMIT', 0, AT_ONCE)
if #gone > 0 then
    redis.call('ZREM', line, unpack(gone))
    redis.call('ZREM', kept, unpack(gone))
end

local function ask()
    hold = math.max(hold, now + math.min(value, held))
    local score = redis.call('ZSCORE', line, ticket)
    local waiting = redis.call('ZCARD', line)
    if not score and per_day > 0 and left <= waiting then
        return 3, day_ends > now and day_ends or now + day
    end
    local first = bucket * WIDE
    local ahead = redis.call('ZCOUNT', line, text(first), '(' .. text(tonumber(score or first + WIDE)))
    local used = redis.call('ZCARD', starts)
    if now >= hold and ahead + used < each and (per_day == 0 or left > 0) then
        redis.call('ZREM', line, ticket)
        redis.call('ZREM', kept, ticket)
        permit = permit + 1
        redis.call('ZADD', starts, text(now + held), text(permit))
        if per_day > 0 then
            if now >= day_ends then day_ends = now + day end
            left = left - 1
        end
        return 1, permit
    end
    if not score then
        if waiting >= places then return 4, now + window end
        if waiting == 0 then number = 0 end
        redis.call('ZADD', line, text(first + number), ticket)
        number = number + 1
    end
    redis.call('ZADD', kept, text(now + place), ticket)
    -- Each start of the bucket serves every n-th ticket in the line, a window apart. A start that is not reported yet is
    -- free a window from now at the earliest.
    local free = now
    local index = ahead % each + used - each
    if index >= 0 then
        free = math.min(tonumber(redis.call('ZRANGE', starts, index, index, 'WITHSCORES')[2]), now + window)
    end
    local turn = math.max(free, hold) + math.floor(ahead / each) * window
    if per_day > 0 and left <= 0 then turn = math.max(turn, day_ends) end
    return 2, turn
end

local code, at
if op == 'ask' then
    code, at = ask()
elseif op == 'started' then
    -- Also where the permit was lost, or its lease is over: the start counts from now.
    code = redis.call('ZADD', starts, text(now + window), ARGV[12]) and 1
elseif op == 'release' then
    code = redis.call('ZREM', starts, ARGV[12])
    if code == 1 and per_day > 0 and now < day_ends then left = math.min(left + 1, per_day) end
elseif op == 'withdraw' then
    code = redis.call('ZREM', line, ticket)
    redis.call('ZREM', kept, ticket)
elseif op == 'remaining' then
    code = 1
    left = value
    day_ends = now + math.min(tonumber(ARGV[13]), day)
else
    return redis.error_reply('ERR ' .. op .. ' is nothing that a budget can do')
end

redis.call('HSET', budget, 'hold', text(hold), 'left', text(left), 'day_ends', text(day_ends),
    'number', text(number), 'permit', text(permit))
redis.call('PEXPIRE', budget, millis(math.max(day, held) + place))
redis.call('PEXPIRE', line, millis(2 * place))
redis.call('PEXPIRE', kept, millis(2 * place))
redis.call('PEXPIRE', starts, millis(held))
return { now, code, at or 0, per_day > 0 and left or -1 }
