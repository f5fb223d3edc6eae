-- A budget of retries that a fleet shares: redial::budget::RetryBudget.
--
-- KEYS  1 the budget, which expires when it has nothing to remember
-- ARGV  1 the time, for tests; "" for the server's
--       2 1 to withdraw a retry, 0 to deposit alone   3 calls that are deposited first
--       4 the width of a slot, a tenth of the time to live   5 what a call deposits   6 what a retry costs
--       7 what is there without deposits
-- Times and durations are whole microseconds; the time is that of Unix. Tokens are whole numbers.
--
-- Reply: the time, then
--       1, 0       withdrawn, or nothing was to be
--       2, time    denied; ask again at that time
--       3, 0       denied until somebody deposits

local SLOTS = 11  -- the one that is being filled, and ten full ones
local deposits, width = tonumber(ARGV[3]), tonumber(ARGV[4])
local gain, cost, reserved = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end

local function text(number) return string.format('%.0f', number) end

-- When the newest slot began, and the deposits minus the withdrawals of each, oldest first.
local since, slots = now - now % width, {}
for word in string.gmatch(redis.call('GET', KEYS[1]) or '', '%S+') do slots[#slots + 1] = tonumber(word) end
if #slots == SLOTS + 1 then
    since = table.remove(slots, 1)
else
    for slot = 1, SLOTS do slots[slot] = 0 end
end

local steps = math.floor((now - since) / width)
if steps > 0 then
    for _ = 1, math.min(steps, SLOTS) do
        table.remove(slots, 1)
        slots[SLOTS] = 0
    end
    since = since + width * steps
elseif since - now > width * SLOTS then
    since = now  -- the clock ran backwards, by far
end

slots[SLOTS] = slots[SLOTS] + gain * deposits
local code, at = 1, 0
if ARGV[2] == '1' then
    local sum = reserved
    for slot = 1, SLOTS do sum = sum + slots[slot] end
    if sum >= cost then
        slots[SLOTS] = slots[SLOTS] - cost
    else
        code = 3
        for slot = 1, SLOTS do
            sum = sum - slots[slot]
            if sum >= cost then
                code, at = 2, since + width * slot
                break
            end
        end
    end
end

local words = { text(since) }
for slot = 1, SLOTS do words[slot + 1] = text(slots[slot]) end
local rest = math.max(since - now, 0) + width * (SLOTS + 1)
redis.call('SET', KEYS[1], table.concat(words, ' '), 'PX', text(math.ceil(rest / 1000)))
return { now, code, at }
