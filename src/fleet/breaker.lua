-- The breaker of an endpoint that a fleet shares: redial::CircuitBreaker, by failures in a row.
--
-- KEYS  1 the breaker, which expires a day after its last change, and not before its open time is over
-- ARGV  1 the time, for tests; "" for the server's
--       2 "ask", "success", "failure" or "release"
--       3 and 4 but for "ask": the generation and the probe of the permit
--       5 failures that open it   6 probes, 1 to 16   7 lease of a probe   8 a draw, 0 to 2^32 - 1
--       9, 10, 11, 12 ... the shortest and the longest open time after no failed probe, after one, ...; the last pair
--          holds for all further ones
-- Times and durations are whole microseconds; the time is that of Unix.
--
-- Reply of "ask": the time, then
--       1, generation, probe    admitted; probe is 0 while the breaker is closed
--       2, time, 0              open until that time
--       3, time, 0              half-open; ask again when the probes have results, or at that time
-- Reply of the others: the time, 1 if the state changed, otherwise 0.

local DAY = 86400000
local op, own, probe = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, probes, lease, draw = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end

local function text(number) return string.format('%.0f', number) end

local state = redis.call('HMGET', KEYS[1], 'phase', 'deadline', 'generation', 'failures', 'reopenings', 'out', 'answered')
local phase, deadline = state[1] or 'closed', tonumber(state[2] or 0)
-- Numbered from the time on, so that no permit of a breaker that was lost is one of this.
local generation = tonumber(state[3] or now)
local failures, reopenings = tonumber(state[4] or 0), tonumber(state[5] or 0)
local out, answered = tonumber(state[6] or 0), tonumber(state[7] or 0)
local before = generation

local function written()
    return { 'phase', phase, 'deadline', text(deadline), 'generation', text(generation), 'failures', text(failures),
        'reopenings', text(reopenings), 'out', text(out), 'answered', text(answered) }
end
local loaded = state[1] and table.concat(written(), ' ')

local function count(bits)
    local set = 0
    for slot = 0, 15 do set = set + bit.band(bit.rshift(bits, slot), 1) end
    return set
end

local function open_time()
    local pair = 9 + 2 * math.min(reopenings, (#ARGV - 8) / 2 - 1)
    return tonumber(ARGV[pair]), tonumber(ARGV[pair + 1])
end

local function enter(name, until_)
    phase, deadline, generation = name, until_, generation + 1
    out, answered = 0, 0
    if name ~= 'open' then failures = 0 end
end

local function open(at)
    local low, high = open_time()
    enter('open', at + low + math.floor((high - low) * draw / 2 ^ 32))
end

local function reopen(at)
    reopenings = math.min(reopenings + 1, 255)
    open(at)
end

local function close()
    reopenings = 0
    enter('closed', 0)
end

local function advance()
    if phase == 'half_open' then
        deadline = math.min(deadline, now + lease)
        if out == 0 then
            if count(answered) >= probes then close() end
        elseif now >= deadline then
            reopen(deadline)
        end
    end
    if phase == 'open' then
        local _, longest = open_time()
        deadline = math.min(deadline, now + longest)
        if now >= deadline then enter('half_open', now) end
    end
end

local function ask()
    advance()
    if phase == 'closed' then return { now, 1, generation, 0 } end
    if phase == 'open' then return { now, 2, deadline, 0 } end
    local taken = bit.bor(out, answered)
    if count(taken) >= probes then return { now, 3, deadline, 0 } end
    local free = bit.band(bit.bnot(taken), taken + 1)
    out = bit.bor(out, free)
    deadline = now + lease
    return { now, 1, generation, free }
end

local function settle(failed)
    if phase == 'closed' then
        failures = failed and failures + 1 or 0
        if failures >= limit then open(now) end
    elseif phase == 'half_open' and bit.band(out, probe) ~= 0 then
        if now >= deadline then
            if failed then reopen(deadline) end
            return
        end
        out = bit.band(out, bit.bnot(probe))
        answered = bit.bor(answered, probe)
        if failed then
            reopen(now)
        elseif count(answered) >= probes then
            close()
        end
    end
end

local reply
if op == 'ask' then
    reply = ask()
elseif own == generation then
    if op == 'release' then
        if phase == 'half_open' then out = bit.band(out, bit.bnot(probe)) end
    else
        settle(op == 'failure')
    end
end

local left = written()
if table.concat(left, ' ') ~= loaded then
    redis.call('HSET', KEYS[1], unpack(left))
    redis.call('PEXPIRE', KEYS[1], text(math.ceil(math.max(deadline - now, 0) / 1000) + DAY))
end
return reply or { now, generation == before and 0 or 1 }
