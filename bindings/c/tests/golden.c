/* Plays a log of events through a policy and prints every decision: the same bytes as `replay`, for logs such as tests/golden/link.log.
 *     golden < link.log > link.out */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redial.h"

enum { SLOTS = 8 };

static redial_policy policy;
static redial_slot slots[SLOTS];
/* What was printed last. */
static redial_phase phase = REDIAL_PHASE_IDLE;
static uint64_t deadline = REDIAL_NEVER;

static void fail(const char *what) {
    fprintf(stderr, "golden: %s\n", what);
    exit(1);
}

/* Where the value of a key begins; NULL if the line has none. */
static const char *value_of(const char *line, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    const char *at = strstr(line, quoted);
    return at == NULL ? NULL : at + strlen(quoted);
}

static uint64_t number_of(const char *line, const char *key) {
    const char *at = value_of(line, key);
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

/* A value in quotes, copied; false if there is none. */
static bool text_of(const char *line, const char *key, char *text, size_t capacity) {
    const char *at = value_of(line, key);
    if (at == NULL || *at != '"') {
        return false;
    }
    size_t length = strcspn(at + 1, "\"");
    if (length >= capacity) {
        fail("a text that is too long");
    }
    memcpy(text, at + 1, length);
    text[length] = 0;
    return true;
}

static bool flag_of(const char *line, const char *key) {
    const char *at = value_of(line, key);
    return at != NULL && strncmp(at, "true", 4) == 0;
}

/* The number whose word this is. */
static uint32_t numbered(const char *word, const char *(*name)(uint32_t)) {
    for (uint32_t number = 1; number < 100; number++) {
        if (strcmp(name(number), word) == 0) {
            return number;
        }
    }
    fail(word);
    return 0;
}

static redial_cause cause_of(const char *line) {
    char word[64];
    if (text_of(line, "io", word, sizeof word)) {
        return (redial_cause){REDIAL_CAUSE_IO, numbered(word, redial_io_kind_name)};
    }
    if (text_of(line, "class", word, sizeof word)) {
        return (redial_cause){REDIAL_CAUSE_CLASS, numbered(word, redial_class_name)};
    }
    if (value_of(line, "http") != NULL) {
        return (redial_cause){REDIAL_CAUSE_HTTP, (uint32_t)number_of(line, "http")};
    }
    if (flag_of(line, "timeout")) {
        return (redial_cause){REDIAL_CAUSE_TIMEOUT, 0};
    }
    const char *close = value_of(line, "ws");
    if (close == NULL) {
        fail("an unknown cause");
    } else if (*close != 'n') {
        return (redial_cause){REDIAL_CAUSE_CLOSE_FRAME, (uint32_t)number_of(line, "ws")};
    }
    return (redial_cause){REDIAL_CAUSE_NO_CLOSE_FRAME, 0};
}

/* A number of a token's own, of its text. */
static uint64_t token_of(const char *text) {
    uint64_t token = 1;
    for (; *text != 0; text++) {
        token = token * 257 + (unsigned char)*text;
    }
    return token;
}

static void read_wait(const char *line, redial_event *event) {
    static const struct {
        const char *key;
        redial_retry_after_kind meaning;
    } waits[] = {
        {"retry_after", REDIAL_RETRY_AFTER_AT_LEAST},
        {"after", REDIAL_RETRY_AFTER_AT_LEAST},
        {"appointment", REDIAL_RETRY_AFTER_APPOINTMENT},
        {"window", REDIAL_RETRY_AFTER_WINDOW},
    };
    for (size_t at = 0; at < sizeof waits / sizeof *waits; at++) {
        if (value_of(line, waits[at].key) != NULL) {
            event->retry_after = waits[at].meaning;
            event->retry_after_ms = number_of(line, waits[at].key);
        }
    }
}

static redial_event event_of(const char *line, const char *name) {
    char text[64];
    redial_event event = {.kind = numbered(name, redial_event_kind_name)};
    event.epoch = (uint32_t)number_of(line, "epoch");
    if (value_of(line, "cause") != NULL) {
        event.cause = cause_of(line);
    }
    read_wait(line, &event);
    event.deadline_ms = number_of(line, "deadline");
    event.ttl_ms = number_of(line, "ttl");
    if (text_of(line, "id", text, sizeof text)) {
        event.token = token_of(text);
    }
    event.has_sequence = value_of(line, "seq") != NULL;
    event.sequence = number_of(line, event.has_sequence ? "seq" : "n");
    if (text_of(line, "key", text, sizeof text)) {
        event.key = (uint32_t)strtoul(text, NULL, 10);
    }
    if (text_of(line, "reason", text, sizeof text)) {
        event.reason = (uint8_t)strtoul(text, NULL, 10);
    }
    const char *priority = value_of(line, "priority");
    event.priority = priority == NULL ? 0 : (int32_t)strtol(priority, NULL, 10);
    event.send = (uint32_t)number_of(line, "send");
    event.gap_ms = number_of(line, "gap");
    event.counted = value_of(line, "counted") == NULL || flag_of(line, "counted");
    event.keep = flag_of(line, "keep");
    event.resumable = flag_of(line, "resumable");
    event.retryable = flag_of(line, "retryable");
    return event;
}

static void print_sequence(const redial_action *action) {
    if (action->has_sequence) {
        printf(", \"seq\": %" PRIu64, action->sequence);
    } else {
        printf(", \"seq\": null");
    }
}

static void print_action(const redial_action *action) {
    char cause[64];
    uint32_t keys[SLOTS];
    size_t count = 0;
    printf("\"action\": \"%s\"", redial_action_kind_name(action->kind));
    if (action->epoch != 0) {
        printf(", \"epoch\": %" PRIu32, action->epoch);
    }
    switch (action->kind) {
    case REDIAL_ACTION_OPEN:
        printf(", \"mode\": \"%s\", \"endpoint\": \"primary\", \"attempt\": %" PRIu32, redial_mode_name(action->mode), action->attempt);
        break;
    case REDIAL_ACTION_CLOSE:
        if (action->code == 0) {
            printf(", \"code\": null");
        } else {
            printf(", \"code\": %u", (unsigned)action->code);
        }
        break;
    case REDIAL_ACTION_RESUME:
    case REDIAL_ACTION_HEARTBEAT:
        print_sequence(action);
        break;
    case REDIAL_ACTION_RESTORE:
        if (redial_batch(&policy, keys, SLOTS, &count) != REDIAL_OK || count != action->count) {
            fail("a batch that can't be read");
        }
        printf(", \"keys\": [");
        for (size_t at = 0; at < count; at++) {
            printf("%s\"%" PRIu32 "\"", at == 0 ? "" : ", ", keys[at]);
        }
        printf("], \"send\": %" PRIu32, action->send);
        break;
    case REDIAL_ACTION_DROP_SESSION:
        printf(", \"reason\": \"%s\"", redial_drop_reason_name(action->drop_reason));
        break;
    case REDIAL_ACTION_GAVE_UP:
        redial_cause_text(action->cause, cause, sizeof cause);
        printf(", \"reason\": \"%s\", \"detail\": \"%s\"", redial_give_up_name(action->give_up), cause);
        break;
    default:
        break;
    }
}

/* Calls the policy with an event, or with NULL, and prints what changed. */
static void call(uint64_t now, const redial_event *event) {
    redial_decision decision;
    char why[64];
    redial_status status = redial_handle(&policy, now, event, &decision);
    if (status != REDIAL_OK) {
        fail(redial_status_message(status));
    }
    if (decision.disposition != REDIAL_DISPOSITION_APPLIED) {
        printf("{\"at\": %" PRIu64 ", \"ignored\": \"%s\", \"event\": \"%s\"}\n", now, redial_disposition_name(decision.disposition),
               redial_event_kind_name(event->kind));
    }
    if (decision.phase != phase) {
        phase = decision.phase;
        redial_trigger_text(&policy, why, sizeof why);
        printf("{\"at\": %" PRIu64 ", \"state\": \"%s\", \"why\": \"%s\"}\n", now, redial_phase_name(phase), why);
    }
    for (uint32_t at = 0; at < decision.count; at++) {
        printf("{\"at\": %" PRIu64 ", ", now);
        print_action(&decision.actions[at]);
        printf("}\n");
    }
    if (decision.deadline_ms != deadline) {
        deadline = decision.deadline_ms;
        const char *reason = decision.waiting_for != 0 ? redial_wait_reason_name(decision.waiting_for) : redial_phase_name(phase);
        if (deadline == REDIAL_NEVER) {
            printf("{\"at\": %" PRIu64 ", \"wake\": null, \"why\": \"%s\"}\n", now, reason);
        } else {
            printf("{\"at\": %" PRIu64 ", \"wake\": %" PRIu64 ", \"why\": \"%s\"}\n", now, deadline, reason);
        }
    }
}

/* The instant is over: its timers, and the policy is told the time even if none is due. */
static void end_instant(uint64_t now) {
    call(now, NULL);
    while (deadline <= now) {
        call(now, NULL);
    }
}

static void set_up(const char *line) {
    char text[64];
    if (!text_of(line, "generator", text, sizeof text) || strcmp(text, "splitmix64") != 0) {
        fail("only the generator splitmix64 is here");
    }
    if (!text_of(line, "preset", text, sizeof text)) {
        fail("the first line has no preset");
    }
    redial_options options = {.seed = number_of(line, "seed"), .slots = slots, .slot_count = SLOTS};
    redial_status status = redial_policy_init(&policy, redial_preset(text), &options);
    if (status != REDIAL_OK) {
        fail(redial_status_message(status));
    }
}

int main(void) {
    char line[512], name[64];
    uint64_t now = 0;
    if (fgets(line, sizeof line, stdin) == NULL) {
        fail("no log on standard input");
    }
    set_up(line);
    while (fgets(line, sizeof line, stdin) != NULL) {
        uint64_t at = number_of(line, "at");
        if (at != now) {
            end_instant(now);
            while (deadline < at) {
                now = deadline > now ? deadline : now;
                call(now, NULL);
            }
            now = at;
        }
        if (text_of(line, "event", name, sizeof name)) {
            redial_event event = event_of(line, name);
            call(now, &event);
        }
    }
    end_instant(now);
    return 0;
}
