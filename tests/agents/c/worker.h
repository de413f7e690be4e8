// What the parts of the worker have of each other. A handler gives 0 when the message was dealt with, 1 when
// it was refused or could not be read.

#ifndef WORKER_H
#define WORKER_H

#include "host.h"
#include "json.h"
#include "message.h"
#include "text.h"

// How many messages there were. It lives in the instance's memory, so a restart begins at nought.
extern uint64_t handled;

// work.c: requests to transform text.
int32_t process(json message, json data);
int32_t relay(json message, json data);

// config.c: what the deployer wants of the agent.
typedef struct {
    double value;
    // As it was written.
    json raw;
} price;

typedef struct {
    // What this agent asks for its work.
    price price;
    // The most that it pays, and the least that it works for when it is bargained with.
    price limit;
    bool refuses, silent, fails, twice;
    // None, unless it is above 0.
    int64_t delay;
} configuration;

extern configuration config;
void load_config(void);
bool read_price(json value, price *into);

// later.c: what is put off until a timer rings.
typedef enum { PROPOSE, FINISH, NOTIFY } job;

typedef struct {
    job job;
    // For NOTIFY: how far it has come; -1 times is for ever.
    int64_t every, times, count;
} task;

// The text says why something cannot be put off; there is none when it could.
const char *put_off(json message, int64_t micros, task what);
int subscriptions(void);
bool ring_later(int32_t timer);
bool drop_conversation(json cancel);

// subscription.c: what is told again and again, or once something holds.
int32_t subscribe(json message);
int32_t notify(json message, task running);
int32_t request_when(json message);
int32_t cancel(json message);

// negotiate.c: the participant's side of contract nets, auctions and proposals.
int32_t call(json message);
int32_t propose(json message);
int32_t accepted(json message);
int32_t offer(json message);

// query.c: questions about the agent itself.
int32_t query_if(json message);
int32_t query_ref(json message);

// directory.c: questions that somebody has this agent ask the directory.
int32_t ask_directory(json message, json data);
bool directory_answered(json message);

// contract_net.c: the initiator's side of a contract net.
int32_t start_net(json message, json data);
bool net_answered(json message);
void ring_net(int32_t timer);

#endif
