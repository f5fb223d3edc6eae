/* A client that keeps a TCP connection alive with poll(2): it logs in, subscribes, and after any loss resumes its session.
 *     lines ADDRESS PORT
 * Try it: start lines_server 4000, then lines 127.0.0.1 4000; kill the server, start it again. SIGTERM or Ctrl-C ends the client. */
#define _DEFAULT_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "redial.h"
#include "redial_errno.h"

enum { TOPICS = 2, TEXT = 1024 };

static const char *const topics[TOPICS] = {"weather", "news"};

static redial_policy policy;
static redial_slot slots[TOPICS];
static struct sockaddr_in address;

/* The transport: its epoch, its socket, what is to be written and what was read of a line. */
static struct {
    uint32_t epoch;
    int socket;
    bool open;
    size_t to_write, read;
    char output[TEXT], input[TEXT];
} transport = {.socket = -1};

/* The session's token. The policy knows it by a number, which changes with it. */
static char token[64];
static uint64_t token_number;

/* What happened while actions were executed. It is told after them. */
static redial_event pending;

static volatile sig_atomic_t stopped;

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void hang_up(void) {
    if (transport.socket >= 0) {
        close(transport.socket);
    }
    transport.socket = -1;
    transport.open = false;
}

/* The transport is at its end. */
static void lose(redial_event_kind kind, redial_cause cause) {
    hang_up();
    pending = (redial_event){.kind = kind, .epoch = transport.epoch, .cause = cause};
}

static void dial(uint32_t epoch) {
    memset(&transport, 0, sizeof transport);
    transport.epoch = epoch;
    transport.socket = socket(AF_INET, SOCK_STREAM, 0);
    if (transport.socket >= 0) {
        fcntl(transport.socket, F_SETFL, O_NONBLOCK);
        int result = connect(transport.socket, (struct sockaddr *)&address, sizeof address);
        if (result == 0 || errno == EINPROGRESS) {
            return; /* poll(2) says when it is open. */
        }
    }
    lose(REDIAL_EVENT_OPEN_FAILED, redial_cause_of_errno(errno));
}

/* Queues a line. What does not fit means that the peer has not read for long. */
static void say(const char *line) {
    size_t length = strlen(line);
    if (!transport.open) {
        return;
    }
    if (transport.to_write + length > TEXT) {
        lose(REDIAL_EVENT_SEND_FAILED, (redial_cause){0, 0});
        return;
    }
    memcpy(transport.output + transport.to_write, line, length);
    transport.to_write += length;
}

static void subscribe(void) {
    uint32_t keys[TOPICS];
    size_t count = 0;
    char line[96];
    redial_batch(&policy, keys, TOPICS, &count);
    for (size_t at = 0; at < count; at++) {
        snprintf(line, sizeof line, "SUB %s\n", topics[keys[at]]);
        say(line);
    }
}

static void execute(const redial_action *action) {
    char line[128];
    switch (action->kind) {
    case REDIAL_ACTION_OPEN:
        dial(action->epoch);
        break;
    case REDIAL_ACTION_CLOSE:
        hang_up();
        break;
    case REDIAL_ACTION_IDENTIFY:
        say("LOGIN\n");
        break;
    case REDIAL_ACTION_RESUME:
        snprintf(line, sizeof line, "RESUME %s %" PRIu64 "\n", token, action->sequence);
        say(line);
        break;
    case REDIAL_ACTION_HEARTBEAT:
        say("PING\n");
        break;
    case REDIAL_ACTION_RESTORE:
        subscribe();
        break;
    case REDIAL_ACTION_GAVE_UP:
        stopped = 1;
        break;
    default: /* No credentials and no handover here. */
        break;
    }
}

/* Tells the policy what happened, or with a kind of 0 the time, and does what it says. */
static void tell(redial_event event) {
    static redial_phase phase = REDIAL_PHASE_IDLE;
    redial_decision decision;
    redial_status status = redial_handle(&policy, now_ms(), event.kind == 0 ? NULL : &event, &decision);
    if (status != REDIAL_OK) {
        fprintf(stderr, "lines: %s\n", redial_status_message(status));
        exit(1);
    }
    if (decision.phase != phase) {
        char text[256];
        phase = decision.phase;
        redial_explain_text(&policy, text, sizeof text);
        printf("%s\n", text);
    }
    for (uint32_t at = 0; at < decision.count; at++) {
        execute(&decision.actions[at]);
    }
}

static void take(const char *line) {
    redial_event event = {.kind = REDIAL_EVENT_RECEIVED, .epoch = transport.epoch};
    char text[64];
    uint64_t number = 0;
    if (sscanf(line, "OK %63s %" SCNu64, text, &number) == 2) {
        token_number += strcmp(token, text) != 0 || token_number == 0;
        memcpy(token, text, sizeof token);
        event.kind = REDIAL_EVENT_READY;
        event.token = token_number;
        event.sequence = number;
        event.has_sequence = 1;
    } else if (strcmp(line, "RESUMED") == 0) {
        event.kind = REDIAL_EVENT_RESUMED;
    } else if (strcmp(line, "EXPIRED") == 0) {
        event.kind = REDIAL_EVENT_SESSION_INVALID;
    } else if (strcmp(line, "PONG") == 0) {
        event.kind = REDIAL_EVENT_HEARTBEAT_ACKED;
    } else if (sscanf(line, "SUBBED %63s", text) == 1) {
        event.kind = REDIAL_EVENT_SUBSCRIPTION_CONFIRMED;
        while (event.key + 1 < TOPICS && strcmp(topics[event.key], text) != 0) {
            event.key++;
        }
    } else if (sscanf(line, "MSG %" SCNu64, &number) == 1) {
        event.kind = REDIAL_EVENT_SEQUENCE;
        event.sequence = number;
        printf("%s\n", line);
    }
    tell(event);
}

static void opened(void) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(transport.socket, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        lose(REDIAL_EVENT_OPEN_FAILED, redial_cause_of_errno(error));
        return;
    }
    transport.open = true;
    tell((redial_event){.kind = REDIAL_EVENT_OPENED, .epoch = transport.epoch});
}

static void write_some(void) {
    ssize_t written = send(transport.socket, transport.output, transport.to_write, MSG_NOSIGNAL);
    if (written < 0 && errno != EAGAIN) {
        lose(REDIAL_EVENT_CLOSED, redial_cause_of_errno(errno));
    } else if (written > 0) {
        transport.to_write -= (size_t)written;
        memmove(transport.output, transport.output + written, transport.to_write);
    }
}

static void read_some(void) {
    uint32_t epoch = transport.epoch;
    ssize_t got = recv(transport.socket, transport.input + transport.read, TEXT - 1 - transport.read, 0);
    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        lose(REDIAL_EVENT_CLOSED, got == 0 ? (redial_cause){REDIAL_CAUSE_NO_CLOSE_FRAME, 0} : redial_cause_of_errno(errno));
        return;
    }
    transport.read += (size_t)got;
    transport.input[transport.read] = 0;
    for (char *end; (end = strchr(transport.input, '\n')) != NULL;) {
        char line[TEXT];
        *end = 0;
        memcpy(line, transport.input, (size_t)(end - transport.input) + 1);
        transport.read -= (size_t)(end + 1 - transport.input);
        memmove(transport.input, end + 1, transport.read + 1);
        take(line);
        if (transport.epoch != epoch || !transport.open) {
            return; /* The line ended this transport, and what is behind it with it. */
        }
    }
    if (transport.read == TEXT - 1) {
        lose(REDIAL_EVENT_CLOSED, (redial_cause){REDIAL_CAUSE_IO, REDIAL_IO_INVALID_DATA});
    }
}

static void on_signal(int signal) {
    (void)signal;
    stopped = 1;
}

static void begin(void) {
    redial_options options = {.slots = slots, .slot_count = TOPICS};
    if (getentropy(&options.seed, sizeof options.seed) != 0 || options.seed == 0) {
        options.seed = now_ms() + 1;
    }
    /* A preset as it is but for a heartbeat, since this protocol has one. */
    static redial_settings settings;
    static redial_config_storage storage;
    const redial_config *config = NULL;
    redial_error error;
    redial_settings_of(&settings, redial_preset("recommended"));
    settings.heartbeat.interval_ms = 20000;
    settings.heartbeat.liveness = REDIAL_LIVENESS_ANY_TRAFFIC;
    if (redial_config_init(&storage, &settings, &config, &error) != REDIAL_OK) {
        fprintf(stderr, "lines: %s: %s\n", error.setting, error.message);
        exit(1);
    }
    redial_policy_init(&policy, config, &options);
    for (uint32_t key = 0; key < TOPICS; key++) {
        tell((redial_event){.kind = REDIAL_EVENT_SUBSCRIBE, .key = key});
    }
    tell((redial_event){.kind = REDIAL_EVENT_START});
}

int main(int argc, char **argv) {
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)(argc > 2 ? atoi(argv[2]) : 0))};
    if (argc < 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        fprintf(stderr, "usage: lines ADDRESS PORT\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    begin();
    while (!stopped) {
        if (pending.kind != 0) {
            redial_event event = pending;
            pending.kind = 0;
            tell(event);
            continue;
        }
        short wanted = transport.open ? POLLIN : POLLOUT;
        if (transport.to_write > 0) {
            wanted |= POLLOUT;
        }
        struct pollfd polled = {.fd = transport.socket, .events = wanted};
        int ready = poll(&polled, 1, redial_poll_timeout(redial_deadline(&policy), now_ms()));
        if (ready > 0 && !transport.open) {
            opened();
        } else if (ready > 0) {
            if ((polled.revents & POLLOUT) != 0) {
                write_some();
            }
            if (transport.open && (polled.revents & (POLLIN | POLLERR | POLLHUP)) != 0) {
                read_some();
            }
        }
        /* Events come before the time, which a flood of them does not hold up. */
        if (pending.kind == 0 && now_ms() >= redial_deadline(&policy)) {
            tell((redial_event){0});
        }
    }
    tell((redial_event){.kind = REDIAL_EVENT_STOP});
    redial_stats stats;
    redial_stats_of(&policy, &stats);
    printf("%" PRIu32 " dials, %" PRIu32 " sessions, %" PRIu32 " resumed\n", stats.opens, stats.fresh, stats.resumed);
    return 0;
}
