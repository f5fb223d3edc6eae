// redial for C++11 and newer: a policy and its memory as one object, configs, and decisions to iterate over. Everything else is that of
// redial.h, whose structs these functions take and give.

#ifndef REDIAL_HPP
#define REDIAL_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "redial.h"

namespace redial {

// A call that returned something else than REDIAL_OK.
class Error : public std::runtime_error {
public:
    explicit Error(redial_status status, const std::string &about = std::string())
        : std::runtime_error(about + redial_status_message(status)), status_(status) {}

    redial_status status() const noexcept { return status_; }

private:
    redial_status status_;
};

inline void check(redial_status status) {
    if (status != REDIAL_OK) {
        throw Error(status);
    }
}

// A valid config: a preset, or one of your own. Copies share it, and it lives as long as a policy has it.
class Config {
public:
    static Config preset(const char *name) {
        const redial_config *config = redial_preset(name);
        if (config == nullptr) {
            throw Error(REDIAL_ERROR_PRESET, std::string(name) + ": ");
        }
        return Config(config);
    }

    explicit Config(const redial_settings &settings) : storage_(std::make_shared<redial_config_storage>()), config_(nullptr) {
        redial_error error{};
        redial_status status = redial_config_init(storage_.get(), &settings, &config_, &error);
        if (status != REDIAL_OK) {
            throw Error(status, std::string(error.setting) + ": " + error.message + ": ");
        }
    }

    // Every setting, to be changed and made a config of.
    redial_settings settings() const {
        redial_settings settings;
        check(redial_settings_of(&settings, config_));
        return settings;
    }

    const redial_config *get() const noexcept { return config_; }

private:
    explicit Config(const redial_config *config) : config_(config) {}

    std::shared_ptr<redial_config_storage> storage_;
    const redial_config *config_;
};

// What a call decided, to iterate over: execute every action, in order, before the next call.
class Decision : public redial_decision {
public:
    const redial_action *begin() const noexcept { return actions; }
    const redial_action *end() const noexcept { return actions + count; }
};

// An event of this kind, to be filled in.
inline redial_event event(redial_event_kind kind, std::uint32_t epoch = 0) {
    redial_event event{};
    event.kind = kind;
    event.epoch = epoch;
    return event;
}

// A policy in a place of its own. It is neither copied nor moved.
class Policy {
public:
    // `subscriptions`: how many keys there may be. What `options` has of slots is not read.
    explicit Policy(Config config, redial_options options, std::uint32_t subscriptions = 0)
        : config_(std::move(config)), slots_(subscriptions), policy_() {
        options.slots = slots_.empty() ? nullptr : slots_.data();
        options.slot_count = subscriptions;
        check(redial_policy_init(&policy_, config_.get(), &options));
    }

    Policy(Config config, std::uint64_t seed, std::uint32_t subscriptions = 0) : Policy(std::move(config), seeded(seed), subscriptions) {}

    Policy(const Policy &) = delete;
    Policy &operator=(const Policy &) = delete;

    // The one call: an event that happened, or without one the time alone.
    Decision handle(std::uint64_t now_ms, const redial_event &event) { return handle(now_ms, &event); }
    Decision handle(std::uint64_t now_ms) { return handle(now_ms, static_cast<const redial_event *>(nullptr)); }

    std::uint64_t deadline() const noexcept { return redial_deadline(&policy_); }

    // The keys that REDIAL_ACTION_RESTORE sends.
    std::vector<std::uint32_t> batch() const {
        std::vector<std::uint32_t> keys(slots_.size());
        std::size_t count = 0;
        check(redial_batch(&policy_, keys.data(), keys.size(), &count));
        keys.resize(count);
        return keys;
    }

    redial_session session() const {
        redial_session session{};
        check(redial_session_of(&policy_, &session));
        return session;
    }

    redial_explanation explain() const {
        redial_explanation explanation{};
        check(redial_explain(&policy_, &explanation));
        return explanation;
    }

    std::string explanation() const {
        std::string text(redial_explain_text(&policy_, nullptr, 0) + 1, '\0');
        redial_explain_text(&policy_, &text[0], text.size());
        text.pop_back();
        return text;
    }

    redial_stats stats() const {
        redial_stats stats{};
        check(redial_stats_of(&policy_, &stats));
        return stats;
    }

    redial_policy *get() noexcept { return &policy_; }

private:
    static redial_options seeded(std::uint64_t seed) {
        redial_options options{};
        options.seed = seed;
        return options;
    }

    Decision handle(std::uint64_t now_ms, const redial_event *event) {
        Decision decision{};
        check(redial_handle(&policy_, now_ms, event, &decision));
        return decision;
    }

    Config config_;
    std::vector<redial_slot> slots_;
    redial_policy policy_;
};

} // namespace redial

#endif
