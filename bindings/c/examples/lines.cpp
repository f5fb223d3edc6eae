// The client of lines.c in C++: a TCP connection that is kept alive with poll(2), over redial.hpp.
//     lines_cpp ADDRESS PORT
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "redial.hpp"
#include "redial_errno.h"

namespace {

volatile std::sig_atomic_t stopped = 0;

std::uint64_t now_ms() {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

// Never 0, which would look forgotten.
std::uint64_t seed() {
    std::random_device entropy;
    return (static_cast<std::uint64_t>(entropy()) << 32) | entropy() | 1U;
}

redial::Config config() {
    redial_settings settings = redial::Config::preset("recommended").settings();
    settings.heartbeat.interval_ms = 20000;
    settings.heartbeat.liveness = REDIAL_LIVENESS_ANY_TRAFFIC;
    return redial::Config(settings);
}

// A socket with what is to be written and what was read of a line. It is closed with its object.
class Transport {
public:
    Transport() = default;
    Transport(const Transport &) = delete;
    Transport &operator=(const Transport &) = delete;
    ~Transport() { close(); }

    void close() {
        if (socket >= 0) {
            ::close(socket);
        }
        socket = -1;
        open = false;
        output.clear();
        input.clear();
    }

    int socket = -1;
    bool open = false;
    std::uint32_t epoch = 0;
    std::string output, input;
};

class Client {
public:
    Client(const sockaddr_in &address, std::vector<std::string> topics)
        : address_(address), topics_(std::move(topics)),
          policy_(config(), seed(), static_cast<std::uint32_t>(topics_.size())) {}

    void run() {
        for (std::uint32_t key = 0; key < topics_.size(); key++) {
            redial_event event = redial::event(REDIAL_EVENT_SUBSCRIBE);
            event.key = key;
            tell(event);
        }
        tell(redial::event(REDIAL_EVENT_START));
        while (stopped == 0) {
            turn();
        }
        tell(redial::event(REDIAL_EVENT_STOP));
        redial_stats stats = policy_.stats();
        std::cout << stats.opens << " dials, " << stats.fresh << " sessions, " << stats.resumed << " resumed" << std::endl;
    }

private:
    void turn() {
        if (pending_.kind != 0) {
            redial_event event = pending_;
            pending_ = redial_event{};
            tell(event);
            return;
        }
        pollfd polled{};
        polled.fd = transport_.socket;
        polled.events = transport_.open ? POLLIN : POLLOUT;
        if (!transport_.output.empty()) {
            polled.events |= POLLOUT;
        }
        int ready = poll(&polled, 1, redial_poll_timeout(policy_.deadline(), now_ms()));
        if (ready > 0 && !transport_.open) {
            opened();
        } else if (ready > 0) {
            if ((polled.revents & POLLOUT) != 0) {
                write_some();
            }
            if (transport_.open && (polled.revents & (POLLIN | POLLERR | POLLHUP)) != 0) {
                read_some();
            }
        }
        if (pending_.kind == 0 && now_ms() >= policy_.deadline()) {
            execute(policy_.handle(now_ms()));
        }
    }

    void tell(const redial_event &event) { execute(policy_.handle(now_ms(), event)); }

    void execute(const redial::Decision &decision) {
        if (decision.phase != phase_) {
            phase_ = decision.phase;
            std::cout << policy_.explanation() << std::endl;
        }
        for (const redial_action &action : decision) {
            switch (action.kind) {
            case REDIAL_ACTION_OPEN:
                dial(action.epoch);
                break;
            case REDIAL_ACTION_CLOSE:
                transport_.close();
                break;
            case REDIAL_ACTION_IDENTIFY:
                say("LOGIN");
                break;
            case REDIAL_ACTION_RESUME:
                say("RESUME " + token_ + " " + std::to_string(action.sequence));
                break;
            case REDIAL_ACTION_HEARTBEAT:
                say("PING");
                break;
            case REDIAL_ACTION_RESTORE:
                for (std::uint32_t key : policy_.batch()) {
                    say("SUB " + topics_[key]);
                }
                break;
            case REDIAL_ACTION_GAVE_UP:
                stopped = 1;
                break;
            default: // No credentials and no handover here.
                break;
            }
        }
    }

    void lose(redial_event_kind kind, redial_cause cause) {
        transport_.close();
        pending_ = redial::event(kind, transport_.epoch);
        pending_.cause = cause;
    }

    void dial(std::uint32_t epoch) {
        transport_.close();
        transport_.epoch = epoch;
        transport_.socket = socket(AF_INET, SOCK_STREAM, 0);
        if (transport_.socket >= 0) {
            fcntl(transport_.socket, F_SETFL, O_NONBLOCK);
            const sockaddr *to = reinterpret_cast<const sockaddr *>(&address_);
            if (connect(transport_.socket, to, sizeof address_) == 0 || errno == EINPROGRESS) {
                return;
            }
        }
        lose(REDIAL_EVENT_OPEN_FAILED, redial_cause_of_errno(errno));
    }

    void say(const std::string &line) { transport_.output += line + "\n"; }

    void opened() {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(transport_.socket, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0) {
            lose(REDIAL_EVENT_OPEN_FAILED, redial_cause_of_errno(error));
            return;
        }
        transport_.open = true;
        tell(redial::event(REDIAL_EVENT_OPENED, transport_.epoch));
    }

    void write_some() {
        ssize_t written = send(transport_.socket, transport_.output.data(), transport_.output.size(), MSG_NOSIGNAL);
        if (written >= 0) {
            transport_.output.erase(0, static_cast<std::size_t>(written));
        } else if (errno != EAGAIN) {
            lose(REDIAL_EVENT_CLOSED, redial_cause_of_errno(errno));
        }
    }

    void read_some() {
        char bytes[1024];
        ssize_t got = recv(transport_.socket, bytes, sizeof bytes, 0);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            redial_cause ended{};
            ended.kind = REDIAL_CAUSE_NO_CLOSE_FRAME;
            lose(REDIAL_EVENT_CLOSED, got == 0 ? ended : redial_cause_of_errno(errno));
            return;
        }
        transport_.input.append(bytes, static_cast<std::size_t>(got));
        std::uint32_t epoch = transport_.epoch;
        for (std::size_t end; (end = transport_.input.find('\n')) != std::string::npos;) {
            std::string line = transport_.input.substr(0, end);
            transport_.input.erase(0, end + 1);
            take(line);
            if (transport_.epoch != epoch || !transport_.open) {
                return;
            }
        }
    }

    void take(const std::string &line) {
        redial_event event = redial::event(REDIAL_EVENT_RECEIVED, transport_.epoch);
        std::string word = line.substr(0, line.find(' '));
        std::string rest = line.size() > word.size() ? line.substr(word.size() + 1) : std::string();
        if (word == "OK") {
            std::string token = rest.substr(0, rest.find(' '));
            token_number_ += token != token_ || token_number_ == 0;
            token_ = token;
            event.kind = REDIAL_EVENT_READY;
            event.token = token_number_;
        } else if (word == "RESUMED") {
            event.kind = REDIAL_EVENT_RESUMED;
        } else if (word == "EXPIRED") {
            event.kind = REDIAL_EVENT_SESSION_INVALID;
        } else if (word == "PONG") {
            event.kind = REDIAL_EVENT_HEARTBEAT_ACKED;
        } else if (word == "MSG") {
            event.kind = REDIAL_EVENT_SEQUENCE;
            event.sequence = std::strtoull(rest.c_str(), nullptr, 10);
            std::cout << line << std::endl;
        } else if (word == "SUBBED") {
            event.kind = REDIAL_EVENT_SUBSCRIPTION_CONFIRMED;
            while (event.key + 1 < topics_.size() && topics_[event.key] != rest) {
                event.key++;
            }
        }
        tell(event);
    }

    sockaddr_in address_;
    std::vector<std::string> topics_;
    redial::Policy policy_;
    redial_phase phase_ = REDIAL_PHASE_IDLE;
    redial_event pending_{};
    Transport transport_;
    std::string token_;
    std::uint64_t token_number_ = 0;
};

extern "C" void on_signal(int) { stopped = 1; }

} // namespace

int main(int argc, char **argv) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 0));
    if (argc < 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        std::cerr << "usage: lines_cpp ADDRESS PORT" << std::endl;
        return 2;
    }
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    try {
        Client(address, {"weather", "news"}).run();
    } catch (const redial::Error &error) {
        std::cerr << "lines_cpp: " << error.what() << std::endl;
        return 1;
    }
    return 0;
}
