/* The server of lines.c and lines.cpp, for trying them: a protocol of lines over TCP, one process, poll(2).
 *     lines_server PORT [--forget]
 * LOGIN -> OK <token> <number>     RESUME <token> <number> -> RESUMED, or EXPIRED with --forget     SUB <topic> -> SUBBED <topic>
 * PING -> PONG                     and MSG <number> <text> now and then. Kill it and start it again: a token is good for any of its runs. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 8, LINE = 256, EVERY_MS = 500 };

struct client {
    int socket;
    bool live;
    unsigned number;
    size_t length;
    char text[LINE];
};

static bool forgets;
static struct client clients[CLIENTS];
static struct pollfd polled[CLIENTS + 1];

static void drop(struct client *client) {
    close(client->socket);
    memset(client, 0, sizeof *client);
    client->socket = -1;
}

static void answer(struct client *client, const char *text) {
    if (send(client->socket, text, strlen(text), MSG_NOSIGNAL) < 0) {
        drop(client);
    }
}

static void take(struct client *client, char *line) {
    char text[LINE + 16];
    unsigned number = 0;
    printf("< %s\n", line);
    if (strcmp(line, "LOGIN") == 0) {
        client->live = true;
        answer(client, "OK s1 0\n");
    } else if (sscanf(line, "RESUME %*s %u", &number) == 1) {
        client->live = !forgets;
        client->number = number;
        answer(client, forgets ? "EXPIRED\n" : "RESUMED\n");
    } else if (strncmp(line, "SUB ", 4) == 0) {
        snprintf(text, sizeof text, "SUBBED %s\n", line + 4);
        answer(client, text);
    } else if (strcmp(line, "PING") == 0) {
        answer(client, "PONG\n");
    }
}

/* What came in, line by line. False at the end of the connection. */
static bool receive(struct client *client) {
    ssize_t got = recv(client->socket, client->text + client->length, LINE - 1 - client->length, 0);
    if (got <= 0) {
        return false;
    }
    client->length += (size_t)got;
    client->text[client->length] = 0;
    char *line = client->text;
    for (char *end; client->socket >= 0 && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        take(client, line);
    }
    if (client->socket < 0) {
        return true;
    }
    client->length -= (size_t)(line - client->text);
    memmove(client->text, line, client->length);
    return client->length < LINE - 1;
}

static void welcome(int listener) {
    int socket = accept(listener, NULL, NULL);
    for (int at = 0; socket >= 0 && at < CLIENTS; at++) {
        if (clients[at].socket < 0) {
            clients[at].socket = socket;
            return;
        }
    }
    if (socket >= 0) {
        close(socket);
    }
}

static void tell_everybody(void) {
    char text[64];
    for (int at = 0; at < CLIENTS; at++) {
        if (clients[at].live) {
            snprintf(text, sizeof text, "MSG %u hello\n", ++clients[at].number);
            answer(&clients[at], text);
        }
    }
}

static int listen_on(const char *port) {
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, CLIENTS) != 0) {
        perror("lines_server");
        exit(1);
    }
    return listener;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: lines_server PORT [--forget]\n");
        return 2;
    }
    forgets = argc > 2 && strcmp(argv[2], "--forget") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    int listener = listen_on(argv[1]);
    for (int at = 0; at < CLIENTS; at++) {
        clients[at].socket = -1;
    }
    printf("listening\n");
    for (;;) {
        polled[CLIENTS] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (int at = 0; at < CLIENTS; at++) {
            polled[at] = (struct pollfd){.fd = clients[at].socket, .events = POLLIN};
        }
        int ready = poll(polled, CLIENTS + 1, EVERY_MS);
        if (ready == 0) {
            tell_everybody();
        }
        for (int at = 0; at < CLIENTS; at++) {
            if (ready > 0 && polled[at].revents != 0 && !receive(&clients[at])) {
                drop(&clients[at]);
            }
        }
        if (ready > 0 && polled[CLIENTS].revents != 0) {
            welcome(listener);
        }
    }
}
