/* What a program of C relies on: errors where a pointer or a number is wrong, texts that fit their buffer, snapshots by its own functions. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redial.h"
#include "redial_errno.h"

#define CHECK(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            exit(1);                                                          \
        }                                                                     \
    } while (0)

static redial_policy policy;
static redial_slot slots[4];

static redial_decision tell(uint64_t now, redial_event event) {
    redial_decision decision;
    CHECK(redial_handle(&policy, now, &event, &decision) == REDIAL_OK);
    return decision;
}

static void init(const char *preset) {
    redial_options options = {.seed = 7, .slots = slots, .slot_count = 4};
    CHECK(redial_policy_init(&policy, redial_preset(preset), &options) == REDIAL_OK);
}

/* Online with a session and one subscription. */
static void online(void) {
    init("recommended");
    tell(0, (redial_event){.kind = REDIAL_EVENT_SUBSCRIBE, .key = 3, .priority = -2});
    redial_decision decision = tell(0, (redial_event){.kind = REDIAL_EVENT_START});
    CHECK(decision.count == 1 && decision.actions[0].kind == REDIAL_ACTION_OPEN && decision.actions[0].epoch == 1);
    CHECK(decision.actions[0].endpoint == REDIAL_ENDPOINT_BASE && decision.actions[0].mode == REDIAL_MODE_FRESH);
    CHECK(decision.phase == REDIAL_PHASE_CONNECTING && decision.deadline_ms == 10000 && decision.waiting_for == REDIAL_WAIT_CONNECT_TIMEOUT);
    decision = tell(20, (redial_event){.kind = REDIAL_EVENT_OPENED, .epoch = 1});
    CHECK(decision.count == 1 && decision.actions[0].kind == REDIAL_ACTION_IDENTIFY);
    decision = tell(30, (redial_event){.kind = REDIAL_EVENT_READY, .epoch = 1, .token = 5, .sequence = 9, .has_sequence = 1});
    CHECK(decision.count == 1 && decision.actions[0].kind == REDIAL_ACTION_RESTORE && decision.actions[0].count == 1);
    CHECK(decision.phase == REDIAL_PHASE_ONLINE);
}

static void errors(void) {
    redial_decision decision;
    redial_event event = {0};
    init("recommended");
    CHECK(redial_handle(NULL, 0, NULL, &decision) == REDIAL_ERROR_NULL);
    CHECK(redial_handle(&policy, 0, &event, &decision) == REDIAL_ERROR_EVENT);
    event.kind = (redial_event_kind)4711;
    CHECK(redial_handle(&policy, 0, &event, &decision) == REDIAL_ERROR_EVENT);
    CHECK(redial_handle(&policy, 0, &(redial_event){.kind = REDIAL_EVENT_OPENED}, &decision) == REDIAL_ERROR_EPOCH);
    CHECK(redial_handle(&policy, 0, &(redial_event){.kind = REDIAL_EVENT_SUBSCRIBE, .key = 4}, &decision) == REDIAL_ERROR_KEY);
    CHECK(strcmp(redial_event_kind_name((redial_event_kind)4711), "unknown") == 0);
    for (uint32_t status = 0; status <= REDIAL_ERROR_STARTED; status++) {
        CHECK(strlen(redial_status_message((redial_status)status)) > 5);
    }
    CHECK(strcmp(redial_status_message((redial_status)99), "an unknown status") == 0);
    redial_policy copy = policy;
    CHECK(redial_handle(&copy, 0, NULL, &decision) == REDIAL_ERROR_MOVED);
    memset(&copy, 0, sizeof copy);
    CHECK(redial_handle(&copy, 0, NULL, &decision) == REDIAL_ERROR_UNINITIALIZED);
    CHECK(redial_deadline(&copy) == 0 && redial_explain_text(&copy, NULL, 0) == 0);
    CHECK(redial_preset("nothing of this name") == NULL);
    redial_config_storage storage;
    redial_settings settings;
    const redial_config *config = NULL;
    redial_error error;
    CHECK(redial_settings_of(&settings, redial_preset("few")) == REDIAL_OK);
    settings.backoff.initial_ms = 60000;
    CHECK(redial_config_init(&storage, &settings, &config, &error) == REDIAL_ERROR_CONFIG && config == NULL);
    CHECK(strcmp(error.setting, "backoff") == 0 && strcmp(error.message, "the initial delay is above the maximum") == 0);
    settings.backoff.initial_ms = 500;
    CHECK(redial_config_init(&storage, &settings, &config, &error) == REDIAL_OK && config != NULL);
    CHECK(strcmp(error.setting, "") == 0);
}

static void texts(void) {
    char text[8] = "xxxxxxx", whole[256];
    online();
    size_t length = redial_explain_text(&policy, text, sizeof text);
    CHECK(strcmp(text, "online ") == 0 && length > sizeof text);
    CHECK(redial_explain_text(&policy, whole, sizeof whole) == length && strlen(whole) == length);
    CHECK(redial_explain_text(&policy, NULL, 0) == length && redial_explain_text(&policy, whole, 0) == length);
    CHECK(redial_explain_text(&policy, text, 1) == length && text[0] == 0);
    CHECK(redial_trigger_text(&policy, whole, sizeof whole) == 5 && strcmp(whole, "ready") == 0);
    redial_cause cause = {REDIAL_CAUSE_CLOSE_FRAME, 4004};
    CHECK(redial_cause_text(cause, whole, sizeof whole) == 10 && strcmp(whole, "close_4004") == 0);
    cause = redial_cause_of_errno(ECONNREFUSED);
    redial_cause_text(cause, whole, sizeof whole);
    CHECK(strcmp(whole, "connection_refused") == 0);
    size_t presets = 0;
    while (redial_preset_name(presets, whole, sizeof whole) > 0) {
        CHECK(redial_preset(whole) != NULL);
        presets++;
    }
    CHECK(presets > 40);
    CHECK(redial_poll_timeout(REDIAL_NEVER, 5) == -1 && redial_poll_timeout(100, 90) == 10 && redial_poll_timeout(5, 90) == 0);
    CHECK(redial_poll_timeout(REDIAL_NEVER - 1, 0) == 2147483647);
}

static void what_a_policy_says(void) {
    redial_explanation explanation;
    redial_session session;
    redial_subscription subscription;
    redial_stats stats;
    online();
    redial_decision decision = tell(1000, (redial_event){.kind = REDIAL_EVENT_CLOSED, .epoch = 1, .cause = {REDIAL_CAUSE_CLOSE_FRAME, 1006}});
    CHECK(decision.phase == REDIAL_PHASE_WAITING && decision.waiting_for == REDIAL_WAIT_BACKOFF);
    CHECK(redial_explain(&policy, &explanation) == REDIAL_OK);
    CHECK(explanation.trigger == REDIAL_TRIGGER_LOST && explanation.trigger_cause.detail == 1006 && explanation.mode == REDIAL_MODE_RESUME);
    CHECK(explanation.until_ms == decision.deadline_ms && explanation.failures == 1 && explanation.breaker == 0);
    CHECK(redial_session_of(&policy, &session) == REDIAL_OK && session.token == 5 && session.sequence == 9 && session.has_sequence == 1);
    CHECK(redial_subscription_of(&policy, 3, &subscription) == REDIAL_OK && subscription.state == REDIAL_SUBSCRIPTION_PENDING);
    CHECK(subscription.priority == -2 && subscription.send == 1);
    CHECK(redial_subscription_of(&policy, 99, &subscription) == REDIAL_OK && subscription.state == 0);
    CHECK(redial_stats_of(&policy, &stats) == REDIAL_OK && stats.opens == 1 && stats.losses == 1 && stats.fresh == 1);
    decision = tell(1001, (redial_event){.kind = REDIAL_EVENT_RECEIVED, .epoch = 1});
    CHECK(decision.disposition == REDIAL_DISPOSITION_STALE && decision.count == 0);
}

static redial_bytes text_of(void *context, uint64_t number) {
    CHECK(number == 5);
    return (redial_bytes){(const uint8_t *)context, strlen((const char *)context)};
}

static uint64_t keep_text(void *context, const uint8_t *bytes, size_t length) {
    CHECK(length < 16);
    memcpy(context, bytes, length);
    return 6;
}

static uint64_t keep_nothing(void *context, const uint8_t *bytes, size_t length) {
    (void)context, (void)bytes, (void)length;
    return 0;
}

static void snapshots(void) {
    uint8_t bytes[REDIAL_SNAPSHOT_BYTES + 16];
    char token[16] = "secret", kept[16] = "";
    size_t length = 0;
    init("recommended");
    CHECK(redial_snapshot(&policy, 0, 1, text_of, token, bytes, sizeof bytes, &length) == REDIAL_OK && length == 0);
    online();
    CHECK(redial_snapshot(&policy, 100, 1, text_of, token, bytes, 10, &length) == REDIAL_ERROR_FULL);
    CHECK(redial_snapshot(&policy, 100, 1, NULL, token, bytes, sizeof bytes, &length) == REDIAL_ERROR_NULL);
    CHECK(redial_snapshot(&policy, 100, 1, text_of, token, bytes, sizeof bytes, &length) == REDIAL_OK);
    CHECK(length == REDIAL_SNAPSHOT_BYTES + strlen(token));
    CHECK(redial_restore_snapshot(&policy, 0, 50, 1, keep_text, kept, bytes, length) == REDIAL_ERROR_STARTED);
    init("recommended");
    CHECK(redial_restore_snapshot(&policy, 0, 50, 2, keep_text, kept, bytes, length) == REDIAL_ERROR_SNAPSHOT_KEY);
    CHECK(redial_restore_snapshot(&policy, 0, 50, 1, keep_text, kept, bytes, length - 1) == REDIAL_ERROR_SNAPSHOT);
    CHECK(redial_restore_snapshot(&policy, 0, 50, 1, keep_text, kept, NULL, 0) == REDIAL_ERROR_SNAPSHOT);
    CHECK(redial_restore_snapshot(&policy, 0, 50, 1, keep_nothing, NULL, bytes, length) == REDIAL_ERROR_TOKEN);
    CHECK(redial_restore_snapshot(&policy, 0, 50, 1, keep_text, kept, bytes, length) == REDIAL_OK);
    CHECK(strcmp(kept, token) == 0);
    /* The process ended while it was connected: the next dial keeps its distance, and resumes. */
    redial_decision decision = tell(0, (redial_event){.kind = REDIAL_EVENT_START});
    CHECK(redial_handle(&policy, decision.deadline_ms, NULL, &decision) == REDIAL_OK);
    CHECK(decision.count == 1 && decision.actions[0].kind == REDIAL_ACTION_OPEN && decision.actions[0].mode == REDIAL_MODE_RESUME);
    decision = tell(5000, (redial_event){.kind = REDIAL_EVENT_OPENED, .epoch = 1});
    CHECK(decision.count == 1 && decision.actions[0].kind == REDIAL_ACTION_RESUME && decision.actions[0].token == 6);
    CHECK(decision.actions[0].sequence == 9 && decision.actions[0].has_sequence == 1);
}

static void handovers(void) {
    redial_options options = {.seed = 7, .endpoints = 2, .handover_timeout_ms = 10000};
    CHECK(redial_policy_init(&policy, redial_preset("recommended"), &options) == REDIAL_OK);
    tell(0, (redial_event){.kind = REDIAL_EVENT_START});
    tell(1, (redial_event){.kind = REDIAL_EVENT_OPENED, .epoch = 1});
    tell(2, (redial_event){.kind = REDIAL_EVENT_READY, .epoch = 1, .token = 1});
    redial_decision decision = tell(70000, (redial_event){.kind = REDIAL_EVENT_REDIAL});
    CHECK(decision.count == 1 && decision.actions[0].role == REDIAL_ROLE_SUCCESSOR && decision.actions[0].epoch == 2);
    tell(70010, (redial_event){.kind = REDIAL_EVENT_OPENED, .epoch = 2});
    decision = tell(70020, (redial_event){.kind = REDIAL_EVENT_RESUMED, .epoch = 2});
    CHECK(decision.count == 2 && decision.actions[0].kind == REDIAL_ACTION_PROMOTE && decision.actions[1].kind == REDIAL_ACTION_CLOSE);
    CHECK(decision.actions[1].epoch == 1 && decision.actions[1].code == 4000);
}

int main(void) {
    errors();
    texts();
    what_a_policy_says();
    snapshots();
    handovers();
    printf("the C interface does what its header says\n");
    return 0;
}
